package io.tensorarrow.spark.tensor.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.vector.RetainedColumns;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Outputs of every dtype but strings: any bytes, read by each of Spark's ways, are what a naive
 * reference says, and they are read where TensorFlow left them.
 */
final class OutputDtypesTest extends NativeMemoryTestBase {
  private static final ColumnTypes BINARY =
      new ColumnTypes(ColumnTypes.Strings.BINARY, ColumnTypes.Bytes.BINARY);
  private static final Set<DType> WIDENED =
      EnumSet.complementOf(
          EnumSet.of(
              DType.FLOAT32,
              DType.FLOAT64,
              DType.INT8,
              DType.INT16,
              DType.INT32,
              DType.INT64,
              DType.QINT8,
              DType.QINT16,
              DType.QINT32,
              DType.INT4,
              DType.UINT4));
  private static final int ROWS = 9;
  private static final int KEPT = 7;

  @ParameterizedTest
  @MethodSource("plain")
  void randomElementsAreReadAsReferenceReadsThem(DType dtype) {
    Random random = new Random(dtype.number());
    for (long[] shape : new long[][] {{-1}, {-1, 1}, {-1, 3}, {-1, -1, 2}, {-1, -1, -1}}) {
      long[] dims = Dims.withUnknown(shape, 2);
      dims[0] = ROWS;
      byte[] bytes = bytes(random, dtype, dims);
      check(dtype, shape, dims, bytes, KEPT);
      check(dtype, shape, dims, bytes, ROWS);
    }
  }

  @ParameterizedTest
  @MethodSource("plain")
  void emptyBatchesAndEmptyRowsAreRead(DType dtype) {
    check(dtype, new long[] {-1}, new long[] {0}, new byte[0], 0);
    check(dtype, new long[] {-1, 3}, new long[] {0, 3}, new byte[0], 0);
    check(dtype, new long[] {-1, -1}, new long[] {3, 0}, new byte[0], 2);
    check(dtype, new long[] {-1, -1, -1}, new long[] {3, 0, 2}, new byte[0], 3);
    check(dtype, new long[] {-1}, new long[] {2}, new byte[2 * dtype.byteSize()], 0);
  }

  private void check(DType dtype, long[] shape, long[] dims, byte[] bytes, int keptRows) {
    TensorSpec spec = spec(dtype, shape);
    int width = dims[0] == 0 ? 0 : (int) (Dims.knownProduct(dims) / dims[0]);
    IntFunction<Object> element = i -> ReferenceValues.reference(dtype, bytes, i);
    List<Object> expected = new ArrayList<>();
    for (int row = 0; row < keptRows; row++) {
      int from = row * width;
      List<Object> elements = IntStream.range(from, from + width).mapToObj(element).toList();
      List<Object> rowShape =
          Arrays.stream(dims).skip(1).<Object>mapToObj(String::valueOf).toList();
      expected.add(
          shape.length == 1
              ? elements.get(0)
              : Dims.unknowns(spec.shape().rowDims()) < 2 ? elements : List.of(elements, rowShape));
    }
    NativeTensor tensor = tensor(dtype, dims, bytes);
    long address = tensor.address();
    long live = NativeTensor.live();
    ColumnVector column = wrap(tensor, spec, ColumnTypes.DEFAULT, keptRows);
    DataType type = TensorColumns.columnType(spec, ColumnTypes.DEFAULT);
    assertThat(column.dataType()).isEqualTo(type);
    assertThat(ReferenceValues.readInEachWay(column, type, keptRows)).allMatch(expected::equals);
    if (bytes.length > 0) {
      assertThat(addressOf(column)).isEqualTo(address);
      assertThat(NativeTensor.live()).isEqualTo(live);
    }
    checkNativeElements(column, dtype, bytes, keptRows * width);
    checkElsewhere(spec, dims, bytes, keptRows, expected);
    ColumnVector retained = RetainedColumns.retain(column, allocator).orElseThrow();
    column.close();
    column.close();
    assertThat(retained.dataType()).isEqualTo(type);
    assertThat(ReferenceValues.readInEachWay(retained, type, keptRows)).allMatch(expected::equals);
    if (bytes.length > 0) {
      assertThat(addressOf(retained)).isEqualTo(address);
      assertThat(NativeTensor.live()).isEqualTo(live);
    }
    retained.close();
    retained.close();
    assertThat(NativeTensor.live()).isEqualTo(live - 1);
  }

