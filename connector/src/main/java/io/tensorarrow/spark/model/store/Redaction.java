package io.tensorarrow.spark.model.store;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.jspecify.annotations.Nullable;

/** Keeps the credentials of a configuration out of messages. Immutable. */
final class Redaction {
  private static final String HIDDEN = "*********(redacted)";

  /** Shorter values are words of the language rather than secrets. */
  private static final int MIN_SECRET_LENGTH = 4;

  private static final Set<String> WORDS = Set.of("true", "false", "none", "simple");
  private static final Pattern SECRET_KEY =
      Pattern.compile("(?i)secret|password|passphrase|token|credential|sas|auth|key");

  /** The user and the password of a URI, which may come from any setting. */
  private static final Pattern USER_INFO = Pattern.compile("://[^/@:\\s]*:[^/@\\s]*@");

  private final List<String> secrets;

  /**
   * @param conf the configuration whose credentials must not show
   */
  Redaction(Configuration conf) {
    this.secrets =
        ModelAccess.settings(conf).entrySet().stream()
            .filter(entry -> isSecret(entry.getKey()))
            .map(Map.Entry::getValue)
            .filter(value -> value.length() >= MIN_SECRET_LENGTH && !WORDS.contains(value))
            .flatMap(value -> Stream.of(value, URLEncoder.encode(value, StandardCharsets.UTF_8)))
            // One secret may be part of another.
            .sorted(Comparator.comparingInt(String::length).reversed())
            .distinct()
            .toList();
  }

  private static boolean isSecret(String key) {
    return SECRET_KEY.matcher(key).find() && !key.endsWith(".provider") && !key.endsWith(".impl");
  }

  /** Returns the text without secrets. */
  String apply(String text) {
    String redacted = text;
    for (String secret : secrets) {
      redacted = redacted.replace(secret, HIDDEN);
    }
    return USER_INFO.matcher(redacted).replaceAll("://" + Matcher.quoteReplacement(HIDDEN) + "@");
  }

  /** Returns the exception if a stack trace of it shows no secret, else null. */
  @Nullable Throwable harmless(Throwable cause) {
    return allOf(cause, new LinkedHashSet<>()).stream()
            .allMatch(throwable -> apply(throwable.toString()).equals(throwable.toString()))
        ? cause
        : null;
  }

  private static Set<Throwable> allOf(Throwable top, Set<Throwable> seen) {
    if (seen.add(top)) {
      if (top.getCause() != null) {
        allOf(top.getCause(), seen);
      }
      for (Throwable suppressed : top.getSuppressed()) {
        allOf(suppressed, seen);
      }
    }
    return seen;
  }
}
