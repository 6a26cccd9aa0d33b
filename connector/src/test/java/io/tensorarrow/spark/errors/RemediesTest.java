package io.tensorarrow.spark.errors;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RemediesTest {
  @Test
  void onlyPlainNamesStandInConditions() {
    assertThat(Remedies.sqlName("pixels")).isEqualTo("pixels");
    assertThat(Remedies.sqlName("two words")).isEqualTo("<column>");
    assertThat(Remedies.sqlName("image.pixels")).isEqualTo("<column>");
  }

  @Test
  void filterDropsRowsWithNulls() {
    assertThat(Remedies.withoutNulls("x is not null"))
        .startsWith("a filter such as where(\"x is not null\") drops the rows with nulls before");
  }
}