  /** Where Spark has to widen, the tensor's own bytes can be had, over the same memory. */
  private void checkNativeElements(ColumnVector column, DType dtype, byte[] bytes, int elements) {
    Optional<TensorColumn> tensor = TensorColumn.under(column);
    assertThat(tensor.isPresent())
        .isEqualTo(WIDENED.contains(dtype))
        .isEqualTo(
            new TensorMetadata(dtype, TensorShape.UNKNOWN_DIM).isWidenedIn(column.dataType()));
    if (tensor.isEmpty()) {
      return;
    }
    int rows = column.dataType() instanceof ArrayType ? 2 : 1;
    assertThat(tensor.get().rowBytes() % dtype.byteSize()).isZero();
    int size = Math.min(elements * dtype.byteSize(), rows * tensor.get().rowBytes());
    int wholeRows = tensor.get().rowBytes() == 0 ? 0 : size / tensor.get().rowBytes();
    try (FieldVector vector =
        tensor.get().nativeVector(wholeRows, tensor.get().elements(), allocator)) {
      ArrowBuf nativeElements = leaf(vector).getDataBuffer();
      assertThat(vector.getValueCount()).isEqualTo(wholeRows);
      byte[] actualBytes = new byte[wholeRows * tensor.get().rowBytes()];
      nativeElements.getBytes(0, actualBytes);
      assertThat(actualBytes).isEqualTo(Arrays.copyOf(bytes, actualBytes.length));
      if (actualBytes.length > 0) {
        assertThat(nativeElements.memoryAddress())
            .isEqualTo(tensor.get().elements().memoryAddress());
      }
    }
  }

  private static FieldVector leaf(FieldVector vector) {
    return vector.getChildrenFromFields().isEmpty()
        ? vector
        : leaf(vector.getChildrenFromFields().get(0));
  }

