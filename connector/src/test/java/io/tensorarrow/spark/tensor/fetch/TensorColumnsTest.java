package io.tensorarrow.spark.tensor.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarRow;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The columns that output tensors become: types, metadata, shared memory, ownership. */
final class TensorColumnsTest extends NativeMemoryTestBase {
  @Test
  void shapeDecidesColumnType() {
    assertThat(typeOf(-1)).isEqualTo("float");
    assertThat(typeOf(-1, 10)).isEqualTo("array<float>");
    assertThat(typeOf(-1, 1)).isEqualTo("array<float>");
    assertThat(typeOf(-1, 2, 3)).isEqualTo("array<float>");
    assertThat(typeOf(-1, -1, 3)).isEqualTo("array<float>");
    assertThat(typeOf(-1, -1, 3, -1)).isEqualTo("struct<data:array<float>,shape:array<int>>");
  }

  @Test
  void elementsAndFieldsAreNotNullable() {
    assertThat(typeOf(DType.FLOAT32, -1, 2))
        .isEqualTo(DataTypes.createArrayType(DataTypes.FloatType, false));
    assertThat(typeOf(DType.INT64, -1, -1, -1))
        .isEqualTo(
            DataTypes.createStructType(
                List.of(
                    DataTypes.createStructField(
                        "data", DataTypes.createArrayType(DataTypes.LongType, false), false),
                    DataTypes.createStructField(
                        "shape", DataTypes.createArrayType(DataTypes.IntegerType, false), false))));
  }

  @Test
  void fieldMetadataDescribeTensor() {
    StructField field =
        TensorColumns.field(
            spec(DType.INT16, -1, -1, 3), "codes", "models/digits", "1.2.3", ColumnTypes.DEFAULT);
    assertThat(field.name()).isEqualTo("codes");
    assertThat(field.nullable()).isFalse();
    assertThat(field.dataType()).isEqualTo(DataTypes.createArrayType(DataTypes.ShortType, false));
    assertThat(field.metadata().getString("tensor.dtype")).isEqualTo("int16");
    assertThat(field.metadata().getLongArray("tensor.shape")).containsExactly(-1, 3);
    assertThat(field.metadata().getString("tensor.name")).isEqualTo("t");
    assertThat(field.metadata().getString("tensor.model")).isEqualTo("models/digits");
    assertThat(field.metadata().getString("tensorarrow.version")).isEqualTo("1.2.3");
  }

  @Test
  void scalarOutputHasEmptyShapeInMetadata() {
    StructField field =
        TensorColumns.field(spec(DType.FLOAT64, -1), "c", "m", "1", ColumnTypes.DEFAULT);
    assertThat(field.dataType()).isEqualTo(DataTypes.DoubleType);
    assertThat(field.metadata().getLongArray("tensor.shape")).isEmpty();
  }

