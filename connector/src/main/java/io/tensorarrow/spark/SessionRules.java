package io.tensorarrow.spark;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.python.plan.ColumnarPythonStrategy;
import io.tensorarrow.spark.sql.BatchesAcrossFiles;
import io.tensorarrow.spark.sql.ExtractPredictions;
import io.tensorarrow.spark.sql.execution.InferenceStrategy;
import io.tensorarrow.spark.sql.functions.SqlFunctions;
import io.tensorarrow.spark.sql.guards.OverwriteGuard;
import io.tensorarrow.spark.sql.guards.TableDefinitionGuard;
import io.tensorarrow.spark.sql.tables.PlanQueryTables;
import io.tensorarrow.spark.sql.tables.QueryTableStrategy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.spark.sql.ExperimentalMethods;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.Option;
import scala.collection.JavaConverters;

/** Gives sessions the planner rules and SQL functions of this connector. Thread-safe. */
final class SessionRules {
  private SessionRules() {}

  /** Adds rules and functions to sessions that are still to be made. */
  static void inject(SparkSessionExtensions extensions) {
    SqlFunctions.registerForNewSessions(SessionRules::register);
    // What calls of the functions need comes with the first of them.
    extensions.injectPlannerStrategy(session -> new OverwriteGuard());
    extensions.injectPlannerStrategy(session -> new TableDefinitionGuard());
    extensions.injectPlannerStrategy(session -> new ColumnarPythonStrategy());
  }

  /** Adds rules and functions to the session that Spark calls in, if there is one. */
  static void registerInActiveSession() {
    Option<SparkSession> active = SparkSession.getActiveSession();
    if (active.isDefined()) {
      register(active.get());
    }
  }

  /** Adds rules and functions to a session, unless they are there already. */
  static void register(SparkSession session) {
    SqlFunctions.register(session, SessionRules::register);
    // Every look-up of a data source comes here: most find the rules, and need no lock.
    if (areRegistered(session)) {
      return;
    }
    synchronized (session) {
      ExperimentalMethods methods = session.experimental();
      List<SparkStrategy> strategies = new ArrayList<>();
      // Guards come first: no other strategy plans what they refuse.
      strategies.add(new OverwriteGuard());
      strategies.add(new TableDefinitionGuard());
      strategies(session).stream()
          .filter(Predicate.not(SessionRules::isOwn))
          .forEach(strategies::add);
      strategies.add(new QueryTableStrategy());
      strategies.add(new InferenceStrategy());
      strategies.add(new ColumnarPythonStrategy());
      methods.extraStrategies_$eq(ScalaLists.of(strategies));
      List<Rule<LogicalPlan>> optimizations =
          new ArrayList<>(JavaConverters.seqAsJavaList(methods.extraOptimizations()));
      optimizations.removeIf(SessionRules::isOwn);
      optimizations.add(new PlanQueryTables());
      optimizations.add(new ExtractPredictions());
      optimizations.add(new BatchesAcrossFiles());
      methods.extraOptimizations_$eq(ScalaLists.of(optimizations));
    }
  }

  private static boolean areRegistered(SparkSession session) {
    return strategies(session).stream().filter(SessionRules::isOwn).count() == 5
        && JavaConverters.seqAsJavaList(session.experimental().extraOptimizations()).stream()
                .filter(SessionRules::isOwn)
                .count()
            == 3;
  }

  private static List<SparkStrategy> strategies(SparkSession session) {
    return JavaConverters.seqAsJavaList(session.experimental().extraStrategies());
  }

  private static boolean isOwn(Rule<LogicalPlan> rule) {
    return rule instanceof PlanQueryTables
        || rule instanceof ExtractPredictions
        || rule instanceof BatchesAcrossFiles;
  }

  private static boolean isOwn(SparkStrategy strategy) {
    return strategy instanceof OverwriteGuard
        || strategy instanceof TableDefinitionGuard
        || strategy instanceof QueryTableStrategy
        || strategy instanceof InferenceStrategy
        || strategy instanceof ColumnarPythonStrategy;
  }
}
