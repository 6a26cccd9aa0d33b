package io.tensorarrow.spark.options;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The declaration of one option or setting.
 *
 * @param <T> the type of its value
 */
public final class ConfigEntry<T> {
  /** How much of a value an error repeats. */
  private static final int SHOWN = 100;

  private final String key;
  private final String type;
  private final String since;
  private final String doc;
  private final String example;
  private final String defaultText;
  private final Optional<T> defaultValue;
  private final Function<String, T> parser;

  private ConfigEntry(Builder<T> builder) {
    this.key = builder.key;
    this.type = builder.type;
    this.since = builder.since;
    this.doc = builder.doc;
    this.example = builder.example;
    this.defaultText = builder.defaultText;
    this.defaultValue = builder.defaultValue;
    this.parser = builder.parser;
  }

  /** Returns the canonical spelling; keys are compared without regard to case. */
  public String key() {
    return key;
  }

  /** Returns what values look like, for the documentation and for errors. */
  public String type() {
    return type;
  }

  /** Returns the version that brought it. */
  public String since() {
    return since;
  }

  /** Returns what it means. */
  public String doc() {
    return doc;
  }

  /** Returns a value that could be given, for the documentation. */
  public String example() {
    return example;
  }

  /** Returns the default in words. */
  public String defaultText() {
    return defaultText;
  }

  /**
   * Reads the value.
   *
   * @param lookup gives the text for a key, or null
   * @return the parsed and checked value, else the default, else empty
   * @throws TensorArrowException with {@code TA_OPTION_INVALID} if the text is no such value; with
   *     the parser's own code where it has one
   */
  public Optional<T> find(Function<String, @Nullable String> lookup) {
    String text = lookup.apply(key);
    if (text == null) {
      return defaultValue;
    }
    try {
      return Optional.of(parser.apply(text.trim()));
    } catch (TensorArrowException e) {
      throw e;
    } catch (MalformedValueException e) {
      throw invalid(String.valueOf(e.getMessage()), e);
    } catch (IllegalArgumentException e) {
      throw invalid("'" + abbreviated(text) + "'", e);
    }
  }

  private TensorArrowException invalid(String found, IllegalArgumentException cause) {
    return cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", key)
        .found("%s", found)
        .causedBy(cause)
        .expected("%s", type);
  }

  private static String abbreviated(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
  }

  /**
   * Reads the value of an entry that must have one.
   *
   * @param lookup gives the text for a key, or null
   * @throws TensorArrowException with {@code TA_OPTION_MISSING} if there is neither value nor
   *     default, with {@code TA_OPTION_INVALID} if the text is no such value
   */
  public T get(Function<String, @Nullable String> lookup) {
    return find(lookup)
        .orElseThrow(
            () ->
                cannot(ErrorCode.TA_OPTION_MISSING, "read without option '%s'", key)
                    .found("none")
                    .expected("%s (%s)", type, doc));
  }

  static Builder<String> text(String key) {
    return new Builder<>(key, "text", ConfigEntry::nonEmpty);
  }

  static Builder<Boolean> flag(String key) {
    return new Builder<>(
        key,
        "true or false",
        text ->
            switch (text.toLowerCase(Locale.ROOT)) {
              case "true" -> true;
              case "false" -> false;
              default -> throw new IllegalArgumentException(text);
            });
  }

  static Builder<Integer> count(String key, int min, int max) {
    String type = "a whole number from %d to %d".formatted(min, max);
    return new Builder<>(key, type, Integer::valueOf).checked(n -> n >= min && n <= max);
  }

  static <E extends Enum<E>> Builder<E> choice(String key, Class<E> values) {
    String type =
        Arrays.stream(values.getEnumConstants())
            .map(e -> e.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", ", "one of ", ""));
    return new Builder<>(key, type, text -> Enum.valueOf(values, text.toUpperCase(Locale.ROOT)));
  }

  static <V> Builder<V> of(String key, String type, Function<String, V> parser) {
    return new Builder<>(key, type, parser);
  }

  private static String nonEmpty(String text) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("empty");
    }
    return text;
  }

  /** Collects a declaration. */
  static final class Builder<T> {
    private final String key;
    private final String type;
    private final Function<String, T> parser;
    private String since = "0.1.0";
    private String doc = "";
    private String example = "";
    private String defaultText = "";
    private Optional<T> defaultValue = Optional.empty();

    private Builder(String key, String type, Function<String, T> parser) {
      this.key = key;
      this.type = type;
      this.parser = parser;
    }

    Builder<T> checked(Predicate<T> check) {
      return new Builder<>(
          key,
          type,
          text -> {
            T value = parser.apply(text);
            if (!check.test(value)) {
              throw new IllegalArgumentException(text);
            }
            return value;
          });
    }

    Builder<T> doc(String text) {
      this.doc = text;
      return this;
    }

    Builder<T> example(String value) {
      this.example = value;
      return this;
    }

    Builder<T> since(String version) {
      this.since = version;
      return this;
    }

    ConfigEntry<T> required() {
      this.defaultText = "required";
      return new ConfigEntry<>(this);
    }

    ConfigEntry<T> withDefault(T value, String text) {
      this.defaultValue = Optional.of(value);
      this.defaultText = text;
      return new ConfigEntry<>(this);
    }

    /** For an entry whose default is worked out elsewhere. */
    ConfigEntry<T> withDefaultOf(String text) {
      this.defaultText = text;
      return new ConfigEntry<>(this);
    }
  }
}
