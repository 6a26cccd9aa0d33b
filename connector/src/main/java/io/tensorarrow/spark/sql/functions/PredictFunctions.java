package io.tensorarrow.spark.sql.functions;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.sql.Calls;
import io.tensorarrow.spark.sql.Predict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Dataset$;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/** The SQL functions that run models, and the same over Datasets. Thread-safe. */
public final class PredictFunctions {
  static final List<SqlFunction<Expression>> ALL =
      List.of(
          SqlFunction.of(
              "tf_predict",
              "misc_funcs",
              "_FUNC_(model, input, ...[, option => value, ...]) - Runs a TensorFlow SavedModel"
                  + " over the rows of the query. Returns the model's output, or a struct if it has"
                  + " several.",
              List.of(
                  "model - the SavedModel's directory, or a directory of numbered versions; a"
                      + " constant",
                  "input - the model's inputs in alphabetical order, or by name (x => features),"
                      + " or one struct of columns that are found by name, such as struct(*)",
                  "option - an option of the data source for the model and its batches, such as"
                      + " signature => 'score'; or options => map('signature', 'score')"),
              List.of(
                  "SELECT id, _FUNC_('models/digits', pixels) AS probabilities FROM images;",
                  "SELECT _FUNC_('models/ctr', struct(*), signature => 'score') FROM clicks JOIN"
                      + " users USING (user_id);"),
              PredictCalls::predict),
          SqlFunction.of(
              "tf_predict_struct",
              "misc_funcs",
              "_FUNC_(model, columns[, option => value, ...]) - As tf_predict, and always returns a"
                  + " struct, whose fields may stand beside the columns.",
              List.of(
                  "model - the SavedModel's directory, or a directory of numbered versions; a"
                      + " constant",
                  "columns - a struct of the columns that feed the model, found by name",
                  "option - an option of the data source for the model and its batches"),
              List.of(
                  "SELECT p.* FROM (SELECT _FUNC_('models/digits', struct(*)) AS p FROM images);"),
              PredictCalls::predictStruct));

  private PredictFunctions() {}

  /**
   * Returns a Dataset with the outputs of a model behind its columns.
   *
   * @throws TensorArrowException if model, options and columns do not fit
   */
  public static Dataset<Row> predicted(
      Dataset<Row> dataset, String model, Map<String, String> options) {
    return dataset
        .sparkSession()
        .withActive(
            () -> {
              LogicalPlan plan = dataset.queryExecution().analyzed();
              return Dataset$.MODULE$.ofRows(
                  dataset.sparkSession(),
                  predicted(
                      plan,
                      PredictCalls.predict(
                          "TensorArrow.predict", Calls.output(plan), model, options)));
            });
  }

  /**
   * Returns a call of a model over the columns of a plan: a struct of the outputs, whose names are
   * not among the columns.
   *
   * @param function what was called, for messages
   * @throws TensorArrowException if model, options and columns do not fit
   */
  public static Predict call(
      String function, List<Attribute> columns, String model, Map<String, String> options) {
    return PredictCalls.predict(function, columns, model, options);
  }

  /** Returns a plan with the fields of a struct of outputs behind its columns. */
  static LogicalPlan predicted(LogicalPlan plan, Expression outputs) {
    Alias call = Calls.alias(outputs, "outputs");
    List<NamedExpression> withCall = new ArrayList<>(Calls.output(plan));
    withCall.add(call);
    List<NamedExpression> columns = new ArrayList<>(Calls.output(plan));
    StructType fields = (StructType) outputs.dataType();
    for (int i = 0; i < fields.size(); i++) {
      columns.add(
          Calls.alias(
              new GetStructField(call.toAttribute(), i, Option.empty()), fields.apply(i).name()));
    }
    return new Project(ScalaLists.of(columns), new Project(ScalaLists.of(withCall), plan));
  }
}
