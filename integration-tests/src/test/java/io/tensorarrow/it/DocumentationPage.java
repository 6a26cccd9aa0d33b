package io.tensorarrow.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A page of the documentation and its blocks that are run: the fenced blocks behind a line {@code
 * <!-- run -->}. What a block prints may be given in a fenced block behind a line {@code <!--
 * output -->}.
 *
 * @param name the page's path in the repository
 * @param blocks the blocks, in the page's order
 */
record DocumentationPage(String name, List<Block> blocks) {
  private static final Pattern FENCE = Pattern.compile("```(\\w*)");

  /** Stands in an output for any text, on one line or over several, and for the blanks around. */
  private static final Pattern ANYTHING = Pattern.compile("\\s*\\.\\.\\.\\s*");

  DocumentationPage {
    blocks = List.copyOf(blocks);
  }

  /**
   * A block that is run.
   *
   * @param language {@code sql}, {@code python}, {@code java} or {@code bash}
   * @param output what it prints, if the page says
   */
  record Block(String language, String code, Optional<String> output) {
    /**
     * Returns whether the block printed what the page says. Blanks at the ends of lines and the
     * length of runs of blanks do not matter; {@code ...} stands for anything.
     */
    boolean prints(String actual) {
      return output.isEmpty()
          || Pattern.compile(pattern(normalized(output.get())), Pattern.DOTALL)
              .matcher(normalized(actual))
              .matches();
    }

    private static String pattern(String expected) {
      return Stream.of(ANYTHING.split(expected, -1))
          .map(Pattern::quote)
          .collect(Collectors.joining(".*?"));
    }

    private static String normalized(String text) {
      return text.strip()
          .lines()
          .map(line -> line.strip().replaceAll("\\s+", " "))
          .collect(Collectors.joining("\n"));
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** Returns the pages that have blocks to run: the README and those of the documentation. */
  static List<DocumentationPage> all() {
    List<DocumentationPage> pages = new ArrayList<>();
    pages.add(read(Installation.README));
    try (Stream<Path> files = Files.walk(Installation.DOCUMENTATION)) {
      files
          .filter(file -> file.toString().endsWith(".md"))
          .sorted()
          .map(DocumentationPage::read)
          .filter(page -> !page.blocks.isEmpty())
          .forEach(pages::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return pages;
  }

  /** Returns the blocks of some languages. */
  List<Block> blocksIn(String... languages) {
    return blocks.stream().filter(block -> List.of(languages).contains(block.language)).toList();
  }

  static DocumentationPage read(Path file) {
    String name = Installation.REPOSITORY.relativize(file).toString();
    List<Block> blocks = new ArrayList<>();
    try {
      Iterator<String> lines = Files.readAllLines(file).iterator();
      while (lines.hasNext()) {
        switch (lines.next().strip()) {
          case "<!-- run -->" -> blocks.add(fenced(name, lines));
          case "<!-- output -->" -> {
            if (blocks.isEmpty()) {
              throw new IllegalArgumentException(name + ": an output without a block to run");
            }
            Block block = blocks.remove(blocks.size() - 1);
            String output = fenced(name, lines).code;
            blocks.add(new Block(block.language, block.code, Optional.of(output)));
          }
          default -> {}
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new DocumentationPage(name, blocks);
  }

  /** Reads a fenced block, which begins on the next line. */
  private static Block fenced(String name, Iterator<String> lines) {
    Matcher fence = FENCE.matcher(lines.hasNext() ? lines.next() : "");
    if (!fence.matches()) {
      throw new IllegalArgumentException(name + ": no fenced block behind its comment");
    }
    StringBuilder code = new StringBuilder();
    while (lines.hasNext()) {
      String line = lines.next();
      if (line.equals("```")) {
        return new Block(fence.group(1), code.toString(), Optional.empty());
      }
      code.append(line).append('\n');
    }
    throw new IllegalArgumentException(name + ": a fenced block without end");
  }
}
