package io.tensorarrow.spark.options;

/** Reads names from a text, from left to right. Positions in errors count from 1. */
final class TextCursor {
  /** What separates names in a list, or is kept for what a list may hold one day. */
  private static final String MARKS = ",=[]{}\"";

  private final String text;
  private final boolean list;
  private int position;

  private TextCursor(String text, boolean list) {
    this.text = text;
    this.list = list;
  }

  /** Starts on a list, in which blanks around names do not count. */
  static TextCursor overList(String text) {
    return new TextCursor(text, true);
  }

  /** Starts on a single name, in which every character counts. */
  static TextCursor overName(String text) {
    return new TextCursor(text, false);
  }

  /** Returns whether a name needs no back-ticks in a list. */
  static boolean isPlain(String name) {
    return name.equals(name.strip())
        && !name.contains(":=")
        && name.chars().noneMatch(c -> c == '`' || MARKS.indexOf(c) >= 0);
  }

  /** Returns whether what comes next is between back-ticks. */
  boolean atQuote() {
    return position < text.length() && text.charAt(position) == '`';
  }

  /**
   * Reads a name, with or without back-ticks.
   *
   * @param ends further characters that end it where it stands without back-ticks
   * @throws MalformedValueException if there is none
   */
  String name(String ends) {
    int start = position;
    String name = atQuote() ? quoted() : plain(ends);
    if (name.isEmpty()) {
      throw new MalformedValueException("no name at position " + (start + 1));
    }
    return name;
  }

  boolean accept(char c) {
    return accept(String.valueOf(c));
  }

  boolean accept(String word) {
    if (text.startsWith(word, position)) {
      position += word.length();
      return true;
    }
    return false;
  }

  void skipBlanks() {
    while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
      position++;
    }
  }

  void expectEnd() {
    if (position < text.length()) {
      throw unexpected();
    }
  }

  private String quoted() {
    int start = position++;
    StringBuilder name = new StringBuilder();
    while (position < text.length()) {
      char c = text.charAt(position++);
      if (c != '`') {
        name.append(c);
      } else if (accept('`')) {
        name.append('`');
      } else {
        return name.toString();
      }
    }
    throw new MalformedValueException("a back-tick that is not closed at position " + (start + 1));
  }

  private String plain(String ends) {
    int start = position;
    while (position < text.length() && !atMark() && ends.indexOf(text.charAt(position)) < 0) {
      if (atQuote()) {
        throw unexpected();
      }
      position++;
    }
    String name = text.substring(start, position);
    return list ? name.stripTrailing() : name;
  }

  private boolean atMark() {
    return list && (MARKS.indexOf(text.charAt(position)) >= 0 || text.startsWith(":=", position));
  }

  private MalformedValueException unexpected() {
    return new MalformedValueException(
        "an unexpected character at position %d (names with any of %s` stand between back-ticks)"
            .formatted(position + 1, MARKS));
  }
}
