package io.tensorarrow.spark.source;

import java.lang.ref.WeakReference;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.catalyst.QueryPlanningTracker;
import org.apache.spark.sql.catalyst.QueryPlanningTracker$;
import org.jspecify.annotations.Nullable;
import scala.Option;

/**
 * What is looked up again for each planned query, and is one and the same for all scans of it.
 * Thread-safe: sessions that share a view may plan at the same time.
 *
 * @param <T> what is looked up
 */
final class PerQuery<T> {
  private T latest;

  /** The query that the latest was looked up for; of Spark's objects its tracker stands for it. */
  private WeakReference<@Nullable QueryPlanningTracker> query = new WeakReference<>(null);

  /** Takes what was found before any query. */
  PerQuery(T first) {
    this.latest = first;
  }

  /** Returns what was found last. */
  synchronized T latest() {
    return latest;
  }

  /**
   * Returns what holds for the query that this thread plans.
   *
   * @param lookUp looks again, given what was found last; called once for a query, and each time
   *     where no query is known
   */
  synchronized T now(UnaryOperator<T> lookUp) {
    Option<QueryPlanningTracker> planned = QueryPlanningTracker$.MODULE$.get();
    if (planned.isEmpty() || query.get() != planned.get()) {
      latest = lookUp.apply(latest);
      query = new WeakReference<>(planned.isEmpty() ? null : planned.get());
    }
    return latest;
  }
}
