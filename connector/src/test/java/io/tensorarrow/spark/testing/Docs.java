package io.tensorarrow.spark.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Where the documentation is, and the sections of it that are generated.
 *
 * <p>A generated section stands between the comments {@code <!-- name:begin -->} and {@code <!--
 * name:end -->}. With {@code -Dtensorarrow.updateDocs=true} tests write it, else they compare it.
 */
public final class Docs {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  public static final Path README = ROOT.resolve("README.md");
  public static final Path INDEX = ROOT.resolve("connector/docs/index.md");
  public static final Path OPTIONS = ROOT.resolve("connector/docs/reference/options.md");
  public static final Path SETTINGS = ROOT.resolve("connector/docs/reference/settings.md");
  public static final Path METRICS = ROOT.resolve("connector/docs/reference/metrics.md");
  public static final Path TYPES = ROOT.resolve("connector/docs/types.md");
  public static final Path ERRORS = ROOT.resolve("connector/docs/reference/errors.md");

  /** The longest line that {@link #wrapped} makes. */
  private static final int WIDTH = 118;

  private Docs() {}

  /** Returns every page: the README, the documentation and what contributors read. */
  public static List<Path> pages() {
    List<Path> pages = new ArrayList<>();
    pages.add(README);
    for (Path directory : List.of(INDEX.getParent(), ROOT.resolve(".github"))) {
      try (Stream<Path> files = Files.walk(directory)) {
        files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return pages;
  }

  /** Returns a page's text. */
  public static String read(Path page) {
    try {
      return Files.readString(page);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a page's path as a reader of the repository names it. */
  public static String name(Path page) {
    return ROOT.relativize(page).toString();
  }

  /**
   * Compares a generated section with its page, or writes it there.
   *
   * @param name the section's name in its comments
   * @param expected its lines, each without the line's end
   */
  public static void check(Path page, String name, List<String> expected) {
    String begin = "<!-- " + name + ":begin -->\n";
    String end = "<!-- " + name + ":end -->";
    String section = String.join("\n", expected) + "\n";
    String text = read(page);
    int from = text.indexOf(begin) + begin.length();
    int to = text.indexOf(end);
    assertThat(from).as("begin of section " + name).isGreaterThanOrEqualTo(begin.length());
    assertThat(to).as("end of section " + name).isGreaterThanOrEqualTo(from);
    if (Boolean.getBoolean("tensorarrow.updateDocs")) {
      write(page, text.substring(0, from) + section + text.substring(to));
      return;
    }
    assertThat(text.substring(from, to))
        .as("section %s; run this test with -Dtensorarrow.updateDocs=true", name)
        .isEqualTo(section);
  }

  /** Compares a generated file with what it should be, or writes it. */
  public static void checkFile(Path file, String expected) {
    if (Boolean.getBoolean("tensorarrow.updateDocs")) {
      write(file, expected);
      return;
    }
    assertThat(read(file))
        .as("%s; run this test with -Dtensorarrow.updateDocs=true", name(file))
        .isEqualTo(expected);
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the anchor of a heading that is one name, as GitHub makes it. */
  public static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }

  /** Makes a sentence of a phrase: a capital first, unless it is code, and a full stop. */
  public static String sentence(String phrase) {
    return Character.toUpperCase(phrase.charAt(0)) + phrase.substring(1) + ".";
  }

  /** Returns the values of two tasks that examples of metrics show: counts or bytes, or times. */
  public static long[] exampleValues(boolean time) {
    return time ? new long[] {120_000_000, 95_000_000} : new long[] {1024, 773};
  }

  /**
   * Returns the entry of a metric.
   *
   * @param shown how the SQL tab shows its example
   */
  public static List<String> metric(
      String name, String description, String unit, String since, String shown) {
    return List.of(
        "### `" + name + "`",
        "",
        sentence(description),
        "",
        "- Unit: " + unit,
        "- Since: " + since,
        "- Example: `" + description + ": " + shown.replace("\n", " ") + "`",
        "");
  }

  /**
   * Breaks a text into lines.
   *
   * @param first what stands before the first line, such as {@code "- "}
   * @param rest what stands before the others
   */
  public static List<String> wrapped(String first, String rest, String text) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder(first);
    boolean empty = true;
    for (String word : text.split(" ", -1)) {
      if (!empty && line.length() + 1 + word.length() > WIDTH) {
        lines.add(line.toString());
        line = new StringBuilder(rest);
        empty = true;
      }
      line.append(empty ? "" : " ").append(word);
      empty = false;
    }
    lines.add(line.toString());
    return lines;
  }
}
