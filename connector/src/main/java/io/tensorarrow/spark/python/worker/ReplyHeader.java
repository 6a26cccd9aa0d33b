package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The header of a reply of a function that changes tensors in place. The Python module has a class
 * of the same name.
 *
 * @param rows the number of rows that the function returned
 * @param copiedBytes how many bytes the worker copied because views of tensors were kept
 * @param columns the declared columns, in order
 * @param notReturned the leases of tensors that are not among the columns
 */
record ReplyHeader(int rows, long copiedBytes, List<Column> columns, List<LeaseId> notReturned) {
  /** The segment of columns that are not in one. */
  private static final int NOT_IN_PLACE = -1;

  ReplyHeader {
    columns = List.copyOf(columns);
    notReturned = List.copyOf(notReturned);
  }

  /**
   * Where a column is.
   *
   * @param lease the lease of the tensor that it is; empty if it is in the data of the reply
   * @param offset where in the data its Arrow stream begins
   * @param length how many bytes the stream has
   */
  record Column(Optional<LeaseId> lease, long offset, long length) {}

  /**
   * Reads a header.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_HANDOVER} if the bytes are no header of
   *     so many columns
   */
  static ReplyHeader parse(byte[] bytes, int expectedColumns) {
    if (bytes.length < Envelopes.REPLY_HEADER_BYTES) {
      throw invalid("a header of " + bytes.length + " bytes", "a complete header");
    }
    ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int rows = header.getInt();
    int columnCount = header.getInt();
    int notReturnedCount = header.getInt();
    // A gap that aligns the next number.
    header.getInt();
    long copiedBytes = header.getLong();
    long expectedBytes =
        (long) columnCount * Envelopes.REPLY_COLUMN_BYTES
            + (long) notReturnedCount * Envelopes.REPLY_LEASE_BYTES;
    if (rows < 0
        || columnCount != expectedColumns
        || notReturnedCount < 0
        || header.remaining() != expectedBytes) {
      throw invalid(
          rows + " rows of " + columnCount + " columns, " + header.remaining() + " bytes left",
          expectedColumns + " columns");
    }
    List<Column> columns = new ArrayList<>();
    for (int i = 0; i < columnCount; i++) {
      LeaseId lease = new LeaseId(header.getInt(), header.getInt());
      boolean inPlace = lease.segment() != NOT_IN_PLACE;
      columns.add(
          new Column(
              inPlace ? Optional.of(lease) : Optional.empty(), header.getLong(), header.getLong()));
    }
    List<LeaseId> notReturned = new ArrayList<>();
    for (int i = 0; i < notReturnedCount; i++) {
      notReturned.add(new LeaseId(header.getInt(), header.getInt()));
    }
    return new ReplyHeader(rows, copiedBytes, columns, notReturned);
  }

  /** Returns the error of a reply that is not what the protocol says. */
  static TensorArrowException invalid(String found, String expected) {
    return TensorArrowException.cannot(ErrorCode.TA_HANDOVER, "take back what was changed in place")
        .found("%s", found)
        .expected("%s", expected);
  }
}
