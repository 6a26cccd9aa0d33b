package io.tensorarrow.spark.source;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.catalyst.QueryPlanningTracker;
import org.apache.spark.sql.catalyst.QueryPlanningTracker$;
import scala.Option;

/**
 * What is looked up again for each planned query, and is one and the same for all scans of it.
 *
 * <p>A look-up that fails does not fail the planning: after each write Spark plans anew what is
 * cached over the written path, inside of the command that wrote. The failure is kept for who runs
 * the query.
 *
 * <p>Thread-safe: sessions that share a view may plan at the same time; nobody waits for another
 * query's look-up.
 *
 * @param <T> what is looked up
 */
public final class PerQuery<T> {
  /** By Spark's own object for the planning of one query, which belongs to one thread. */
  private final Map<QueryPlanningTracker, Lookup<T>> lookups =
      Collections.synchronizedMap(new WeakHashMap<>());

  private volatile T latest;

  /**
   * What one query sees.
   *
   * @param value what was found, or was found before where the look-up failed
   * @param failure why it failed
   */
  public record Lookup<T>(T value, Optional<Exception> failure) {
    /** Returns a part of what was found, with the same failure. */
    public <U> Lookup<U> map(Function<T, U> part) {
      return new Lookup<>(part.apply(value), failure);
    }
  }

  /**
   * @param first what was found before any query
   */
  public PerQuery(T first) {
    this.latest = first;
  }

  /** Returns what was found last. */
  public T latest() {
    return latest;
  }

  /**
   * Returns what the query sees that this thread plans.
   *
   * @param lookUp looks again, given what was found last; called once for a query, and each time
   *     where no query is known
   */
  public Lookup<T> forQuery(UnaryOperator<T> lookUp) {
    Option<QueryPlanningTracker> planned = QueryPlanningTracker$.MODULE$.get();
    if (planned.isEmpty()) {
      return lookUp(lookUp);
    }
    Lookup<T> lookup = lookups.get(planned.get());
    if (lookup == null) {
      lookup = lookUp(lookUp);
      lookups.put(planned.get(), lookup);
    }
    return lookup;
  }

  private Lookup<T> lookUp(UnaryOperator<T> lookUp) {
    T previous = latest;
    try {
      T value = lookUp.apply(previous);
      latest = value;
      return new Lookup<>(value, Optional.empty());
    } catch (Exception e) {
      // Checked ones, too: Scala does not declare them, and Spark's errors of analysis are such.
      return new Lookup<>(previous, Optional.of(e));
    }
  }

  /** Throws an exception as it is, also a checked one: Scala's callers declare none. */
  @SuppressWarnings("unchecked")
  public static <E extends Exception> void rethrow(Exception e) throws E {
    throw (E) e;
  }
}
