package io.tensorarrow.spark.errors;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Lists names that exist for error messages, those closest to the requested name first. */
public final class Alternatives {
  private static final int LISTED = 20;

  private Alternatives() {}

  /**
   * Renders known names for an error message.
   *
   * @param requested the name that was not found
   * @param known the names that exist
   * @return {@code 'a', 'b' and 3 more}, closest first, or {@code none}
   */
  public static String closestFirst(String requested, Collection<String> known) {
    if (known.isEmpty()) {
      return "none";
    }
    return listed(closestFirst(requested, known, name -> name), name -> "'" + name + "'");
  }

  /**
   * Renders the first items of a list, and how many more there are.
   *
   * @param things what to list, in this order
   * @param text renders one of them; called for those that are listed only
   * @return {@code a, b and 3 more}
   */
  public static <T> String listed(List<T> things, Function<? super T, String> text) {
    String listed = things.stream().limit(LISTED).map(text).collect(Collectors.joining(", "));
    return things.size() <= LISTED ? listed : listed + " and " + (things.size() - LISTED) + " more";
  }

  /** Returns {@code (did you mean 'name'?)} with a blank in front, or nothing. */
  public static String hint(String requested, Collection<String> known) {
    return didYouMean(requested, known).map(name -> " (did you mean '" + name + "'?)").orElse("");
  }

  /**
   * Returns the name that was probably meant.
   *
   * @param requested the name that was not found
   * @param known the names that exist
   * @return the closest known name, if it is close enough to be a typing error
   */
  public static Optional<String> didYouMean(String requested, Collection<String> known) {
    return closestFirst(requested, known, name -> name).stream()
        .findFirst()
        .filter(best -> distance(requested, best) <= Math.max(2, requested.length() / 3));
  }

  /**
   * Sorts things by how close their names are to one that was asked for.
   *
   * @param requested the name that was asked for
   * @param things what there is
   * @param name gives the name of one of them
   */
  public static <T> List<T> closestFirst(
      String requested, Collection<T> things, Function<? super T, String> name) {
    return things.stream()
        .map(
            thing ->
                new Candidate<>(thing, name.apply(thing), distance(requested, name.apply(thing))))
        .sorted(
            Comparator.<Candidate<T>>comparingInt(Candidate::distance)
                .thenComparing(Candidate::name))
        .map(Candidate::thing)
        .toList();
  }

  private record Candidate<T>(T thing, String name, int distance) {}

  /** Levenshtein's distance without regard to case. */
  private static int distance(String left, String right) {
    String a = left.toLowerCase(Locale.ROOT);
    String b = right.toLowerCase(Locale.ROOT);
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
