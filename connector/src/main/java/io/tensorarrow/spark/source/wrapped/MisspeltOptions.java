package io.tensorarrow.spark.source.wrapped;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.ReadOptions;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.DataSourceOptions;
import org.apache.spark.sql.catalyst.csv.CSVOptions$;
import org.apache.spark.sql.catalyst.json.JSONOptions$;
import org.apache.spark.sql.execution.datasources.orc.OrcOptions$;
import org.apache.spark.sql.execution.datasources.parquet.ParquetOptions$;
import org.apache.spark.sql.execution.datasources.text.TextOptions$;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Finds options that went to a file source but were meant for this connector, or are misspelt names
 * of its own: file sources ignore what they don't know.
 */
final class MisspeltOptions {
  private static final List<DataSourceOptions> FORMATS =
      List.of(
          CSVOptions$.MODULE$,
          JSONOptions$.MODULE$,
          ParquetOptions$.MODULE$,
          OrcOptions$.MODULE$,
          TextOptions$.MODULE$);

  private static final String SCHEMA =
      ReadOptions.SOURCE_SCHEMA.key().substring(ReadOptions.SOURCE_PREFIX.length());

  private MisspeltOptions() {}

  /**
   * Checks the options of a file source.
   *
   * @param format the source's name
   * @param options the options meant for it, without prefix
   * @throws TensorArrowException with {@code TA_OPTION_UNKNOWN} for the first that is one of this
   *     connector's, or close to one
   */
  static void check(String format, CaseInsensitiveStringMap options) {
    options.asCaseSensitiveMap().keySet().stream()
        .sorted()
        .filter(name -> !isSourceOption(name))
        .forEach(
            name ->
                closestOption(name)
                    .ifPresent(
                        option -> {
                          throw cannot(
                                  ErrorCode.TA_OPTION_UNKNOWN,
                                  "use option '%s%s'",
                                  ReadOptions.SOURCE_PREFIX,
                                  name)
                              .found(
                                  "no such option of source '%s' (did you mean '%s'?)",
                                  format, option)
                              .expected(
                                  "an option of the source behind '%s'", ReadOptions.SOURCE_PREFIX);
                        }));
  }

  private static boolean isSourceOption(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.startsWith(ReadOptions.HADOOP_PREFIX)
        || ReadOptions.PATH_KEYS.contains(lower)
        || FORMATS.stream().anyMatch(format -> format.isValidOption(name));
  }

  /** Returns the option that was meant, in the spelling in which it works. */
  private static Optional<String> closestOption(String name) {
    List<String> connectorOptions =
        ReadOptions.ALL.stream()
            .filter(entry -> entry != ReadOptions.SOURCE_SCHEMA)
            .map(ConfigEntry::key)
            .toList();
    List<String> known = Stream.concat(connectorOptions.stream(), Stream.of(SCHEMA)).toList();
    return Alternatives.didYouMean(name, known)
        .map(option -> option.equals(SCHEMA) ? ReadOptions.SOURCE_SCHEMA.key() : option);
  }
}
