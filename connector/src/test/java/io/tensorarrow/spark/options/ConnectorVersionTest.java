package io.tensorarrow.spark.options;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConnectorVersionTest {
  @ParameterizedTest
  @CsvSource({
    "3.5.0, 2.12.18",
    "3.5.9, 2.12.21",
    "3.5.1-amzn-1, 2.12.17",
    "3.5.2.3-vendor, 2.12.15",
    "3.5-SNAPSHOT, 2.12.18"
  })
  void everyPatchVersionOfTheMinorLineFits(String spark, String scala) {
    assertThatCode(() -> ConnectorVersion.checkBuiltFor(spark, scala)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "3.4.4, 2.12.17, tensorarrow-spark-3.4_2.12",
    "3.5.9, 2.13.8, tensorarrow-spark-3.5_2.13",
    "4.0.1, 2.13.16, tensorarrow-spark-4.0_2.13",
    "13.5.1, 2.12.18, tensorarrow-spark-13.5_2.12",
    "3.50.0, 2.12.18, tensorarrow-spark-3.50_2.12"
  })
  void anotherSparkOrScalaIsAnErrorThatNamesTheArtifact(
      String spark, String scala, String artifact) {
    assertThatThrownBy(() -> ConnectorVersion.checkBuiltFor(spark, scala))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> Assertions.assertThat(e.code()).isEqualTo(ErrorCode.TA_VERSION_MISMATCH))
        .hasMessageStartingWith(
            "[TA_VERSION_MISMATCH] Cannot use artifact 'tensorarrow-spark-3.5_2.12' ")
        .hasMessageContaining(": found Spark " + spark + " with Scala " + scala)
        .hasMessageContaining("; expected Spark 3.5 with Scala 2.12")
        .hasMessageContaining("'" + artifact + "'");
  }
}
