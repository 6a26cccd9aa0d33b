package io.tensorarrow.spark.sql.functions;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ConfigEntry;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.TensorFlowTables;
import io.tensorarrow.spark.sql.Calls;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.FunctionTableSubqueryArgumentExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;

/** The SQL functions that stand for tables: what a model has, and rows with its outputs. */
final class TableFunctions {
  private static final String MODEL =
      "model - the SavedModel's directory, or a directory of numbered versions; a constant";

  static final List<SqlFunction<LogicalPlan>> ALL =
      List.of(
          SqlFunction.of(
              "tf_signatures",
              "table_funcs",
              "_FUNC_(model[, option => value, ...]) - Returns one row for each tag set, signature,"
                  + " direction and tensor of a TensorFlow SavedModel, with dtype and shape.",
              List.of(
                  MODEL,
                  "option - version, tags or allowOps of the data source; or options => map(...),"
                      + " also with fs.<option> for Hadoop"),
              List.of(
                  "SELECT tensor, dtype, shape FROM _FUNC_('models/digits') WHERE direction ="
                      + " 'input';",
                  "SELECT * FROM _FUNC_('models/digits', version => '3');"),
              (function, arguments) ->
                  described(
                      function,
                      arguments,
                      ReadOptions.INSPECT,
                      List.of(ReadOptions.VERSION, ReadOptions.TAGS, ReadOptions.ALLOW_OPS))),
          SqlFunction.of(
              "tf_variables",
              "table_funcs",
              "_FUNC_(model[, option => value, ...]) - Returns one row for each variable of a"
                  + " TensorFlow SavedModel, with name, dtype, shape and the bytes of its elements.",
              List.of(
                  MODEL,
                  "option - version of the data source; or options => map(...), also with"
                      + " fs.<option> for Hadoop"),
              List.of("SELECT name, dtype, shape FROM _FUNC_('models/digits');"),
              (function, arguments) ->
                  described(
                      function, arguments, ReadOptions.VARIABLES, List.of(ReadOptions.VERSION))),
          SqlFunction.of(
              "tf_predict_table",
              "table_funcs",
              "_FUNC_(model, TABLE(rows)[, option => value, ...]) - Runs a TensorFlow SavedModel"
                  + " over the rows of a table or query. Returns its columns, and behind them one"
                  + " for each output of the model.",
              List.of(
                  MODEL,
                  "rows - the name of a table or view, or a query; the model's inputs are columns"
                      + " of their names, or those that the option inputs says",
                  "option - an option of the data source for the model and its batches, such as"
                      + " inputs => 'pixels=image'; or options => map('inputs', 'pixels=image')"),
              List.of(
                  "SELECT id, probabilities FROM _FUNC_('models/digits', TABLE(images));",
                  "SELECT * FROM _FUNC_('models/digits', TABLE(SELECT id, image FROM images),"
                      + " inputs => 'pixels=image');"),
              TableFunctions::predicted));

  private TableFunctions() {}

  /** Returns the table that the data source gives of a model in one of its modes. */
  private static LogicalPlan described(
      String function,
      List<Expression> arguments,
      ConfigEntry<Boolean> mode,
      List<ConfigEntry<?>> allowed) {
    CallArguments call = new CallArguments(function, arguments);
    String model = call.takeModel();
    Map<String, String> given = call.takeOptions();
    if (!call.positional().isEmpty()) {
      throw cannot(ErrorCode.TA_INPUT_MISMATCH, "call %s", function)
          .found("%d arguments without a name", call.positional().size() + 1)
          .expected("the model, and options by their names: version => '3'");
    }
    OptionArguments.checked(function, model, given);
    given.keySet().forEach(name -> checkAllowed(function, name, allowed));
    Map<String, String> options = OptionArguments.withDefaults(model, given);
    options.put(mode.key(), "true");
    CaseInsensitiveStringMap readOptions = new CaseInsensitiveStringMap(options);
    // What describes a model runs none, and needs no rules.
    Table table = TensorFlowTables.open(readOptions, session -> {}).orElseThrow();
    return DataSourceV2Relation.create(table, Option.empty(), Option.empty(), readOptions);
  }

  private static void checkAllowed(String function, String name, List<ConfigEntry<?>> allowed) {
    if (!name.toLowerCase(Locale.ROOT).startsWith(ReadOptions.HADOOP_PREFIX)
        && allowed.stream().noneMatch(entry -> entry.key().equalsIgnoreCase(name))) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s' of %s", name, function)
          .found("an option for running models")
          .expected(
              "%s, or fs.<option> for Hadoop",
              allowed.stream().map(ConfigEntry::key).collect(Collectors.joining(", ")));
    }
  }

  private static LogicalPlan predicted(String function, List<Expression> arguments) {
    CallArguments call = new CallArguments(function, arguments);
    String model = call.takeModel();
    if (call.positional().size() != 1
        || !(call.positional().get(0) instanceof FunctionTableSubqueryArgumentExpression rows)) {
      throw noTable(function, call.positional());
    }
    Map<String, String> options = call.takeOptions();
    LogicalPlan plan = rows.plan();
    return PredictFunctions.predicted(
        plan, PredictCalls.predict(function, Calls.output(plan), model, options));
  }

  private static TensorArrowException noTable(String function, List<Expression> found) {
    return cannot(ErrorCode.TA_INPUT_MISMATCH, "call %s", function)
        .found(
            "%s",
            found.isEmpty()
                ? "no rows"
                : found.size() == 1
                    ? "a value of type " + found.get(0).dataType().simpleString()
                    : found.size() + " arguments without a name behind the model")
        .expected(
            "rows as one argument behind the model: %s('models/digits', TABLE(images)), or"
                + " TABLE(SELECT ...)",
            function);
  }
}
