package io.tensorarrow.spark.columnar;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.columnar.BatchGatherer.Gathered;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.unsafe.types.CalendarInterval;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchGathererTest {
  private static final StructType SCHEMA =
      new StructType()
          .add("n", DataTypes.IntegerType)
          .add("bytes", DataTypes.BinaryType)
          .add("when", DataTypes.CalendarIntervalType);

  private static final int KILOBYTE = 1024;

  private final List<Integer> numbers = new ArrayList<>();
  private final List<String> calls = new ArrayList<>();
  private final RowCollector collector = new RowCollector(SCHEMA, 1 << 20);

  /** Gives a batch with the numbers from one on, as a source that reuses its columns. */
  private ColumnarBatch batch(int first, int rows, int bytes) {
    collector.clear();
    for (int n = first; n < first + rows; n++) {
      Object when = n % 3 == 0 ? null : new CalendarInterval(n, n, n);
      collector.add(new GenericInternalRow(new Object[] {n, new byte[bytes], when}));
    }
    return collector.batch();
  }

  /** Takes what there is, and notes it as {@code rows}, with a {@code c} if it was copied. */
  private void drain(BatchGatherer<String> gatherer, ColumnVector sourceColumn) {
    for (Gathered<String> next = gatherer.next(); next != null; next = gatherer.next()) {
      RowSelection rows = next.rows();
      boolean copied = next.columns().column(0) != sourceColumn;
      calls.add(rows.size() + (copied ? "c" : ""));
      for (int i = 0; i < rows.size(); i++) {
        InternalRow row = next.columns().getRow(rows.at(i));
        numbers.add(row.getInt(0));
        CalendarInterval when = row.getInterval(2);
        if (row.getInt(0) % 3 == 0) {
          assertThat(row.isNullAt(2)).isTrue();
        } else {
          assertThat(requireNonNull(when).months).isEqualTo(row.getInt(0));
        }
      }
    }
  }

  /** Rows of source batches, and the calls that become of them, of at most 10 rows. */
  @ParameterizedTest
  @CsvSource({
    "10 10, 10 10",
    "25, 10 10 5",
    "24, 10 10 4c",
    "3 3 3 3, 10c 2c",
    "4 5, 4c 5",
    "4 6, 4c 6",
    "4 7, 4c 7",
    "4 14, 4c 10 4c",
    "6 4 4, 6 8c",
    "0 1 0 9 0, 1c 9",
    "4 3 8 2, 10c 5 2c",
  })
  void fewRowsWaitAndManyDoNot(String batches, String expected) {
    try (BatchGatherer<String> gatherer = new BatchGatherer<>(SCHEMA, 10, 5)) {
      int total = 0;
      for (String rows : batches.split(" ", -1)) {
        ColumnarBatch batch = batch(total, Integer.parseInt(rows), 1);
        gatherer.offer(batch, RowSelection.range(0, batch.numRows()), "");
        total += batch.numRows();
        drain(gatherer, batch.column(0));
      }
      gatherer.end();
      drain(gatherer, collector.batch().column(0));

      assertThat(numbers).isEqualTo(IntStream.range(0, total).boxed().toList());
      assertThat(String.join(" ", calls)).isEqualTo(expected);
    }
  }

  @Test
  void lastRowsDoNotWait() {
    try (BatchGatherer<String> gatherer = new BatchGatherer<>(SCHEMA, 10, 5)) {
      ColumnarBatch batch = batch(0, 3, 1);
      gatherer.offer(batch, RowSelection.range(0, 3), "");
      gatherer.end();
      drain(gatherer, batch.column(0));

      assertThat(calls).containsExactly("3");
    }
  }

  @Test
  void rowsKnowWhereTheyAreFrom() {
    try (BatchGatherer<String> gatherer = new BatchGatherer<>(SCHEMA, 6, 6)) {
      gatherer.offer(batch(0, 10, 1), RowSelection.of(new int[] {2, 5, 7}, 3), "a");
      assertThat(gatherer.next()).isNull();
      gatherer.offer(batch(10, 10, 1), RowSelection.of(new int[] {1, 3, 4, 6, 7, 8, 9}, 7), "b");
      Gathered<String> gathered = requireNonNull(gatherer.next());

      assertThat(gathered.origin(1)).extracting(part -> part.place()).isEqualTo("a");
      assertThat(gathered.origin(1).rows().at(0)).isEqualTo(5);
      assertThat(gathered.origin(5)).extracting(part -> part.place()).isEqualTo("b");
      assertThat(gathered.origin(5).rows().at(0)).isEqualTo(4);
      gatherer.end();
      gathered = requireNonNull(gatherer.next());
      assertThat(gathered.origin(7).rows().at(0)).isEqualTo(7);
      assertThat(gatherer.next()).isNull();
    }
  }

  @Test
  void wideRowsWaitUntilTheirBytesAreEnoughAndThenNotAgain() {
    try (BatchGatherer<String> gatherer = new BatchGatherer<>(SCHEMA, 1 << 20, 1 << 19)) {
      for (int i = 0; i < 3; i++) {
        ColumnarBatch batch = batch(500 * i, 500, 100 * KILOBYTE);
        gatherer.offer(batch, RowSelection.range(0, batch.numRows()), "");
        drain(gatherer, batch.column(0));
      }
      gatherer.end();
      drain(gatherer, collector.batch().column(0));

      assertThat(numbers).isEqualTo(IntStream.range(0, 1500).boxed().toList());
      assertThat(calls).containsExactly("384c", "116c", "500", "500");
    }
  }

  @Test
  void tensorsThatPythonMayWantAreNotCopied() {
    StructType schema = new StructType().add("bytes", DataTypes.ShortType);
    ColumnVector tensor = new SelectedColumn(new UnsignedBytes(), RowSelection.range(0, 3));
    try (BatchGatherer<String> gatherer = new BatchGatherer<>(schema, 10, 5)) {
      gatherer.offer(
          new ColumnarBatch(new ColumnVector[] {tensor}, 3), RowSelection.range(0, 3), "");

      assertThat(requireNonNull(gatherer.next()).columns().column(0)).isSameAs(tensor);
    }
  }

  /** Another model's output of a type that Spark has not. */
  private static final class UnsignedBytes extends TensorVector implements TensorColumn {
    UnsignedBytes() {
      super(DataTypes.ShortType);
    }

    @Override
    public Optional<TensorColumn> tensor() {
      return Optional.of(this);
    }

    @Override
    public DType dtype() {
      return DType.UINT8;
    }

    @Override
    public int width() {
      return 1;
    }

    @Override
    public ArrowBuf elements() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FieldVector nativeVector(int rows, ArrowBuf elements, BufferAllocator allocator) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}
