package io.tensorarrow.spark.errors;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.Copies;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class TensorArrowExceptionTest {
  @Test
  void messageHasCodeActionFoundAndExpected() {
    IOException cause = new IOException("disk");

    TensorArrowException exception =
        cannot(ErrorCode.TA_NATIVES, "load '%s'", "50 %")
            .found("%d files", 1234)
            .causedBy(cause)
            .expected("100 %% of them");

    assertThat(exception)
        .hasMessage("[TA_NATIVES] Cannot load '50 %': found 1234 files; expected 100 % of them")
        .hasCause(cause);
    assertThat(exception.isOfRows()).isFalse();
    assertThat(exception.again()).hasMessage(exception.getMessage()).hasCause(exception);
  }

  @Test
  void rowErrorWithoutFileOmitsLocation() {
    TensorArrowException ofRow =
        cannot(ErrorCode.TA_NULL_INPUT, "feed 'x'").found("a null").inRow(3).expected("a value");
    TensorArrowException ofRows =
        cannot(ErrorCode.TA_INPUT_TYPE, "feed 'x'").found("2").inRowsOfCall().expected("1");
    TensorArrowException ofCall =
        cannot(ErrorCode.TA_MODEL_RUN, "run 'm'").forRowsOfCall().found("an error").expected("0");

    assertThat(ofRow.at("in row 7 of 'f'", "note"))
        .hasMessage(
            "[TA_NULL_INPUT] Cannot feed 'x': found a null in row 7 of 'f'; expected a value (note)");
    assertThat(ofRows).hasMessage("[TA_INPUT_TYPE] Cannot feed 'x': found 2; expected 1");
    assertThat(ofRows.at("in rows 1 to 2", "note"))
        .hasMessage("[TA_INPUT_TYPE] Cannot feed 'x': found 2 in rows 1 to 2; expected 1 (note)");
    assertThat(ofCall.at("for rows 1 to 2", "note"))
        .hasMessage(
            "[TA_MODEL_RUN] Cannot run 'm' for rows 1 to 2: found an error; expected 0 (note)");
  }

  @Test
  void rowErrorNamesFileWhenLocated() {
    TensorArrowException error =
        cannot(ErrorCode.TA_NULL_INPUT, "feed 'x'").found("a null").inRow(3).expected("a value");

    assertThat(error)
        .hasMessage(
            "[TA_NULL_INPUT] Cannot feed 'x': found a null in row 3 of the batch; expected a value");
    assertThat(error.isOfRows()).isTrue();
    assertThat(error.row()).hasValue(3);
    assertThat(error.inRow(5).row()).hasValue(5);
    assertThat(error.inRow(5).reason())
        .isEqualTo("Cannot feed 'x': found a null in row 5 of the batch; expected a value");
    TensorArrowException placed = error.inRow(5).at("in row 105 of 'f'", "rows count from 0");
    assertThat(placed)
        .hasMessage(
            "[TA_NULL_INPUT] Cannot feed 'x': found a null in row 105 of 'f'; expected a value"
                + " (rows count from 0)");
    assertThat(placed.isOfRows()).isFalse();
    assertThat(placed.row()).isEmpty();
    assertThatThrownBy(() -> placed.at("in 'g'", "")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> placed.inRow(1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void rowsOfACallAreNamedTogether() {
    TensorArrowException error =
        cannot(ErrorCode.TA_MODEL_RUN, "run 'm'")
            .forRowsOfCall()
            .found("an error")
            .expected("none");

    assertThat(error).hasMessage("[TA_MODEL_RUN] Cannot run 'm': found an error; expected none");
    assertThat(error.isOfRows()).isTrue();
    assertThat(error.row()).isEmpty();
    assertThat(error.at("for rows 0 to 9 of 'f'", "rows count from 0"))
        .hasMessage(
            "[TA_MODEL_RUN] Cannot run 'm' for rows 0 to 9 of 'f': found an error; expected none"
                + " (rows count from 0)");
  }

  @Test
  void errorThatIsNotOfRowsHasNoPlace() {
    TensorArrowException error =
        cannot(ErrorCode.TA_NATIVES, "load 'x'").found("none").expected("one");

    assertThat(error.isOfRows()).isFalse();
    assertThat(error.row()).isEmpty();
    assertThatThrownBy(() -> error.at("in 'f'", "")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void placedErrorKeepsCodeSuppressedExceptionsAndStackTrace()
      throws IOException, ClassNotFoundException {
    TensorArrowException error =
        cannot(ErrorCode.TA_CAST_OVERFLOW, "feed 'x'").found("300").inRow(3).expected("255");
    IOException suppressed = new IOException("suppressed");
    error.addSuppressed(suppressed);

    TensorArrowException placed = error.at("in row 7 of 'f'", "");
    assertThat(placed.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW);
    assertThat(placed).hasSuppressedException(suppressed);
    assertThat(placed.getStackTrace()).isEqualTo(error.getStackTrace());
    assertThat(Copies.javaCopy(error).row()).hasValue(3);
  }
}
