package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.sql.catalyst.QueryPlanningTracker;
import org.apache.spark.sql.catalyst.QueryPlanningTracker$;
import org.junit.jupiter.api.Test;
import scala.Option;

class PerQueryTest {
  private final AtomicInteger lookUps = new AtomicInteger();
  private final PerQuery<Integer> numbers = new PerQuery<>(0);

  private int number() {
    return numbers.forQuery(before -> lookUps.incrementAndGet()).value();
  }

  private int numberIn(QueryPlanningTracker query) {
    return QueryPlanningTracker$.MODULE$.withTracker(query, this::number);
  }

  @Test
  void queryKeepsItsValueWhileOthersArePlanned() {
    QueryPlanningTracker one = new QueryPlanningTracker(Option.empty());
    QueryPlanningTracker other = new QueryPlanningTracker(Option.empty());
    List<Integer> seen = new ArrayList<>();
    for (QueryPlanningTracker query : List.of(one, other, one, other, one)) {
      seen.add(numberIn(query));
    }

    assertThat(seen).containsExactly(1, 2, 1, 2, 1);
    assertThat(numbers.latest()).isEqualTo(2);
  }

  @Test
  void lookUpRepeatsOutsideOfQueries() {
    assertThat(List.of(number(), number())).containsExactly(1, 2);
  }

  @Test
  void failedLookUpKeepsThePreviousValueAndTheFailure() {
    QueryPlanningTracker query = new QueryPlanningTracker(Option.empty());
    number();
    IllegalStateException failure = new IllegalStateException("gone");

    PerQuery.Lookup<Integer> lookup =
        QueryPlanningTracker$.MODULE$.withTracker(
            query,
            () ->
                numbers.forQuery(
                    before -> {
                      throw failure;
                    }));

    assertThat(lookup.value()).isEqualTo(1);
    assertThat(lookup.failure()).contains(failure);
    assertThat(numberIn(query)).isEqualTo(1);
    assertThat(numberIn(new QueryPlanningTracker(Option.empty()))).isEqualTo(2);
  }
}
