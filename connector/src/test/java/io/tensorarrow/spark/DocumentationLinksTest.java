package io.tensorarrow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.Docs;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The documentation's links lead somewhere, and its pages can be found. */
class DocumentationLinksTest {
  private static final Pattern FENCED = Pattern.compile("(?ms)^( *)(```+|~~~+).*?^\\1\\2\\s*?$");
  private static final Pattern CODE = Pattern.compile("(`+)(?!`).+?(?<!`)\\1(?!`)");
  private static final Pattern LINK =
      Pattern.compile("\\]\\(\\s*<?([^\\s)>]+)>?(?:\\s+\"[^\"]*\")?\\s*\\)");
  private static final Pattern REFERENCE =
      Pattern.compile("(?m)^ {0,3}\\[[^\\]]+\\]:\\s*<?(\\S+?)>?\\s*$");
  private static final Pattern ATTRIBUTE = Pattern.compile("(?:href|src)=\"([^\"]+)\"");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} +(.+?) *#*$");
  private static final Pattern NAMED = Pattern.compile("<a (?:id|name)=\"([^\"]+)\"");
  private static final Pattern LINK_TEXT = Pattern.compile("\\[([^\\]]*)\\]\\([^)]*\\)");

  static Stream<Path> pages() {
    return Docs.pages().stream();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void relativeLinksAndAnchorsExist(Path page) {
    List<String> broken = new ArrayList<>();
    for (URI link : links(page)) {
      Path target = target(page, link);
      if (!Files.exists(target)) {
        broken.add(link + " (no such file)");
      } else if (link.getFragment() != null && !anchors(target).contains(link.getFragment())) {
        broken.add(link + " (no such heading)");
      }
    }

    assertThat(broken).as("links of " + Docs.name(page)).isEmpty();
  }

  @Test
  void everyPageIsReachedFromTheIndex() {
    Set<Path> reached = new HashSet<>();
    Deque<Path> open = new ArrayDeque<>(List.of(Docs.INDEX));
    while (!open.isEmpty()) {
      Path page = open.remove();
      if (reached.add(page) && page.toString().endsWith(".md") && Files.exists(page)) {
        links(page).forEach(link -> open.add(target(page, link)));
      }
    }

    assertThat(reached)
        .containsAll(pages().filter(page -> page.startsWith(Docs.INDEX.getParent())).toList());
  }

  @Test
  void anchorsAreThoseThatGitHubMakes() {
    assertThat(Docs.anchor("`spark.tensorarrow.cache.idleTime`"))
        .isEqualTo("sparktensorarrowcacheidletime");
    assertThat(Docs.anchor("Python: `ta.numpy` & friends")).isEqualTo("python-tanumpy--friends");
    assertThat(Docs.anchor("TA_HANDOVER")).isEqualTo("ta_handover");
  }

  /** Returns the links of a page that lead to files beside it or to its own headings. */
  private static Set<URI> links(Path page) {
    String text = withoutCode(Docs.read(page));
    Set<URI> links = new LinkedHashSet<>();
    for (Pattern pattern : List.of(LINK, REFERENCE, ATTRIBUTE)) {
      Matcher link = pattern.matcher(text);
      while (link.find()) {
        URI target = URI.create(link.group(1));
        if (target.getScheme() == null) {
          links.add(target);
        }
      }
    }
    return links;
  }

  private static Path target(Path page, URI link) {
    return link.getPath().isEmpty() ? page : page.resolveSibling(link.getPath()).normalize();
  }

  /** Returns the anchors of a page; headings that repeat are numbered, as GitHub does. */
  private static Set<String> anchors(Path page) {
    if (!page.toString().endsWith(".md")) {
      return Set.of();
    }
    String text = FENCED.matcher(Docs.read(page)).replaceAll("");
    Set<String> anchors = new HashSet<>();
    Map<String, Integer> repeated = new HashMap<>();
    Matcher heading = HEADING.matcher(text);
    while (heading.find()) {
      String anchor = Docs.anchor(LINK_TEXT.matcher(heading.group(1)).replaceAll("$1"));
      int before = repeated.merge(anchor, 1, Integer::sum) - 1;
      anchors.add(before == 0 ? anchor : anchor + "-" + before);
    }
    NAMED.matcher(text).results().forEach(name -> anchors.add(name.group(1)));
    return anchors;
  }

  private static String withoutCode(String text) {
    return CODE.matcher(FENCED.matcher(text).replaceAll("")).replaceAll("");
  }
}
