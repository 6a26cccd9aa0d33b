package io.tensorarrow.spark.tensor.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.spark.sql.execution.vectorized.ConstantColumnVector;
import org.apache.spark.sql.execution.vectorized.Dictionary;
import org.apache.spark.sql.execution.vectorized.OffHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.internal.c_api.global.tensorflow;

/** Strings and binaries are fed byte by byte from each kind of column. */
final class FeedStringsTest extends NativeMemoryTestBase {
  @Test
  void binaryFeedsUint8() {
    List<byte[]> rows = List.of(new byte[] {1, -1, 0, 4}, new byte[] {5, 6, 7, -128});
    for (Strings kind : Strings.values()) {
      try (ColumnVector column = strings(kind, DataTypes.BinaryType, rows);
          NativeTensor tensor =
              TestFeeds.feed(spec(DType.UINT8, -1, 2, 2), DataTypes.BinaryType, column, 2)) {
        byte[] bytes = new byte[8];
        Platform.copyMemory(null, tensor.address(), bytes, Platform.BYTE_ARRAY_OFFSET, 8);
        assertThat(bytes).as("%s", kind).containsExactly(1, -1, 0, 4, 5, 6, 7, -128);
      }
      try (ColumnVector column = strings(kind, DataTypes.BinaryType, rows)) {
        assertThatThrownBy(
                () -> TestFeeds.feed(spec(DType.UINT8, -1, 5), DataTypes.BinaryType, column, 2))
            .hasMessageContainingAll("TA_INPUT_SHAPE", "length 4");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Strings.class)
  void stringsKeepEveryByte(Strings kind) {
    Random random = new Random(5);
    for (DataType type : List.of(DataTypes.StringType, DataTypes.BinaryType)) {
      List<byte[]> rows = new ArrayList<>();
      for (int i = 0; i < 9000; i++) {
        byte[] bytes = new byte[i < 101 ? i : random.nextInt(100)];
        random.nextBytes(bytes);
        if (bytes.length > 0) {
          bytes[random.nextInt(bytes.length)] = 0;
        }
        rows.add(i > 200 && random.nextBoolean() ? rows.get(random.nextInt(200)) : bytes);
      }
      rows.set(7000, new byte[3_000_000]);
      try (ColumnVector column = strings(kind, type, rows);
          NativeTensor tensor = TestFeeds.feed(spec(DType.STRING, -1), type, column, rows.size())) {
        assertStrings(tensor, rows);
        assertThat(NativeTensor.liveStringBytes()).isEqualTo(tensor.byteSize());
      }
    }
  }

  @Test
  void nestedStringsKeepOrder() {
    DataType arrays = DataTypes.createArrayType(DataTypes.StringType);
    try (WritableColumnVector column = new OffHeapColumnVector(2, arrays)) {
      List<byte[]> expected = new ArrayList<>();
      for (int row = 0; row < 2; row++) {
        column.appendArray(4);
        for (int i = 0; i < 4; i++) {
          byte[] text = "x".repeat(20 + i + row).getBytes(java.nio.charset.StandardCharsets.UTF_8);
          column.arrayData().appendByteArray(text, 0, text.length);
          expected.add(text);
        }
      }
      try (NativeTensor tensor = TestFeeds.feed(spec(DType.STRING, -1, 2, 2), arrays, column, 2)) {
        assertThat(tensor.dims()).containsExactly(2, 2, 2);
        assertStrings(tensor, expected);
      }
    }
  }

  @Test
  void constantAndEmptyStringColumnsAreFed() {
    try (ConstantColumnVector column = new ConstantColumnVector(3, DataTypes.StringType)) {
      column.setUtf8String(UTF8String.fromString("part=1"));
      column.setNotNull();
      try (NativeTensor tensor =
          TestFeeds.feed(spec(DType.STRING, -1), DataTypes.StringType, column, 3)) {
        byte[] text = {'p', 'a', 'r', 't', '=', '1'};
        assertStrings(tensor, List.of(text, text, text));
      }
      try (NativeTensor none =
          TestFeeds.feed(spec(DType.STRING, -1), DataTypes.StringType, column, 0)) {
        assertThat(none.elementCount()).isZero();
      }
    }
  }

  @Test
  void failedStringFeedFreesMemory() {
    try (WritableColumnVector column = new OnHeapColumnVector(2, DataTypes.StringType)) {
      column.appendByteArray(new byte[50], 0, 50);
      column.appendNull();
      assertThatThrownBy(
              () -> TestFeeds.feed(spec(DType.STRING, -1), DataTypes.StringType, column, 2))
          .hasMessageContainingAll("TA_NULL_INPUT", "row 1");
    }
    assertThat(NativeTensor.liveStringBytes()).isZero();
  }

  private static void assertStrings(NativeTensor tensor, List<byte[]> expected) {
    assertThat(tensor.elementCount()).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      TF_TString string = new TF_TString(new At(tensor.address() + 24L * i));
      long size = tensorflow.TF_TString_GetSize(string);
      assertThat(size).isEqualTo(expected.get(i).length);
      long text = tensorflow.TF_TString_GetDataPointer(string).address();
      byte[] bytes = new byte[(int) size];
      Platform.copyMemory(null, text, bytes, Platform.BYTE_ARRAY_OFFSET, size);
      assertThat(Arrays.equals(bytes, expected.get(i))).as("string %s", i).isTrue();
      assertThat(Platform.getByte(null, text + size)).as("NUL behind string %s", i).isZero();
    }
  }

  private enum Strings {
    ON_HEAP,
    OFF_HEAP,
    DICTIONARY,
    ARROW
  }

  private ColumnVector strings(Strings kind, DataType type, List<byte[]> rows) {
    return switch (kind) {
      case ON_HEAP -> filled(new OnHeapColumnVector(1, type), rows);
      case OFF_HEAP -> filled(new OffHeapColumnVector(1, type), rows);
      case DICTIONARY -> {
        WritableColumnVector column = new OnHeapColumnVector(rows.size(), type);
        WritableColumnVector ids = column.reserveDictionaryIds(rows.size());
        for (int i = 0; i < rows.size(); i++) {
          ids.putInt(i, rows.indexOf(rows.get(i)));
        }
        column.setDictionary(new Entries(rows));
        yield column;
      }
      case ARROW -> {
        if (type.equals(DataTypes.StringType)) {
          VarCharVector vector = new VarCharVector("c", allocator);
          for (int i = 0; i < rows.size(); i++) {
            vector.setSafe(i, rows.get(i));
          }
          vector.setValueCount(rows.size());
          yield new ArrowColumnVector(vector);
        }
        VarBinaryVector vector = new VarBinaryVector("c", allocator);
        for (int i = 0; i < rows.size(); i++) {
          vector.setSafe(i, rows.get(i));
        }
        vector.setValueCount(rows.size());
        yield new ArrowColumnVector(vector);
      }
    };
  }

  private static ColumnVector filled(WritableColumnVector column, List<byte[]> rows) {
    rows.forEach(bytes -> column.appendByteArray(bytes, 0, bytes.length));
    return column;
  }

  private record Entries(List<byte[]> entries) implements Dictionary {
    @Override
    public int decodeToInt(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long decodeToLong(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public float decodeToFloat(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public double decodeToDouble(int id) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] decodeToBinary(int id) {
      return entries.get(id);
    }
  }

  /** An address in JavaCPP's words. */
  private static final class At extends BytePointer {
    At(long address) {
      super((org.bytedeco.javacpp.Pointer) null);
      this.address = address;
    }
  }
}
