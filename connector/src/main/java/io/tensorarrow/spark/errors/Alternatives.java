package io.tensorarrow.spark.errors;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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
    List<String> sorted = sorted(wanted, known);
    String listed =
        sorted.stream().limit(LISTED).map(n -> "'" + n + "'").collect(Collectors.joining(", "));
    return sorted.size() <= LISTED ? listed : listed + " and " + (sorted.size() - LISTED) + " more";
  }

  /**
   * Guesses what was meant.
   *
   * @param wanted the name that was not found
   * @param known the names that exist
   * @return the closest known name, if it is close enough to be a slip of the hand
   */
  public static Optional<String> didYouMean(String wanted, Collection<String> known) {
    return sorted(wanted, known).stream()
        .findFirst()
        .filter(best -> distance(wanted, best) <= Math.max(2, wanted.length() / 3));
  }

  private static List<String> sorted(String wanted, Collection<String> known) {
    return known.stream()
        .sorted(Comparator.<String>comparingInt(n -> distance(wanted, n)).thenComparing(n -> n))
        .toList();
  }

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
