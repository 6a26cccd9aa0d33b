package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ExecutorSettings;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.sql.Calls;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable;
import org.apache.spark.sql.catalyst.util.MapData;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;
import scala.collection.JavaConverters;

/** The options of a call: constants among the arguments of an SQL function. */
final class OptionArguments {
  /** Session settings with this prefix are defaults of options, as those of the data source. */
  private static final String SESSION_PREFIX = "spark.datasource.tensorflow.";

  /** What only a read has. */
  private static final List<String> OF_READS =
      List.of("source", "table", "query", "inspect", "variables", "path", "paths", "refresh");

  private OptionArguments() {}

  /**
   * Returns the value of an argument that is text.
   *
   * @param what names the argument in errors
   * @throws TensorArrowException with {@code TA_OPTION_INVALID} if it is null or no constant
   */
  static String text(String function, String what, Expression argument) {
    Object value = constant(function, what, argument);
    if (value == null) {
      throw invalid(function, what, "NULL");
    }
    return value.toString();
  }

  /** Returns the value of the argument {@code options}. */
  static Map<String, String> map(String function, Expression argument) {
    String what = "the argument 'options'";
    if (!argument.dataType().equals(new MapType(DataTypes.StringType, DataTypes.StringType, true))
        && !argument
            .dataType()
            .equals(new MapType(DataTypes.StringType, DataTypes.StringType, false))) {
      throw cannot(ErrorCode.TA_OPTION_INVALID, "use %s of %s", what, function)
          .found("a value of type %s", argument.dataType().simpleString())
          .expected("a map of texts: options => map('signature', 'score', 'batchRows', '256')");
    }
    Object value = constant(function, what, argument);
    if (value == null) {
      throw invalid(function, what, "NULL");
    }
    MapData map = (MapData) value;
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < map.numElements(); i++) {
      String key = map.keyArray().getUTF8String(i).toString();
      if (map.valueArray().isNullAt(i)) {
        throw invalid(function, "option '" + key + "'", "NULL");
      }
      options.put(key, map.valueArray().getUTF8String(i).toString());
    }
    return options;
  }

  private static @Nullable Object constant(String function, String what, Expression argument) {
    Expression evaluable = evaluable(argument);
    if (!evaluable.foldable()) {
      throw invalid(function, what, "'" + argument.sql() + "', which is no constant");
    }
    return evaluable.eval(null);
  }

  /** Replaces functions that Spark itself replaces before it evaluates them. */
  private static Expression evaluable(Expression expression) {
    return Calls.replaced(
        expression,
        e -> e instanceof RuntimeReplaceable function ? evaluable(function.replacement()) : e);
  }

  private static TensorArrowException invalid(String function, String what, String found) {
    return cannot(ErrorCode.TA_OPTION_INVALID, "use %s of %s", what, function)
        .found("%s", found)
        .expected(
            "a constant, such as 'models/digits' or batchRows => 256; for models that differ by row,"
                + " one query each");
  }

  /**
   * Returns checked options, with the session's defaults.
   *
   * @throws TensorArrowException if there is one that a call does not have
   */
  static ReadOptions checked(String function, String model, Map<String, String> given) {
    for (String key : given.keySet()) {
      String name = key.toLowerCase(Locale.ROOT);
      if (OF_READS.contains(name) || name.startsWith("source.")) {
        throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s' of %s", key, function)
            .found("an option of the data source, which says where rows come from")
            .expected("options of the model and its batches only: the rows are those of the query");
      }
      if (name.equals(ReadOptions.MODEL.key())) {
        throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s' of %s", key, function)
            .found("the model twice")
            .expected("it as the first argument only");
      }
    }
    ReadOptions checked = ReadOptions.of(new CaseInsensitiveStringMap(withDefaults(model, given)));
    ExecutorSettings.of(SparkSession.active().sparkContext().getConf())
        .checkAllowed(checked.get(ReadOptions.ALLOW_OPS));
    return checked;
  }

  /** Returns options with the session's defaults and the model. */
  static Map<String, String> withDefaults(String model, Map<String, String> given) {
    Map<String, String> options = new LinkedHashMap<>();
    JavaConverters.mapAsJavaMap(SQLConf.get().getAllConfs())
        .forEach(
            (key, value) -> {
              if (key.startsWith(SESSION_PREFIX)
                  && !OF_READS.contains(
                      key.substring(SESSION_PREFIX.length()).toLowerCase(Locale.ROOT))) {
                options.put(key.substring(SESSION_PREFIX.length()), value);
              }
            });
    given.forEach(
        (key, value) -> {
          options.keySet().removeIf(key::equalsIgnoreCase);
          options.put(key, value);
        });
    options.keySet().removeIf(ReadOptions.MODEL.key()::equalsIgnoreCase);
    options.put(ReadOptions.MODEL.key(), model);
    return options;
  }
}
