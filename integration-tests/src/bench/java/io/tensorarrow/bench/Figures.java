package io.tensorarrow.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A table of the documentation's page on benchmarks: printed, and written into the page if the
 * property {@code bench.docs} says where it is.
 */
final class Figures {
  private final StringBuilder table = new StringBuilder();
  private final String name;

  /**
   * Begins a table.
   *
   * @param name what its section of the page is called
   */
  Figures(String name, List<String> header) {
    this.name = name;
    row(header);
    table.append("\n|").append("---|".repeat(header.size()));
  }

  /** Adds a row. */
  void row(List<String> cells) {
    if (!table.isEmpty()) {
      table.append('\n');
    }
    table.append("| ").append(String.join(" | ", cells)).append(" |");
  }

  /** Prints the table, and puts it into the page. */
  void publish() {
    System.out.println("\n" + name + "\n" + table + "\n");
    String page = System.getProperty("bench.docs", "");
    if (!page.isEmpty()) {
      try {
        update(Path.of(page));
      } catch (IOException e) {
        throw new IllegalStateException("cannot update " + page, e);
      }
    }
  }

  private void update(Path page) throws IOException {
    String begin = "<!-- " + name + ":begin -->\n";
    String end = "\n<!-- " + name + ":end -->";
    String text = Files.readString(page);
    int from = text.indexOf(begin) + begin.length();
    int to = text.indexOf(end);
    if (from < begin.length() || to < from) {
      throw new IllegalStateException("no section " + name + " in " + page);
    }
    Files.writeString(page, text.substring(0, from) + table + text.substring(to));
  }
}
