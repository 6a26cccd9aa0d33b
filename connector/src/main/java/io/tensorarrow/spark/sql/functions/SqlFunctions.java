package io.tensorarrow.spark.sql.functions;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.analysis.TableFunctionRegistry$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/** Registers the SQL functions of this connector. Thread-safe. */
public final class SqlFunctions {
  private static final List<SqlFunction<Expression>> SCALAR =
      Stream.of(PredictFunctions.ALL, TensorFunctions.ALL).flatMap(List::stream).toList();

  private SqlFunctions() {}

  /**
   * Adds the functions to a session, unless it has them, and to those that are made later.
   *
   * @param registerPlanner adds our planner rules to a session; called with each session that
   *     analyses a call, since a new session has the functions but not the rules
   */
  public static void register(SparkSession session, Consumer<SparkSession> registerPlanner) {
    registerForNewSessions(registerPlanner);
    register(
        session.sessionState().functionRegistry(),
        session.sessionState().tableFunctionRegistry(),
        registerPlanner);
  }

  /**
   * Adds the functions to sessions that are made from now on.
   *
   * @param registerPlanner as in {@link #register}
   */
  public static void registerForNewSessions(Consumer<SparkSession> registerPlanner) {
    // Functions outside of Spark's own registries count as temporary, and views can't hold them.
    register(
        FunctionRegistry$.MODULE$.builtin(),
        TableFunctionRegistry$.MODULE$.builtin(),
        registerPlanner);
  }

  private static void register(
      FunctionRegistryBase<Expression> scalar,
      FunctionRegistryBase<LogicalPlan> table,
      Consumer<SparkSession> registerPlanner) {
    SCALAR.forEach(function -> function.register(scalar, registerPlanner));
    TableFunctions.ALL.forEach(function -> function.register(table, registerPlanner));
  }
}
