package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.DeclaredColumns;
import io.tensorarrow.spark.tensor.vector.BorrowedColumn;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Opens what functions reply that change tensors in place: columns that lie where they were sent,
 * and others as Arrow. The package's description has the layout.
 *
 * <p>Owns the batch that it opened last, until the next one or {@link #close}.
 */
final class InPlaceReplies implements AutoCloseable {
  private static final int HEADER_BYTES = 24;
  private static final int COLUMN_BYTES = 24;
  private static final int NOT_SHARED = -1;

  private final StructType output;
  private final DeclaredColumns declared;
  private final TaskLeases leases;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;
  private final List<AutoCloseable> open = new ArrayList<>();

  /**
   * @param output the columns that the function returns
   * @param declared makes these of what came as Arrow
   * @param leases the leases that the worker has
   */
  InPlaceReplies(
      StructType output,
      DeclaredColumns declared,
      TaskLeases leases,
      HandoverCounters counters,
      BufferAllocator allocator) {
    this.output = output;
    this.declared = declared;
    this.leases = leases;
    this.counters = counters;
    this.allocator = allocator;
  }

  /** Whether what a worker sent is in an envelope. */
  static boolean isEnvelope(List<FieldVector> columns) {
    return !columns.isEmpty() && columns.get(0).getName().equals(EnvelopeSink.COLUMN.getName());
  }

  /**
   * Opens an envelope.
   *
   * @param envelope the header and what is not shared, of one row
   * @return a batch that is valid until the next one is opened
   * @throws TensorArrowException with {@link ErrorCode#TA_HANDOVER} if it is not what was agreed,
   *     or {@link ErrorCode#TA_RESULT_TYPE} if a column does not fit what was declared
   */
  ColumnarBatch opened(List<FieldVector> envelope) throws IOException {
    close();
    if (envelope.size() != 2
        || !(envelope.get(0) instanceof VarBinaryVector head)
        || !(envelope.get(1) instanceof VarBinaryVector data)
        || head.getValueCount() != 1
        || head.isNull(0)
        || data.isNull(0)) {
      throw refused("columns " + envelope, "a header and data");
    }
    ByteBuffer header = ByteBuffer.wrap(head.get(0)).order(ByteOrder.LITTLE_ENDIAN);
    if (header.remaining() < HEADER_BYTES) {
      throw refused("a header of " + header.remaining() + " bytes", "a whole one");
    }
    int rows = header.getInt();
    int columns = header.getInt();
    int dropped = header.getInt();
    header.getInt();
    counters.copiedInPlace(header.getLong());
    long expected = (long) columns * COLUMN_BYTES + (long) dropped * Long.BYTES;
    if (rows < 0 || columns != output.size() || dropped < 0 || header.remaining() != expected) {
      throw refused(
          "%d rows of %d columns, %d bytes left".formatted(rows, columns, header.remaining()),
          output.size() + " columns");
    }
    byte[] sent = data.get(0);
    ColumnVector[] vectors = new ColumnVector[columns];
    for (int i = 0; i < columns; i++) {
      TaskLeases.Place place = new TaskLeases.Place(header.getInt(), header.getInt());
      long offset = header.getLong();
      long length = header.getLong();
      vectors[i] =
          place.segment() == NOT_SHARED
              ? inArrow(sent, offset, length, rows, i)
              : inPlace(place, output.fields()[i], rows);
    }
    for (int i = 0; i < dropped; i++) {
      takenBack(new TaskLeases.Place(header.getInt(), header.getInt())).letGo();
    }
    return new ColumnarBatch(vectors, rows);
  }

  private ColumnVector inPlace(TaskLeases.Place place, StructField declared, int rows) {
    InPlaceTensor found = takenBack(place);
    // Which says nothing of nulls.
    String type = found.field().dataType().catalogString();
    if (found.dims().get(0) != rows || !type.equals(declared.dataType().catalogString())) {
      found.letGo();
      throw refused(
          "%d rows of %s in segment %d".formatted(found.dims().get(0), type, place.segment()),
          "%d rows of %s".formatted(rows, declared.dataType().catalogString()));
    }
    ColumnVector column = found.column(allocator);
    open.add(column);
    counters.returnedInPlace(found.bytes());
    return column;
  }

  private InPlaceTensor takenBack(TaskLeases.Place place) {
    return leases
        .takeBack(place)
        .orElseThrow(() -> refused(place.toString(), "a segment that the worker was lent, once"));
  }

  private ColumnVector inArrow(byte[] data, long offset, long length, int rows, int ordinal)
      throws IOException {
    if (offset < 0 || length < 0 || offset > data.length - length) {
      throw refused("%d bytes at %d".formatted(length, offset), "a part of " + data.length);
    }
    ReplyStream stream =
        new ReplyStream(new ByteArrayInputStream(data, (int) offset, (int) length), allocator);
    open.add(stream);
    if (!stream.loadNextBatch()
        || stream.sent().size() != 1
        || stream.getVectorSchemaRoot().getRowCount() != rows) {
      throw refused("another batch", rows + " rows of one column");
    }
    ArrowColumns columns =
        declared.ofOne(stream.getVectorSchemaRoot().getVector(0), stream.sent().get(0), ordinal);
    open.add(columns);
    return new BorrowedColumn(columns.vectors().get(0));
  }

  private static TensorArrowException refused(String found, String expected) {
    return new TensorArrowException(
        ErrorCode.TA_HANDOVER,
        "Cannot take back what was changed in place: found %s; expected %s"
            .formatted(found, expected));
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.remove(open.size() - 1).close();
      } catch (Exception e) {
        throw new IllegalStateException("closing what a worker replied", e);
      }
    }
  }
}
