package io.tensorarrow.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A table of the README: printed, and written into it if the property {@code bench.readme} says
 * where it is.
 */
final class Figures {
  private final StringBuilder table = new StringBuilder();
  private final String name;

  /**
   * Begins a table.
   *
   * @param name what its place in the README is called
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

  /** Prints the table, and puts it into the README. */
  void publish() {
    System.out.println("\n" + name + "\n" + table + "\n");
    String readme = System.getProperty("bench.readme", "");
    if (!readme.isEmpty()) {
      try {
        update(Path.of(readme));
      } catch (IOException e) {
        throw new IllegalStateException("cannot update " + readme, e);
      }
    }
  }

  private void update(Path readme) throws IOException {
    String begin = "<!-- " + name + ":begin -->\n";
    String end = "\n<!-- " + name + ":end -->";
    String text = Files.readString(readme);
    int from = text.indexOf(begin) + begin.length();
    int to = text.indexOf(end);
    if (from < begin.length() || to < from) {
      throw new IllegalStateException("no place for " + name + " in " + readme);
    }
    Files.writeString(readme, text.substring(0, from) + table + text.substring(to));
  }
}
