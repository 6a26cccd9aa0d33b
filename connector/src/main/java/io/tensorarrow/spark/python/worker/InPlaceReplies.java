package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.DeclaredColumns;
import io.tensorarrow.spark.tensor.vector.BorrowedColumn;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Opens the replies of functions that change tensors in place: columns in the segments in which
 * they were sent, and others as Arrow. {@link ReplyHeader} has the layout.
 *
 * <p>Owns the batch that it opened last, until the next one or {@link #close}.
 */
final class InPlaceReplies implements AutoCloseable {
  private final StructType output;
  private final DeclaredColumns declared;
  private final TaskLeases leases;
  private final HandoverCounters counters;
  private final BufferAllocator allocator;
  private final List<AutoCloseable> resources = new ArrayList<>();

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
    return !columns.isEmpty() && columns.get(0).getName().equals(Envelopes.COLUMN_NAME);
  }

  /**
   * Opens a reply.
   *
   * @param envelope the header and the data of columns that are not in place, of one row
   * @return a batch that is valid until the next one is opened
   * @throws TensorArrowException with {@link ErrorCode#TA_HANDOVER} if it is not what was agreed,
   *     or {@link ErrorCode#TA_RESULT_TYPE} if a column does not fit what was declared
   */
  ColumnarBatch open(List<FieldVector> envelope) throws IOException {
    close();
    if (envelope.size() != 2
        || !(envelope.get(0) instanceof VarBinaryVector head)
        || !(envelope.get(1) instanceof VarBinaryVector data)
        || head.getValueCount() != 1
        || head.isNull(0)
        || data.isNull(0)) {
      throw ReplyHeader.invalid("columns " + envelope, "a header and data");
    }
    ReplyHeader header = ReplyHeader.parse(head.get(0), output.size());
    counters.copiedInPlace(header.copiedBytes());
    byte[] sentData = data.get(0);
    ColumnVector[] vectors = new ColumnVector[output.size()];
    for (int i = 0; i < vectors.length; i++) {
      ReplyHeader.Column column = header.columns().get(i);
      Optional<LeaseId> lease = column.lease();
      vectors[i] =
          lease.isPresent()
              ? columnInPlace(lease.get(), output.fields()[i], header.rows())
              : columnInData(sentData, column.offset(), column.length(), header.rows(), i);
    }
    for (LeaseId lease : header.notReturned()) {
      takeBack(lease).release();
    }
    return new ColumnarBatch(vectors, header.rows());
  }

  private ColumnVector columnInPlace(LeaseId lease, StructField declaredField, int rows) {
    InPlaceTensor tensor = takeBack(lease);
    // Catalog strings say nothing of nulls, in which the two may differ.
    String actualType = tensor.field().dataType().catalogString();
    String declaredType = declaredField.dataType().catalogString();
    long actualRows = tensor.dims().get(0);
    if (actualRows != rows || !actualType.equals(declaredType)) {
      tensor.release();
      throw ReplyHeader.invalid(
          actualRows + " rows of " + actualType + " in segment " + lease.segment(),
          rows + " rows of " + declaredType);
    }
    ColumnVector column = tensor.column(allocator);
    resources.add(column);
    counters.returnedInPlace(tensor.bytes());
    return column;
  }

  private InPlaceTensor takeBack(LeaseId lease) {
    return leases
        .takeBack(lease)
        .orElseThrow(
            () ->
                ReplyHeader.invalid(
                    "segment %d of generation %d".formatted(lease.segment(), lease.generation()),
                    "a segment that this task has leased to the worker, named once"));
  }

  private ColumnVector columnInData(byte[] data, long offset, long length, int rows, int ordinal)
      throws IOException {
    if (offset < 0 || length < 0 || offset > data.length - length) {
      throw ReplyHeader.invalid(length + " bytes at " + offset, "a part of " + data.length);
    }
    ReplyStream stream =
        new ReplyStream(new ByteArrayInputStream(data, (int) offset, (int) length), allocator);
    resources.add(stream);
    if (!stream.loadNextBatch()
        || stream.sentFields().size() != 1
        || stream.getVectorSchemaRoot().getRowCount() != rows) {
      throw ReplyHeader.invalid("another batch", rows + " rows of one column");
    }
    ArrowColumns columns =
        declared.convertOne(
            stream.getVectorSchemaRoot().getVector(0), stream.sentFields().get(0), ordinal);
    resources.add(columns);
    return new BorrowedColumn(columns.vectors().get(0));
  }

  @Override
  public void close() {
    while (!resources.isEmpty()) {
      try {
        resources.remove(resources.size() - 1).close();
      } catch (Exception e) {
        throw new IllegalStateException("closing what a worker replied", e);
      }
    }
  }
}
