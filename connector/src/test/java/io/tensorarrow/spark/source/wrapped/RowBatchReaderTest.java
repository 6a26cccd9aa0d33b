package io.tensorarrow.spark.source.wrapped;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.columnar.RowCollector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayBasedMapData;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowBatchReaderTest {
  private static final int MEGABYTE = 1 << 20;

  /** A number of equal rows. */
  // Nobody compares them.
  @SuppressWarnings("ArrayRecordComponent")
  private record Rows(int[] left, InternalRow row) implements PartitionReader<InternalRow> {
    @Override
    public boolean next() {
      return left[0]-- > 0;
    }

    @Override
    public InternalRow get() {
      return row;
    }

    @Override
    public void close() {}
  }

  private static List<Integer> batches(int rows, String column, Object value) throws IOException {
    Rows source = new Rows(new int[] {rows}, new GenericInternalRow(new Object[] {1L, value}));
    List<Integer> sizes = new ArrayList<>();
    try (RowBatchReader reader =
        new RowBatchReader(source, StructType.fromDDL("id bigint, c " + column))) {
      while (reader.next()) {
        sizes.add(reader.get().numRows());
      }
    }
    return sizes;
  }

  @Test
  void smallRowsFillBatchesUpToTheRowLimit() throws IOException {
    assertThat(batches(2 * RowCollector.BATCH_ROWS + 1, "int", 7))
        .containsExactly(RowCollector.BATCH_ROWS, RowCollector.BATCH_ROWS, 1);
  }

  /** Of rows of a megabyte, 4096 are more than one of Spark's vectors can hold. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "binary",
        "string",
        "array<double>",
        "array<array<binary>>",
        "struct<a:int,b:struct<c:binary>>",
        "map<string,binary>"
      })
  void largeRowsLimitBatchesByBytes(String column) throws IOException {
    byte[] bytes = new byte[MEGABYTE];
    ArrayData inner = new GenericArrayData(new Object[] {bytes});
    Object value =
        switch (column) {
          case "binary" -> bytes;
          case "string" -> UTF8String.fromBytes(bytes);
          case "array<double>" -> ArrayData.toArrayData(new double[MEGABYTE / Double.BYTES]);
          case "array<array<binary>>" -> new GenericArrayData(new Object[] {inner});
          case "map<string,binary>" ->
              new ArrayBasedMapData(
                  new GenericArrayData(new Object[] {UTF8String.fromString("k")}), inner);
          default ->
              new GenericInternalRow(
                  new Object[] {1, new GenericInternalRow(new Object[] {bytes})});
        };
    int maxRows = (int) (RowCollector.BATCH_BYTES / MEGABYTE);

    assertThat(batches(2 * maxRows + 3, column, value)).containsExactly(maxRows, maxRows, 3);
  }
}
