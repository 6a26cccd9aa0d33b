package io.tensorarrow.spark.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_AllocateTensor;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NativeTensorTest {
  @BeforeAll
  static void loadNatives() {
    NativeLibraries.ensureLoaded(Optional.empty());
  }

  @Test
  void allocatedTensorHasShapeAndMemory() {
    try (NativeTensor tensor = NativeTensor.allocate(DType.INT16, 2, 3, 4)) {
      assertThat(tensor.dtype()).isEqualTo(DType.INT16);
      assertThat(tensor.dims()).containsExactly(2, 3, 4);
      assertThat(tensor.elementCount()).isEqualTo(24);
      assertThat(tensor.byteSize()).isEqualTo(48);
      assertThat(tensor.address() % 64).isZero();
      assertThat(tensor).hasToString("int16 (2, 3, 4)");
    }
  }

  @Test
  void scalarHasOneElementAndEmptyTensorNone() {
    try (NativeTensor scalar = NativeTensor.allocate(DType.FLOAT64);
        NativeTensor empty = NativeTensor.allocate(DType.FLOAT64, 0, 10)) {
      assertThat(scalar.elementCount()).isEqualTo(1);
      assertThat(scalar.byteSize()).isEqualTo(8);
      assertThat(empty.elementCount()).isZero();
      assertThat(empty.byteSize()).isZero();
    }
  }

  @Test
  void tensorMadeByTensorFlowIsAdopted() {
    long before = NativeTensor.live();
    NativeTensor tensor =
        NativeTensor.adopt(TF_AllocateTensor(DType.UINT8.number(), new long[] {5, 2}, 2, 10));
    assertThat(tensor.dtype()).isEqualTo(DType.UINT8);
    assertThat(tensor.dims()).containsExactly(5, 2);
    assertThat(tensor.byteSize()).isEqualTo(10);
    assertThat(NativeTensor.live()).isEqualTo(before + 1);
    tensor.close();
    assertThat(NativeTensor.live()).isEqualTo(before);
  }

  @Test
  void closedTensorCannotBeUsed() {
    long before = NativeTensor.live();
    NativeTensor tensor = NativeTensor.allocate(DType.INT32, 1);
    assertThat(tensor.isClosed()).isFalse();
    tensor.close();
    tensor.close();
    assertThat(tensor.isClosed()).isTrue();
    assertThat(NativeTensor.live()).isEqualTo(before);
    assertThatThrownBy(tensor::handle).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(tensor::address).isInstanceOf(IllegalStateException.class);
    assertThat(tensor).hasToString("int32 (1,) (closed)");
  }

  @Test
  void handlesAndNegativeDimensionsAreNotAllocated() {
    long before = NativeTensor.live();
    assertThatThrownBy(() -> NativeTensor.allocate(DType.RESOURCE, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> NativeTensor.allocate(DType.INT32, 2, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(NativeTensor.live()).isEqualTo(before);
  }

  @Test
  void outOfMemoryErrorStatesBytes() {
    long before = NativeTensor.live();
    assertThatThrownBy(() -> NativeTensor.allocate(DType.FLOAT32, 1L << 50))
        .isInstanceOf(TensorArrowException.class)
        .hasMessageContaining("'float32 (1125899906842624,)'")
        .hasMessageContaining("4503599627370496 bytes");
    assertThat(NativeTensor.live()).isEqualTo(before);
  }

  @Test
  void shapesThatTensorFlowAbortsOnAreRefused() {
    for (long[] dims :
        List.of(
            new long[255],
            new long[] {Long.MAX_VALUE, 2},
            new long[] {Long.MAX_VALUE / 4 + 1},
            new long[] {0, 1L << 40, 1L << 40})) {
      assertThatThrownBy(() -> NativeTensor.allocate(DType.FLOAT32, dims))
          .isInstanceOf(TensorArrowException.class)
          .hasMessageStartingWith("[TA_TENSOR_UNSUPPORTED] Cannot allocate tensor of 'float32': ");
    }
    try (NativeTensor deepest = NativeTensor.allocate(DType.FLOAT32, new long[254])) {
      assertThat(deepest.elementCount()).isZero();
    }
  }
}
