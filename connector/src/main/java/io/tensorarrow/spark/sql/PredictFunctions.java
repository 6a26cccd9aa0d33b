package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.List;
import io.tensorarrow.spark.columnar.ScalaLists;
import java.util.Map;
import java.util.ArrayList;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.Dataset$;
import org.apache.spark.sql.Dataset;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/** The SQL functions that run models, and their registration. Thread-safe. */
public final class PredictFunctions {
  private static final String SINCE = "0.1.0";

  private static final List<PredictFunctions> ALL =
      List.of(
          new PredictFunctions(
              "tf_predict",
              "_FUNC_(model, input, ...[, option => value, ...]) - Runs a TensorFlow SavedModel"
                  + " over the rows of the query. Returns the model's output, or a struct if it has"
                  + " several.",
              section("Arguments:",
                  "* model - the SavedModel's directory, or a directory of numbered versions; a constant",
                  "* input - the model's inputs in alphabetical order, or by name (x => features), or one struct of columns that are found by name, such as struct(*)",
                  "* option - an option of the data source for the model and its batches, such as signature => 'score'; or options => map('signature', 'score')"),
              section("Examples:",
                  "> SELECT id, _FUNC_('models/digits', pixels) AS probabilities FROM images;",
                  "> SELECT _FUNC_('models/ctr', struct(*), signature => 'score') FROM clicks JOIN users USING (user_id);"),
              PredictCalls::predict),
          new PredictFunctions(
              "tf_predict_struct",
              "_FUNC_(model, columns[, option => value, ...]) - As tf_predict, and always returns a"
                  + " struct, whose fields may stand beside the columns.",
              section("Arguments:",
                  "* model - the SavedModel's directory, or a directory of numbered versions; a constant",
                  "* columns - a struct of the columns that feed the model, found by name",
                  "* option - an option of the data source for the model and its batches"),
              section("Examples:",
                  "> SELECT p.* FROM (SELECT _FUNC_('models/digits', struct(*)) AS p FROM images);"),
              PredictCalls::predictStruct));

  private final FunctionIdentifier name;
  private final ExpressionInfo info;
  private final BiFunction<String, List<Expression>, Expression> builder;

  private PredictFunctions(
      String name,
      String usage,
      String arguments,
      String examples,
      BiFunction<String, List<Expression>, Expression> builder) {
    this.name = new FunctionIdentifier(name);
    this.info =
        new ExpressionInfo(
            Predict.class.getName(),
            null,
            name,
            usage,
            arguments,
            examples,
            "",
            "misc_funcs",
            SINCE,
            "",
            "built-in");
    this.builder = builder;
  }

  /** Returns lines in the form in which Spark wants the arguments and examples of a function. */
  private static String section(String title, String... lines) {
    return "\n    " + title + "\n      " + String.join("\n      ", lines) + "\n  ";
  }

  /**
   * Adds the functions to a session, unless it has them, and to those that are made later.
   *
   * @param registerPlanner adds our planner rules to a session; called with each session that
   *     analyses a call, since a new session has the functions but not the rules
   */
  public static void register(SparkSession session, Consumer<SparkSession> registerPlanner) {
    registerForNewSessions(registerPlanner);
    register(session.sessionState().functionRegistry(), registerPlanner);
  }

  /**
   * Adds the functions to sessions that are made from now on.
   *
   * @param registerPlanner as in {@link #register}
   */
  public static void registerForNewSessions(Consumer<SparkSession> registerPlanner) {
    // Functions outside of Spark's own registry count as temporary, and views can't hold them.
    register(FunctionRegistry$.MODULE$.builtin(), registerPlanner);
  }

  private static void register(FunctionRegistry registry, Consumer<SparkSession> registerPlanner) {
    for (PredictFunctions function : ALL) {
      if (!registry.functionExists(function.name)) {
        registry.registerFunction(
            function.name,
            function.info,
            arguments -> function.build(arguments, registerPlanner));
      }
    }
  }

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
              Alias call =
                  Calls.alias(PredictCalls.predict(Calls.output(plan), model, options), "outputs");
              List<NamedExpression> columns = new ArrayList<>(Calls.output(plan));
              StructType outputs = (StructType) call.dataType();
              for (int i = 0; i < outputs.size(); i++) {
                columns.add(
                    Calls.alias(
                        new GetStructField(call.toAttribute(), i, Option.empty()),
                        outputs.apply(i).name()));
              }
              List<NamedExpression> withCall = new ArrayList<>(Calls.output(plan));
              withCall.add(call);
              return Dataset$.MODULE$.ofRows(
                  dataset.sparkSession(),
                  new Project(
                      ScalaLists.of(columns), new Project(ScalaLists.of(withCall), plan)));
            });
  }

  private Expression build(
      Seq<Expression> arguments, Consumer<SparkSession> registerPlanner) {
    registerPlanner.accept(SparkSession.active());
    try {
      return builder.apply(name.funcName(), JavaConverters.seqAsJavaList(arguments));
    } catch (TensorArrowException e) {
      // To this one Spark adds the position in the SQL text.
      throw PredictFunctions.<RuntimeException>unchecked(analysisError(e));
    }
  }

  private static AnalysisException analysisError(TensorArrowException e) {
    return new AnalysisException(
        String.valueOf(e.getMessage()),
        Option.empty(),
        Option.empty(),
        Option.apply(e),
        Option.empty(),
        scala.collection.immutable.Map$.MODULE$.empty(),
        new QueryContext[0]);
  }

  /** Scala declares no checked exceptions. */
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> E unchecked(Throwable e) throws E {
    throw (E) e;
  }
}
