package io.tensorarrow.spark;

import io.tensorarrow.spark.python.plan.ColumnarPythonStrategy;
import io.tensorarrow.spark.sql.OverwriteGuard;
import io.tensorarrow.spark.sql.TableDefinitionGuard;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.Option;
import scala.collection.JavaConverters;

/** Gives sessions the planner rules of this connector. Thread-safe. */
final class SessionRules {
  private SessionRules() {}

  /** Adds the rules to sessions that are still to be made. */
  static void inject(SparkSessionExtensions extensions) {
    extensions.injectPlannerStrategy(session -> new OverwriteGuard());
    extensions.injectPlannerStrategy(session -> new TableDefinitionGuard());
    extensions.injectPlannerStrategy(session -> new ColumnarPythonStrategy());
  }

  /** Adds the rules to the session that Spark calls in, if there is one. */
  static void registerInActiveSession() {
    Option<SparkSession> active = SparkSession.getActiveSession();
    if (active.isDefined()) {
      register(active.get());
    }
  }

  /** Adds the rules to a session, unless they are there already. */
  static void register(SparkSession session) {
    // Every look-up of a data source comes here: most find the rules, and need no lock.
    if (strategies(session).stream().filter(SessionRules::isOwn).count() == 3) {
      return;
    }
    synchronized (session) {
      List<SparkStrategy> strategies = new ArrayList<>();
      // Guards come first: no other strategy plans what they refuse.
      strategies.add(new OverwriteGuard());
      strategies.add(new TableDefinitionGuard());
      strategies(session).stream()
          .filter(Predicate.not(SessionRules::isOwn))
          .forEach(strategies::add);
      strategies.add(new ColumnarPythonStrategy());
      session.experimental().extraStrategies_$eq(JavaConverters.asScalaBuffer(strategies).toList());
    }
  }

  private static List<SparkStrategy> strategies(SparkSession session) {
    return JavaConverters.seqAsJavaList(session.experimental().extraStrategies());
  }

  private static boolean isOwn(SparkStrategy strategy) {
    return strategy instanceof OverwriteGuard
        || strategy instanceof TableDefinitionGuard
        || strategy instanceof ColumnarPythonStrategy;
  }
}
