package io.tensorarrow.spark.sql.tables;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.JsonForm;
import io.tensorarrow.spark.options.ReadOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.CommandExecutionMode;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The rows to run a model over, found as Spark finds them for a DataFrame of its own.
 *
 * @param name what they are, for messages and plans
 * @param plan their analysed plan
 */
record QueryRows(String name, LogicalPlan plan) {
  /**
   * Finds the rows that options describe.
   *
   * @param schema the columns given with the read, if any
   * @throws TensorArrowException {@code TA_UNSUPPORTED} for options that exclude each other, for a
   *     schema of a table or query, and for streams; {@code TA_OPTION_INVALID} for a command or for
   *     text that is no SQL
   */
  static QueryRows of(ReadOptions options, Optional<StructType> schema) {
    SparkSession session = SparkSession.active();
    Optional<String> table = options.find(ReadOptions.TABLE);
    Optional<String> query = options.find(ReadOptions.QUERY);
    if (table.isEmpty() && query.isEmpty()) {
      return ofSource(options, schema, session);
    }
    ConfigEntry<String> chosen = table.isPresent() ? ReadOptions.TABLE : ReadOptions.QUERY;
    checkAlone(chosen, table.isPresent() && query.isPresent(), options, schema);
    return table.isPresent()
        ? ofPlan(ReadOptions.TABLE, table.get(), relation(table.get(), session), session)
        : ofPlan(
            ReadOptions.QUERY, query.orElseThrow(), parsed(query.orElseThrow(), session), session);
  }

  private static void checkAlone(
      ConfigEntry<String> chosen, boolean both, ReadOptions options, Optional<StructType> schema) {
    CaseInsensitiveStringMap ofSource = options.forSource();
    Optional<String> other =
        both
            ? Optional.of(ReadOptions.QUERY.key())
            : options
                .find(ReadOptions.SOURCE)
                .map(source -> ReadOptions.SOURCE.key())
                .or(() -> options.find(ReadOptions.SOURCE_SCHEMA).map(s -> "source.schema"))
                .or(
                    () ->
                        ofSource.asCaseSensitiveMap().keySet().stream()
                            .filter(QueryRows::isNotOfHadoop)
                            .findFirst());
    if (other.isPresent()) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s'", chosen.key())
          .found("'%s' as well", other.get())
          .expected("only one of table, query, and a path or source with its options");
    }
    if (schema.isPresent()) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s'", chosen.key())
          .found("a schema of the read as well")
          .expected("none: the columns are those of the table or query");
    }
  }

  private static boolean isNotOfHadoop(String key) {
    return !key.toLowerCase(Locale.ROOT).startsWith(ReadOptions.HADOOP_PREFIX);
  }

  private static LogicalPlan relation(String name, SparkSession session) {
    try {
      return new UnresolvedRelation(
          session.sessionState().sqlParser().parseMultipartIdentifier(name),
          CaseInsensitiveStringMap.empty(),
          false);
    } catch (Exception e) {
      throw notParsed(ReadOptions.TABLE, name, e, "a name such as lake.db.images");
    }
  }

  private static LogicalPlan parsed(String query, SparkSession session) {
    try {
      return session.sessionState().sqlParser().parsePlan(query);
    } catch (Exception e) {
      throw notParsed(ReadOptions.QUERY, query, e, "a SELECT statement");
    }
  }

  private static RuntimeException notParsed(
      ConfigEntry<String> option, String text, Exception e, String expected) {
    // Scala declares no checked exceptions.
    if (e instanceof RuntimeException unexpected) {
      return unexpected;
    }
    return cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", option.key())
        .found(
            "'%s', which Spark does not parse: %s",
            text, e instanceof ParseException parse ? parse.getSimpleMessage() : e)
        .causedBy(e)
        .expected("%s", expected);
  }

  private static QueryRows ofPlan(
      ConfigEntry<String> option, String text, LogicalPlan unresolved, SparkSession session) {
    // A command would run at once, for an option that is to be read.
    QueryExecution execution =
        session.sessionState().executePlan(unresolved, CommandExecutionMode.SKIP());
    execution.assertAnalyzed();
    LogicalPlan plan = execution.analyzed();
    if (plan.exists(node -> node instanceof Command)) {
      throw cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", option.key())
          .found("'%s', which is a command", text)
          .expected("a SELECT statement");
    }
    String name = option == ReadOptions.TABLE ? text : "query";
    return new QueryRows(name, batch(name, plan));
  }

  private static QueryRows ofSource(
      ReadOptions options, Optional<StructType> schema, SparkSession session) {
    options.checkPaths();
    Optional<StructType> ofOption = options.find(ReadOptions.SOURCE_SCHEMA);
    if (ofOption.isPresent() && schema.isPresent()) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s'", ReadOptions.SOURCE_SCHEMA.key())
          .found("a schema of the read as well")
          .expected("only one of them");
    }
    String format =
        options.find(ReadOptions.SOURCE).orElseGet(() -> SQLConf.get().defaultDataSourceName());
    Map<String, String> ofSource = new HashMap<>(options.forSource().asCaseSensitiveMap());
    List<String> paths = takePaths(ofSource);
    DataFrameReader reader = session.read().format(format).options(ofSource);
    schema.or(() -> ofOption).ifPresent(reader::schema);
    return new QueryRows(format, batch(format, loaded(format, reader, paths)));
  }

  private static LogicalPlan loaded(String format, DataFrameReader reader, List<String> paths) {
    try {
      Dataset<Row> loaded =
          switch (paths.size()) {
            case 0 -> reader.load();
            case 1 -> reader.load(paths.get(0));
            default -> reader.load(paths.toArray(String[]::new));
          };
      return loaded.queryExecution().analyzed();
    } catch (IllegalArgumentException e) {
      throw e instanceof TensorArrowException own
          ? own
          : cannot(ErrorCode.TA_SOURCE_UNSUPPORTED, "read source '%s'", format)
              .found("its own error '%s'", Objects.requireNonNullElse(e.getMessage(), e.toString()))
              .causedBy(e)
              .expected("the options that it needs, as source.<option>");
    }
  }

  /** Takes the paths out of the options: version 1 has them apart. */
  private static List<String> takePaths(Map<String, String> options) {
    List<String> paths = new ArrayList<>();
    options
        .entrySet()
        .removeIf(
            option -> {
              switch (option.getKey().toLowerCase(Locale.ROOT)) {
                case "path" -> paths.add(0, option.getValue());
                case "paths" -> paths.addAll(JsonForm.strings(option.getValue()));
                default -> {
                  return false;
                }
              }
              return true;
            });
    return paths;
  }

  private static LogicalPlan batch(String name, LogicalPlan plan) {
    if (plan.isStreaming()) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "read '%s'", name)
          .found("a stream")
          .expected("a batch, or tf_predict over the stream");
    }
    return plan;
  }

  /** Returns the columns. */
  StructType schema() {
    return plan.schema();
  }
}
