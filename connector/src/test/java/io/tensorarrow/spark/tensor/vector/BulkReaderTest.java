package io.tensorarrow.spark.tensor.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.PlainType;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values of fixed width are copied from each kind of vector. */
final class BulkReaderTest extends NativeMemoryTestBase {
  private static final int START = 3;

  /** Below and above the length of a short run, and beyond one chunk. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 20_000})
  void valuesOfEachTypeAndVectorAreCopied(int count) {
    List<Integer> values = IntStream.range(0, START + count).map(i -> i % 100).boxed().toList();
    for (PlainType type : PlainType.values()) {
      BulkReader reader = BulkReader.of(type.sparkType()).orElseThrow();
      assertThat(reader.width()).isEqualTo(type.dtype().byteSize());
      for (TestVectors.Kind kind : TestVectors.Kind.values()) {
        try (ColumnVector column = TestVectors.of(kind, type.sparkType(), values, allocator);
            ArrowBuf buffer = allocator.buffer((1L + count) * reader.width())) {
          reader.read(column, START, count, buffer, reader.width());

          for (int i = 0; i < count; i++) {
            assertThat(value(buffer, type, 1 + i))
                .as("%s %s %s", type, kind, i)
                .isEqualTo(values.get(START + i).doubleValue());
          }
        }
      }
    }
  }

  private static double value(ArrowBuf buffer, PlainType type, int index) {
    return switch (type) {
      case BYTE -> buffer.getByte(index);
      case SHORT -> buffer.getShort((long) index * Short.BYTES);
      case INT -> buffer.getInt((long) index * Integer.BYTES);
      case LONG -> buffer.getLong((long) index * Long.BYTES);
      case FLOAT -> buffer.getFloat((long) index * Float.BYTES);
      case DOUBLE -> buffer.getDouble((long) index * Double.BYTES);
    };
  }

  @ParameterizedTest
  @EnumSource(TestVectors.Kind.class)
  void rowsBeyondTheEndOfBufferAreRefused(TestVectors.Kind kind) {
    List<Integer> values = List.of(1, 2, 3);
    try (ColumnVector column = TestVectors.of(kind, DataTypes.LongType, values, allocator);
        ArrowBuf buffer = allocator.buffer(16)) {
      assertThatThrownBy(() -> BulkReader.LONGS.read(column, 0, 3, buffer, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void typesWithoutFixedWidthHaveNoReader() {
    assertThat(BulkReader.of(DataTypes.StringType)).isEmpty();
    assertThat(BulkReader.of(DataTypes.createDecimalType(10, 0))).isEmpty();
    assertThat(BulkReader.of(DataTypes.DateType)).contains(BulkReader.INTS);
    assertThat(BulkReader.of(DataTypes.TimestampType)).contains(BulkReader.LONGS);
  }
}
