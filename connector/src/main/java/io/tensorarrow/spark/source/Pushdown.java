package io.tensorarrow.spark.source;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownFilters;
import org.apache.spark.sql.connector.read.SupportsPushDownV2Filters;
import org.apache.spark.sql.execution.datasources.DataSourceStrategy$;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Strategy$;
import org.apache.spark.sql.execution.datasources.v2.FileScanBuilder;
import org.apache.spark.sql.sources.Filter;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * Pushes filters into the wrapped source by the interface that it implements.
 *
 * @param pushed what the source will apply, as it names it, for the plan's text
 * @param residual what the source does not guarantee: it has to be evaluated row by row before the
 *     model
 */
record Pushdown(List<Predicate> pushed, List<Expression> residual) {
  /**
   * Pushes filters that refer to columns of the source only. None is lost: each is guaranteed by
   * the source or residual.
   */
  static Pushdown into(ScanBuilder source, List<Expression> filters) {
    if (source instanceof FileScanBuilder files) {
      return intoFiles(files, filters);
    }
    if (source instanceof SupportsPushDownV2Filters v2) {
      return intoV2(v2, filters);
    }
    if (source instanceof SupportsPushDownFilters v1) {
      return intoV1(v1, filters);
    }
    return new Pushdown(List.of(), filters);
  }

  /** Returns the same with further filters to evaluate before the model. */
  Pushdown withResidual(List<Expression> filters) {
    return new Pushdown(pushed, Stream.concat(residual.stream(), filters.stream()).toList());
  }

  private static Pushdown intoFiles(FileScanBuilder source, List<Expression> filters) {
    List<Expression> residual =
        JavaConverters.seqAsJavaList(
            source.pushFilters(JavaConverters.asScalaBuffer(filters).toSeq()));
    return new Pushdown(List.of(source.pushedFilters()), List.copyOf(residual));
  }

  private static Pushdown intoV2(SupportsPushDownV2Filters source, List<Expression> filters) {
    IdentityHashMap<Predicate, Expression> guaranteed = new IdentityHashMap<>();
    List<Predicate> predicates = new ArrayList<>();
    for (Expression filter : filters) {
      Option<Predicate> predicate = DataSourceV2Strategy$.MODULE$.translateFilterV2(filter);
      if (predicate.isDefined()) {
        guaranteed.put(predicate.get(), filter);
        predicates.add(predicate.get());
      }
    }
    for (Predicate notGuaranteed : source.pushPredicates(predicates.toArray(new Predicate[0]))) {
      if (guaranteed.remove(notGuaranteed) == null) {
        // The source rewrote a predicate, so it can't be told which filter it stands for.
        return new Pushdown(List.of(source.pushedPredicates()), filters);
      }
    }
    // In their order: a filter may keep rows away from a later one that fails for them.
    List<Expression> residual =
        filters.stream().filter(filter -> !guaranteed.containsValue(filter)).toList();
    return new Pushdown(List.of(source.pushedPredicates()), residual);
  }

  private static Pushdown intoV1(SupportsPushDownFilters source, List<Expression> filters) {
    List<Filter> translated = new ArrayList<>();
    for (Expression filter : filters) {
      Option<Filter> v1 = DataSourceStrategy$.MODULE$.translateFilter(filter, true);
      if (v1.isDefined()) {
        translated.add(v1.get());
      }
    }
    source.pushFilters(translated.toArray(new Filter[0]));
    List<Predicate> pushed = Stream.of(source.pushedFilters()).map(Filter::toV2).toList();
    // Which translated filter stands for which expression is not told apart here: evaluating all
    // again is always right.
    return new Pushdown(pushed, filters);
  }
}
