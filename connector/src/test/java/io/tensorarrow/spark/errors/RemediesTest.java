package io.tensorarrow.spark.errors;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RemediesTest {
  @Test
  void namesAreQuotedWhereSqlNeedsIt() {
    assertThat(Remedies.sqlName("pixels")).isEqualTo("pixels");
    assertThat(Remedies.sqlName("image.pixels")).isEqualTo("image.pixels");
    assertThat(Remedies.sqlName("two words")).isEqualTo("`two words`");
    assertThat(Remedies.sqlName("image.`a.b`")).isEqualTo("image.`a.b`");
  }

  @Test
  void filterDropsRowsWithNulls() {
    assertThat(Remedies.withoutNulls("x is not null"))
        .startsWith("a filter such as where(\"x is not null\") drops these rows before the model");
  }
}
