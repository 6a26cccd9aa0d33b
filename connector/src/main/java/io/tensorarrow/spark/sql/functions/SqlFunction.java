package io.tensorarrow.spark.sql.functions;

import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A function of SQL, as Spark registers it. Immutable.
 *
 * @param name what SQL calls it
 * @param info what {@code DESCRIBE FUNCTION EXTENDED} shows
 * @param builder makes what a call stands for, of the function's name and the call's arguments
 * @param <T> an expression, or the plan of a table
 */
record SqlFunction<T>(
    FunctionIdentifier name,
    ExpressionInfo info,
    BiFunction<String, List<Expression>, ? extends T> builder) {
  private static final String SINCE = "0.1.0";

  /**
   * Describes a function.
   *
   * @param group one of Spark's groups of functions
   * @param usage the function's form, where {@code _FUNC_} is its name, and what it does
   * @param arguments one line each
   * @param examples one query each
   */
  static <T> SqlFunction<T> of(
      String name,
      String group,
      String usage,
      List<String> arguments,
      List<String> examples,
      BiFunction<String, List<Expression>, ? extends T> builder) {
    ExpressionInfo info =
        new ExpressionInfo(
            SqlFunctions.class.getName(),
            null,
            name,
            usage,
            section("Arguments:", "* ", arguments),
            section("Examples:", "> ", examples),
            "",
            group,
            SINCE,
            "",
            "built-in");
    return new SqlFunction<>(new FunctionIdentifier(name), info, builder);
  }

  /** Returns lines in the form in which Spark wants the arguments and examples of a function. */
  private static String section(String title, String bullet, List<String> lines) {
    String separator = "\n      " + bullet;
    return "\n    " + title + separator + String.join(separator, lines) + "\n  ";
  }

  /** Adds the function to a registry that does not have it. */
  void register(FunctionRegistryBase<T> registry, Consumer<SparkSession> registerPlanner) {
    if (!registry.functionExists(name)) {
      registry.registerFunction(name, info, arguments -> build(arguments, registerPlanner));
    }
  }

  private T build(Seq<Expression> arguments, Consumer<SparkSession> registerPlanner) {
    registerPlanner.accept(SparkSession.active());
    try {
      return builder.apply(name.funcName(), JavaConverters.seqAsJavaList(arguments));
    } catch (TensorArrowException e) {
      // To this one Spark adds the position in the SQL text.
      throw SqlFunction.<RuntimeException>unchecked(analysisError(e));
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