  /** The same bytes at another place are the same column, which frees them. */
  private void checkElsewhere(
      TensorSpec spec, long[] dims, byte[] bytes, int keptRows, List<Object> expected) {
    if (spec.dtype() == DType.INT4 || spec.dtype() == DType.UINT4) {
      return;
    }
    long[] keptDims = dims.clone();
    keptDims[0] = keptRows;
    int size = (int) Dims.knownProduct(keptDims) * spec.dtype().byteSize();
    StructField field = TensorColumns.field(spec, "c", "m", "v", ColumnTypes.DEFAULT);
    ArrowBuf elements = allocator.buffer(Math.max(1, size));
    elements.setBytes(0, bytes, 0, size);
    ColumnVector column = TensorColumns.over(elements.slice(0, size), field, keptDims, allocator);
    assertThat(ReferenceValues.readInEachWay(column, field.dataType(), keptRows))
        .allMatch(expected::equals);
    column.close();
    column.close();

    ArrowBuf short1 = allocator.buffer(Math.max(1, size));
    assertThatThrownBy(
            () ->
                TensorColumns.over(
                    short1.slice(0, 0), field, Dims.withBatch(1, new long[] {1}), allocator))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({"3,-1 3", "6,-1 -1 2", "4,-1 -1 -1", "0,-1 -1"})
  void uint8RowsBecomeBinaryWithBytesOption(int width, String declared) {
    long[] shape = Stream.of(declared.split(" ")).mapToLong(Long::parseLong).toArray();
    long[] dims =
        switch (shape.length) {
          case 2 -> new long[] {ROWS, width};
          default -> new long[] {ROWS, width / 2, 2};
        };
    TensorSpec spec = spec(DType.UINT8, shape);
    byte[] bytes = bytes(new Random(5), DType.UINT8, dims);
    NativeTensor tensor = tensor(DType.UINT8, dims, bytes);
    long address = tensor.address();
    DataType type = TensorColumns.columnType(spec, BINARY);
    boolean struct = Dims.unknowns(spec.shape().rowDims()) > 1;
    assertThat(struct ? ((StructType) type).apply(0).dataType() : type)
        .isEqualTo(DataTypes.BinaryType);
    try (ColumnVector column = wrap(tensor, spec, BINARY, KEPT)) {
      assertThat(column.dataType()).isEqualTo(type);
      List<Object> expected = new ArrayList<>();
      for (int row = 0; row < KEPT; row++) {
        int from = row * width;
        ByteBuffer value = ByteBuffer.wrap(Arrays.copyOfRange(bytes, from, from + width));
        expected.add(struct ? List.of(value, List.of(String.valueOf(width / 2), "2")) : value);
      }
      assertThat(ReferenceValues.readInEachWay(column, type, KEPT)).allMatch(expected::equals);
      if (width > 0) {
        assertThat(addressOf(column)).isEqualTo(address);
      }
    }
  }

  @Test
  void uint8ScalarsStayNumbersWithBytesOption() {
    assertThat(TensorColumns.columnType(spec(DType.UINT8, -1), BINARY))
        .isEqualTo(DataTypes.ShortType);
    assertThat(TensorColumns.columnType(spec(DType.QUINT8, -1, 2), BINARY).catalogString())
        .isEqualTo("array<smallint>");
  }

  @Test
  void everyFloat16AndBfloat16IsWidenedExactly() {
    byte[] bytes = new byte[2 << Short.SIZE];
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, 1 << Short.SIZE).forEach(i -> all.putShort((short) i));
    for (DType dtype : List.of(DType.FLOAT16, DType.BFLOAT16)) {
      NativeTensor tensor = tensor(dtype, new long[] {1 << Short.SIZE}, bytes);
      try (ColumnVector column = wrap(tensor, spec(dtype, -1), ColumnTypes.DEFAULT, 1 << 16)) {
        for (int i = 0; i < 1 << Short.SIZE; i++) {
          assertThat((Object) Float.floatToRawIntBits(column.getFloat(i)))
              .isEqualTo(ReferenceValues.reference(dtype, bytes, i));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BOOL", "UINT8", "FLOAT16", "COMPLEX64", "UINT64"})
  void readAfterCloseFails(DType dtype) {
    NativeTensor tensor = tensor(dtype, new long[] {2}, new byte[2 * dtype.byteSize()]);
    ColumnVector column = wrap(tensor, spec(dtype, -1), ColumnTypes.DEFAULT, 2);
    column.close();
    DataType type = column.dataType();
    assertThatThrownBy(() -> ReferenceValues.readInEachWay(column, type, 2))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void readOfAnotherTypeFails() {
    NativeTensor tensor = tensor(DType.UINT8, new long[] {1}, new byte[1]);
    try (ColumnVector column = wrap(tensor, spec(DType.UINT8, -1), ColumnTypes.DEFAULT, 1)) {
      assertThatThrownBy(() -> column.getInt(0))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("smallint");
      assertThatThrownBy(() -> column.getArray(0))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void copiedArraysOutliveColumn() {
    assertThat(array(DType.BOOL, 1, 0, 1).toBooleanArray()).containsExactly(true, false, true);
    assertThat(array(DType.UINT8, 1, 0, 255).toShortArray()).containsExactly(1, 0, 255);
    assertThat(array(DType.UINT16, 255, 255, 1, 0).toIntArray()).containsExactly(65535, 1);
    assertThat(array(DType.UINT32, 255, 255, 255, 255).toLongArray()).containsExactly(4294967295L);
    assertThat(array(DType.FLOAT16, 0, 0x3c, 0, 0xc0).toFloatArray()).containsExactly(1, -2);
    assertThat(array(DType.INT4, 10, 7).toByteArray()).containsExactly(-6, 7);
    assertThat(array(DType.UINT4, 10, 7).toByteArray()).containsExactly(10, 7);
  }

  /** Returns the array of one row, whose memory is given back before it is read: it is a copy. */
  private ArrayData array(DType dtype, int... bytes) {
    byte[] row = new byte[bytes.length];
    IntStream.range(0, bytes.length).forEach(i -> row[i] = (byte) bytes[i]);
    NativeTensor tensor = tensor(dtype, new long[] {1, bytes.length / dtype.byteSize()}, row);
    try (ColumnVector column = wrap(tensor, spec(dtype, -1, -1), ColumnTypes.DEFAULT, 1)) {
      return column.getArray(0).copy();
    }
  }

  private ColumnVector wrap(NativeTensor tensor, TensorSpec spec, ColumnTypes types, int keptRows) {
    int rows = (int) tensor.dims()[0];
    return TensorColumns.wrap(tensor, spec, "out", rows, keptRows, types, allocator);
  }

  private static byte[] bytes(Random random, DType dtype, long[] dims) {
    byte[] bytes = new byte[(int) Dims.knownProduct(dims) * dtype.byteSize()];
    random.nextBytes(bytes);
    for (int i = 0; i < bytes.length; i++) {
      int mask =
          switch (dtype) {
            case BOOL -> 1;
            case INT4, UINT4 -> 15;
            default -> -1;
          };
      bytes[i] = (byte) (bytes[i] & mask);
    }
    return bytes;
  }

  private static NativeTensor tensor(DType dtype, long[] dims, byte[] bytes) {
    NativeTensor tensor = NativeTensor.allocate(dtype, dims);
    assertThat(tensor.byteSize()).isEqualTo(bytes.length);
    Platform.copyMemory(
        bytes, Platform.BYTE_ARRAY_OFFSET, null, tensor.address(), tensor.byteSize());
    return tensor;
  }

  private static long addressOf(ColumnVector column) {
    ColumnVector at = column;
    while (!(at instanceof ArrowColumnVector) && !(at instanceof WidenedElements)) {
      at = at.getChild(0);
    }
    return at instanceof WidenedElements widened
        ? widened.memory.memoryAddress()
        : addressOf(((ArrowColumnVector) at).getValueVector());
  }

  private static long addressOf(ValueVector vector) {
    if (vector instanceof StructVector struct) {
      return addressOf(struct.getChild("data"));
    }
    if (vector instanceof ListVector list) {
      return addressOf(list.getDataVector());
    }
    return vector.getDataBuffer().memoryAddress();
  }

  private static Stream<DType> plain() {
    return Arrays.stream(DType.values()).filter(d -> d.byteSize() > 0 && d != DType.STRING);
  }
}
