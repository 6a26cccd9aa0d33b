package io.tensorarrow.spark.errors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AlternativesTest {
  @Test
  void closestNameIsListedFirst() {
    assertThat(Alternatives.closestFirst("servin_default", List.of("train", "serving_default")))
        .isEqualTo("'serving_default', 'train'");
  }

  @Test
  void longListsAreCut() {
    List<String> names = IntStream.range(100, 125).mapToObj(i -> "n" + i).toList();
    assertThat(Alternatives.closestFirst("n100", names))
        .startsWith("'n100', ")
        .endsWith(" and 5 more");
  }

  @Test
  void emptyListIsRenderedAsNone() {
    assertThat(Alternatives.closestFirst("x", List.of())).isEqualTo("none");
  }

  @Test
  void onlyCloseNamesAreSuggested() {
    assertThat(Alternatives.didYouMean("batchrow", List.of("batchRows", "model")))
        .contains("batchRows");
    assertThat(Alternatives.didYouMean("zzz", List.of("batchRows", "model"))).isEmpty();
  }
}
