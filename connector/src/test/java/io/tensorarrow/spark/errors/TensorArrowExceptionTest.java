package io.tensorarrow.spark.errors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.Copies;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class TensorArrowExceptionTest {
  @Test
  void aRowIsToldByItsPlaceOnceThatIsKnown() {
    TensorArrowException found =
        TensorArrowException.ofRow(
            ErrorCode.TA_NULL_INPUT, "Cannot feed 'x': found a null", 3, "; expected a value");

    assertThat(found)
        .hasMessage(
            "[TA_NULL_INPUT] Cannot feed 'x': found a null in row 3 of the batch; expected a value");
    assertThat(found.isOfRows()).isTrue();
    assertThat(found.row()).hasValue(3);
    assertThat(found.inRow(5).row()).hasValue(5);
    assertThat(found.inRow(5).reason())
        .isEqualTo("Cannot feed 'x': found a null in row 5 of the batch; expected a value");
    TensorArrowException placed = found.inRow(5).at("in row 105 of 'f'", "rows count from 0");
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
  void theRowsOfACallAreToldTogether() {
    TensorArrowException found =
        TensorArrowException.ofCall(ErrorCode.TA_MODEL_RUN, "Cannot run 'm'", ": found a fault");

    assertThat(found).hasMessage("[TA_MODEL_RUN] Cannot run 'm': found a fault");
    assertThat(found.isOfRows()).isTrue();
    assertThat(found.row()).isEmpty();
    assertThat(found.at("for rows 0 to 9 of 'f'", "rows count from 0"))
        .hasMessage(
            "[TA_MODEL_RUN] Cannot run 'm' for rows 0 to 9 of 'f': found a fault (rows count from"
                + " 0)");
  }

  @Test
  void aFaultThatIsNotOfRowsHasNoPlace() {
    TensorArrowException fault =
        new TensorArrowException(ErrorCode.TA_NATIVES, "Cannot load 'x': found ...; expected ...");

    assertThat(fault.isOfRows()).isFalse();
    assertThat(fault.row()).isEmpty();
    assertThatThrownBy(() -> fault.at("in 'f'", "")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatItCarriesIsKept() throws IOException, ClassNotFoundException {
    TensorArrowException found =
        TensorArrowException.ofRow(ErrorCode.TA_CAST_OVERFLOW, "Cannot feed 'x'", 3, "");
    IOException suppressed = new IOException("suppressed");
    found.addSuppressed(suppressed);

    TensorArrowException placed = found.at("in row 7 of 'f'", "");
    assertThat(placed.code()).isEqualTo(ErrorCode.TA_CAST_OVERFLOW);
    assertThat(placed).hasSuppressedException(suppressed);
    assertThat(placed.getStackTrace()).isEqualTo(found.getStackTrace());
    assertThat(Copies.javaCopy(found).row()).hasValue(3);
  }
}
