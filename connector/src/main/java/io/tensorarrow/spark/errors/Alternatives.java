package io.tensorarrow.spark.errors;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Lists what would have been right, closest to what was asked for first. */
public final class Alternatives {
  private static final int LISTED = 20;

  private Alternatives() {}

  /**
   * Renders known names for an error message.
   *
   * @param wanted the name that was not found
   * @param known the names that exist
   * @return {@code 'a', 'b' and 3 more}, closest first, or {@code none}
   */
  public static String closestFirst(String wanted, Collection<String> known) {
    if (known.isEmpty()) {
      return "none";
    }
    return listed(closestFirst(wanted, known, name -> name), name -> "'" + name + "'");
  }

  /**
   * Renders the first things of a list, and how many there are besides.
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
  public static String hint(String wanted, Collection<String> known) {
    return didYouMean(wanted, known).map(name -> " (did you mean '" + name + "'?)").orElse("");
  }

  /**
   * Guesses what was meant.
   *
   * @param wanted the name that was not found
   * @param known the names that exist
   * @return the closest known name, if it is close enough to be a slip of the hand
   */
  public static Optional<String> didYouMean(String wanted, Collection<String> known) {
    return closestFirst(wanted, known, name -> name).stream()
        .findFirst()
        .filter(best -> distance(wanted, best) <= Math.max(2, wanted.length() / 3));
  }

  /**
   * Sorts things by how close their names are to one that was asked for.
   *
   * @param wanted the name that was asked for
   * @param things what there is
   * @param name gives the name of one of them
   */
  public static <T> List<T> closestFirst(
      String wanted, Collection<T> things, Function<? super T, String> name) {
    return things.stream()
        .map(
            thing -> new Candidate<>(thing, name.apply(thing), distance(wanted, name.apply(thing))))
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
