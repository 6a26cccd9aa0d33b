package io.tensorarrow.spark.options;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The value of {@code inputs} and {@code outputs}: names separated by commas, each with an optional
 * column after an equals sign. A name with commas, equals signs or blanks at its ends stands
 * between back-ticks, a back-tick inside is doubled.
 *
 * @param entries in the order given
 */
public record NameMapping(List<Entry> entries) {
  /** Copies the entries. */
  public NameMapping {
    entries = List.copyOf(entries);
  }

  /**
   * One name of the list.
   *
   * @param tensor the tensor's name in the signature
   * @param column the column's name, where one was given
   */
  public record Entry(String tensor, Optional<String> column) {}

  /**
   * Parses the short form.
   *
   * @throws IllegalArgumentException if the text is no such list
   */
  static NameMapping parse(String text) {
    Parser parser = new Parser(text);
    List<Entry> entries = new ArrayList<>();
    do {
      String tensor = parser.name();
      Optional<String> column = parser.accept('=') ? Optional.of(parser.name()) : Optional.empty();
      entries.add(new Entry(tensor, column));
    } while (parser.accept(','));
    parser.expectEnd();
    return new NameMapping(entries);
  }

  private static final class Parser {
    /** Marks of the forms for packing, constants and JSON, which must not be taken for names. */
    private static final String RESERVED = "[]{}:\"";

    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    String name() {
      skipBlanks();
      String name = at < text.length() && text.charAt(at) == '`' ? quoted() : plain();
      skipBlanks();
      if (name.isEmpty()) {
        throw new IllegalArgumentException("a name is missing at position " + at);
      }
      return name;
    }

    boolean accept(char c) {
      if (at < text.length() && text.charAt(at) == c) {
        at++;
        return true;
      }
      return false;
    }

    void expectEnd() {
      if (at < text.length()) {
        throw new IllegalArgumentException("unexpected text at position " + at);
      }
    }

    private String quoted() {
      StringBuilder name = new StringBuilder();
      at++;
      while (at < text.length()) {
        char c = text.charAt(at++);
        if (c != '`') {
          name.append(c);
        } else if (!accept('`')) {
          return name.toString();
        } else {
          name.append('`');
        }
      }
      throw new IllegalArgumentException("a back-tick is not closed");
    }

    private String plain() {
      int start = at;
      while (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '=') {
        if (RESERVED.indexOf(text.charAt(at)) >= 0) {
          throw new IllegalArgumentException("unexpected character at position " + at);
        }
        at++;
      }
      return text.substring(start, at).trim();
    }

    private void skipBlanks() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
    }
  }
}