  @Test
  void unfetchableTensorsHaveReason() {
    assertThat(TensorColumns.whyNotFetchable(spec(DType.FLOAT32, -1, 3))).isEmpty();
    assertThat(TensorColumns.whyNotFetchable(spec(DType.FLOAT32)))
        .hasValueSatisfying(why -> assertThat(why).contains("no batch axis"));
    assertThat(TensorColumns.whyNotFetchable(spec(DType.FLOAT32, 8, 3))).isEmpty();
    TensorSpec unknown = new TensorSpec("t", DType.FLOAT32, TensorShape.unknownRank());
    assertThat(TensorColumns.whyNotFetchable(unknown))
        .hasValueSatisfying(why -> assertThat(why).contains("unknown rank"));
    assertThatThrownBy(() -> TensorColumns.columnType(unknown, ColumnTypes.DEFAULT))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_TENSOR_UNSUPPORTED))
        .hasMessageContainingAll("'t' float32 unknown_rank", "found an unknown rank");
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyDtypeButHandlesIsFetched(DType dtype) {
    boolean handle = dtype == DType.RESOURCE || dtype == DType.VARIANT;
    assertThat(TensorColumns.whyNotFetchable(spec(dtype, -1)).isPresent()).isEqualTo(handle);
  }

  @Test
  void scalarsShareTensorMemory() {
    NativeTensor tensor = counting(3);
    long address = tensor.address();
    try (ColumnVector column = wrap(tensor, 3, -1)) {
      assertThat(vector(column).getDataBufferAddress()).isEqualTo(address);
      assertThat(column.getFloats(0, 3)).containsExactly(0, 1, 2);
    }
    assertThat(tensor.isClosed()).isTrue();
  }

  @Test
  void arraysShareTensorMemory() {
    NativeTensor tensor = counting(2, 2, 2);
    long address = tensor.address();
    try (ColumnVector column = wrap(tensor, 2, -1, 2, -1)) {
      FieldVector elements = ((ListVector) vector(column)).getDataVector();
      assertThat(elements.getDataBufferAddress()).isEqualTo(address);
      assertThat(elements.getDataBuffer().capacity()).isEqualTo(tensor.byteSize());
      assertThat(column.getArray(1).toFloatArray()).containsExactly(4, 5, 6, 7);
    }
  }

  @Test
  void structsShareTensorMemoryAndHaveRowShape() {
    NativeTensor tensor = counting(2, 2, 3);
    long address = tensor.address();
    try (ColumnVector column = wrap(tensor, 2, -1, -1, -1)) {
      ListVector data = (ListVector) ((StructVector) vector(column)).getChild("data");
      assertThat(data.getDataVector().getDataBufferAddress()).isEqualTo(address);
      ColumnarRow row = column.getStruct(1);
      assertThat(row.getArray(0).toFloatArray()).containsExactly(6, 7, 8, 9, 10, 11);
      assertThat(row.getArray(1).toIntArray()).containsExactly(2, 3);
    }
  }

  @Test
  void arrowFieldsHaveSparkNamesAndAreNotNullable() {
    try (ColumnVector column = wrap(counting(1, 2, 2), 1, -1, -1, -1)) {
      Field struct = vector(column).getField();
      assertThat(struct.getName()).isEqualTo("out");
      assertThat(struct.isNullable()).isFalse();
      assertThat(struct.getChildren()).extracting(Field::getName).containsExactly("data", "shape");
      for (Field list : struct.getChildren()) {
        assertThat(list.isNullable()).isFalse();
        assertThat(list.getChildren()).extracting(Field::getName).containsExactly("element");
        assertThat(list.getChildren()).noneMatch(Field::isNullable);
      }
    }
    try (ColumnVector column = wrap(counting(1), 1, -1)) {
      assertThat(vector(column).getField().getName()).isEqualTo("out");
      assertThat(vector(column).getField().isNullable()).isFalse();
    }
  }

  @Test
  void allocatorCountsTensorUntilColumnIsClosed() {
    NativeTensor tensor = counting(1000, 10);
    long before = allocator.getAllocatedMemory();
    try (ColumnVector column = wrap(tensor, 1000, -1, 10)) {
      assertThat(column.hasNull()).isFalse();
      assertThat(allocator.getAllocatedMemory() - before).isGreaterThanOrEqualTo(40_000);
    }
    assertThat(allocator.getAllocatedMemory()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void secondCloseDoesNothing(int rank) {
    long[] shape = {-1, -1, -1};
    NativeTensor tensor = counting(Arrays.copyOf(new long[] {2, 2, 2}, rank));
    long live = NativeTensor.live();
    ColumnVector column = wrap(tensor, 2, Arrays.copyOf(shape, rank));
    column.close();
    column.close();
    column.closeIfFreeable();
    assertThat(tensor.isClosed()).isTrue();
    assertThat(NativeTensor.live()).isEqualTo(live - 1);
  }

  @Test
  void columnMayBeClosedByAnotherThread() throws InterruptedException {
    ColumnVector column = wrap(counting(4, 2), 4, -1, 2);
    Thread closer = new Thread(column::close);
    closer.start();
    closer.join();
    assertThat(allocator.getAllocatedMemory()).isZero();
  }

  @Test
  void emptyTensorsBecomeEmptyColumns() {
    try (ColumnVector scalars = wrap(counting(0), 0, -1);
        ColumnVector arrays = wrap(counting(0, 5), 0, -1, 5);
        ColumnVector structs = wrap(counting(0, 0, 0), 0, -1, -1, -1)) {
      for (ColumnVector column : List.of(scalars, arrays, structs)) {
        assertThat(vector(column).getValueCount()).isZero();
        assertThat(column.hasNull()).isFalse();
      }
    }
  }

  @Test
  void rowsWithoutElementsBecomeEmptyArrays() {
    try (ColumnVector arrays = wrap(counting(3, 0), 3, -1, -1);
        ColumnVector structs = wrap(counting(3, 0, 7), 3, -1, -1, -1)) {
      for (int row = 0; row < 3; row++) {
        assertThat(arrays.isNullAt(row)).isFalse();
        assertThat(arrays.getArray(row).numElements()).isZero();
        ColumnarArray shape = structs.getStruct(row).getArray(1);
        assertThat(structs.getStruct(row).getArray(0).numElements()).isZero();
        assertThat(shape.toIntArray()).containsExactly(0, 7);
      }
    }
  }

  @Test
  void wrongBatchSizeIsRefused() {
    refuses(ErrorCode.TA_OUTPUT_NOT_BATCHED, counting(3, 10), 4, -1, 10)
        .hasMessageContainingAll(
            "'out'",
            "'t' float32 (-1, 10)",
            "found float32 (3, 10)",
            "expected float32 (4, 10)",
            "one row for each of the 4");
  }

  @Test
  void tensorReducedOverRowsIsRefused() {
    refuses(ErrorCode.TA_OUTPUT_NOT_BATCHED, counting(), 1, -1)
        .hasMessageContaining("found float32 ()");
    refuses(ErrorCode.TA_OUTPUT_NOT_BATCHED, counting(10), 10, -1, 10)
        .hasMessageContainingAll("found float32 (10,)", "expected float32 (10, 10)");
    refuses(ErrorCode.TA_OUTPUT_NOT_BATCHED, counting(1, 10), 5, -1, 10);
    refuses(ErrorCode.TA_OUTPUT_NOT_BATCHED, counting(50), 5, -1, 10);
  }

  @Test
  void wrongRankIsRefused() {
    refuses(ErrorCode.TA_OUTPUT_SHAPE, counting(3, 10, 1), 3, -1, 10)
        .hasMessageContaining("found float32 (3, 10, 1)");
    refuses(ErrorCode.TA_OUTPUT_SHAPE, counting(3), 3, -1, 10)
        .hasMessageContaining("found float32 (3,)");
  }

  @Test
  void wrongInnerDimensionIsRefused() {
    refuses(ErrorCode.TA_OUTPUT_SHAPE, counting(3, 2, 9), 3, -1, -1, 10)
        .hasMessageContainingAll("found float32 (3, 2, 9)", "expected float32 (3, -1, 10)");
  }

  @Test
  void wrongDtypeIsRefused() {
    NativeTensor tensor = counting(3);
    assertThatThrownBy(() -> wrap(tensor, spec(DType.INT32, -1), 3))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OUTPUT_SHAPE))
        .hasMessageContainingAll("found float32 (3,)", "expected int32 (3,)");
    assertThat(tensor.isClosed()).isTrue();
  }

  @Test
  void batchBeyondArrowOffsetsIsRefused() {
    // Address space only: nobody touches the pages.
    NativeTensor tensor = NativeTensor.allocate(DType.INT8, 2, 1L << 30);
    assertThatThrownBy(() -> wrap(tensor, spec(DType.INT8, -1, -1), 2))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_UNSUPPORTED))
        .hasMessageContainingAll("int8 (2, 1073741824)", "2147483647", "batchRows");
    assertThat(tensor.isClosed()).isTrue();
  }

  @Test
  void allocatorLimitLeavesNoMemoryAllocated() {
    int refused = 0;
    // At each limit another allocation is the one that fails: the tensor, validity bits, offsets,
    // shapes.
    for (long limit = 0; limit < 3000; limit += 64) {
      try (BufferAllocator small = allocator.newChildAllocator("small", 0, limit)) {
        NativeTensor tensor = counting(16, 2, 2);
        long live = NativeTensor.live();
        try (ColumnVector column =
            TensorColumns.wrap(
                tensor,
                spec(DType.FLOAT32, -1, -1, -1),
                "out",
                16,
                16,
                ColumnTypes.DEFAULT,
                small)) {
          assertThat(column.getStruct(15).getArray(0).toFloatArray())
              .containsExactly(60, 61, 62, 63);
        } catch (OutOfMemoryException e) {
          refused++;
        }
        assertThat(tensor.isClosed()).isTrue();
        assertThat(NativeTensor.live()).isEqualTo(live - 1);
        assertThat(small.getAllocatedMemory()).isZero();
      }
    }
    assertThat(refused).isBetween(8, 45);
  }

  @Test
  void bytesPerRowAreEstimatedFromSignature() {
    assertThat(TensorColumns.bytesPerRow(spec(DType.FLOAT64, -1))).isEqualTo(8);
    assertThat(TensorColumns.bytesPerRow(spec(DType.FLOAT32, -1, 10, 3))).isEqualTo(120);
    assertThat(TensorColumns.bytesPerRow(spec(DType.INT8, -1, -1, 3))).isEqualTo(192);
    assertThat(TensorColumns.bytesPerRow(spec(DType.INT8, -1, Long.MAX_VALUE, 3)))
        .isEqualTo(Long.MAX_VALUE);
    assertThat(TensorColumns.bytesPerRow(spec(DType.STRING, -1, 2))).isEqualTo(128);
    assertThat(TensorColumns.bytesPerRow(spec(DType.INT16))).isEqualTo(2);
    assertThat(
            TensorColumns.bytesPerRow(new TensorSpec("t", DType.INT16, TensorShape.unknownRank())))
        .isEqualTo(128);
  }

  private static String typeOf(long... shape) {
    return typeOf(DType.FLOAT32, shape).catalogString();
  }

  private static DataType typeOf(DType dtype, long... shape) {
    return TensorColumns.columnType(spec(dtype, shape), ColumnTypes.DEFAULT);
  }

  private ColumnVector wrap(NativeTensor tensor, int rows, long... shape) {
    return wrap(tensor, spec(DType.FLOAT32, shape), rows);
  }

  private ColumnVector wrap(NativeTensor tensor, TensorSpec spec, int rows) {
    return TensorColumns.wrap(tensor, spec, "out", rows, rows, ColumnTypes.DEFAULT, allocator);
  }

  private static FieldVector vector(ColumnVector column) {
    return (FieldVector) ((ArrowColumnVector) column).getValueVector();
  }

  private AbstractThrowableAssert<?, ?> refuses(
      ErrorCode code, NativeTensor tensor, int rows, long... shape) {
    var refusal =
        assertThatThrownBy(() -> wrap(tensor, rows, shape))
            .isInstanceOfSatisfying(
                TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code));
    assertThat(tensor.isClosed()).isTrue();
    return refusal;
  }
}
