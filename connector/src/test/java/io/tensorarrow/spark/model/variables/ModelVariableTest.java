package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.DataType;

class ModelVariableTest extends VariablesTestBase {
  @Test
  void variableTooLargeForRowIsRefused() {
    List<Long> shape = List.of(1L << 29);
    ModelVariable large = variable(DataType.DT_FLOAT, shape, 1L << 31);
    fails(ErrorCode.TA_VARIABLE_UNSUPPORTED, () -> large.checkReadable("m"))
        .hasMessage(
            "[TA_VARIABLE_UNSUPPORTED] Cannot read variable 'w' of model 'm': found 2147483648"
                + " bytes; expected at most 2146435071, which fit into a row (filter by name, or"
                + " leave out the column 'tensor')");
    fails(
            ErrorCode.TA_VARIABLE_UNSUPPORTED,
            () -> variable(DataType.DT_VARIANT, List.of(), 3).checkReadable("m"))
        .hasMessageContaining("found variant; expected numbers, booleans or strings");
    ModelVariable unknown = new ModelVariable("w", 99, List.of(), large.parts());
    assertThat(unknown.dtypeName()).isEqualTo("dtype 99");
    fails(ErrorCode.TA_VARIABLE_UNSUPPORTED, () -> unknown.checkReadable("m"))
        .hasMessageContaining("found dtype 99; expected");
    ModelVariable.Part part = large.parts().get(0);
    fails(
            ErrorCode.TA_VARIABLE_UNSUPPORTED,
            () -> new ModelVariable("w", 7, shape, List.of(part, part)).checkReadable("m"))
        .hasMessageContaining("found strings in 2 parts");
    variable(DataType.DT_FLOAT, List.of(1L), 4).checkReadable("m");
  }

  private static ModelVariable variable(DataType dtype, List<Long> shape, long size) {
    List<Long> begin = shape.stream().map(dim -> 0L).toList();
    return new ModelVariable(
        "w",
        dtype.getNumber(),
        shape,
        List.of(new ModelVariable.Part(DATA, 0, size, 0, begin, shape)));
  }
}
