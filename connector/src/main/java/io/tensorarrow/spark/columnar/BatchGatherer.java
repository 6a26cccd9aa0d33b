package io.tensorarrow.spark.columnar;

import static java.util.Objects.requireNonNull;

import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.jspecify.annotations.Nullable;

/**
 * Divides rows into the batches of model calls, across the batches that a source gives. A source
 * reuses its columns, so rows that have to wait for others are copied; many are enough for a call
 * without them, and are never copied.
 *
 * <p>Owns the copies, which stay on the heap until it is closed; not thread-safe.
 *
 * @param <P> what says where the rows of a source's batch are from
 */
public final class BatchGatherer<P> implements AutoCloseable {
  /** After so many copied rows it looks whether their bytes are enough for a batch. */
  private static final int COPIED_AT_ONCE = 64;

  private final StructType schema;
  private final int maxRows;
  private int enoughRows;

  /** Whether rows of the offered batch may be copied at all. */
  private boolean copies;

  /** Made when there is something to copy. */
  private @Nullable RowCopier waiting;

  private List<Part<P>> waitingParts = new ArrayList<>();

  private @Nullable Part<P> offered;
  private @Nullable ColumnarBatch offeredBatch;
  private int offeredUsed;
  private boolean ended;
  private boolean returnedWaiting;

  /**
   * A batch for one model call.
   *
   * @param columns the source's columns or copies, valid until the next batch is asked for
   * @param rows which rows
   * @param parts where they are from, in order
   */
  public record Gathered<P>(ColumnarBatch columns, RowSelection rows, List<Part<P>> parts) {
    /** Returns where the row of this number in {@code columns} is from. */
    public Part<P> origin(int row) {
      int left = 0;
      while (rows.at(left) != row) {
        left++;
      }
      for (Part<P> part : parts) {
        if (left < part.rows().size()) {
          return part.slice(left, 1);
        }
        left -= part.rows().size();
      }
      throw new IllegalStateException("no origin of row " + row);
    }
  }

  /**
   * Rows of one of the source's batches.
   *
   * @param place where the source's batch is from
   * @param rows which of its rows
   */
  public record Part<P>(P place, RowSelection rows) {
    private Part<P> slice(int from, int size) {
      return new Part<>(place, rows.slice(from, size));
    }

    /** A batch's selection would be kept for each of the few rows that it has to offer. */
    private Part<P> compacted() {
      return new Part<>(place, rows.compacted());
    }
  }

  /**
   * Prepares to gather.
   *
   * @param schema the columns of the source's batches
   * @param maxRows the most rows of a call
   * @param enoughRows so many rows of one source batch are a call of their own, though not a full
   *     one; fewer are copied
   */
  public BatchGatherer(StructType schema, int maxRows, int enoughRows) {
    this.schema = schema;
    this.maxRows = maxRows;
    this.enoughRows = enoughRows;
  }

  /**
   * Takes the source's next batch. Before, {@link #next} must have returned null. Rows with tensors
   * of types that Spark lacks do not wait.
   *
   * @param batch valid until {@code next} returns null again
   * @param rows which of its rows to run, perhaps none
   */
  public void offer(ColumnarBatch batch, RowSelection rows, P place) {
    offeredBatch = batch;
    offered = new Part<>(place, rows);
    offeredUsed = 0;
    copies = !holdsTensors(batch);
  }

  /** Python functions may expect another model's outputs as the tensors that they are. */
  private static boolean holdsTensors(ColumnarBatch batch) {
    for (int i = 0; i < batch.numCols(); i++) {
      ColumnVector column = batch.column(i);
      ColumnVector origin = column instanceof SelectedColumn view ? view.origin() : column;
      if (TensorColumn.under(origin).isPresent()) {
        return true;
      }
    }
    return false;
  }

  /** Says that nothing will be offered any more, so that nothing has to wait. */
  public void end() {
    ended = true;
  }

  /**
   * Returns the next batch.
   *
   * @return null if more has to be offered first, or if it has ended
   */
  public @Nullable Gathered<P> next() {
    if (returnedWaiting) {
      requireNonNull(waiting).clear();
      waitingParts = new ArrayList<>();
      returnedWaiting = false;
    }
    while (offered != null && offeredUsed < offered.rows().size()) {
      int waits = waiting == null ? 0 : waiting.size();
      int rows = Math.min(offered.rows().size() - offeredUsed, maxRows - waits);
      if (rows >= enoughRows || !copies || (ended && waits == 0)) {
        return waits > 0 ? waiting() : views(rows);
      }
      if (copy(rows)) {
        return waiting();
      }
    }
    offered = null;
    offeredBatch = null;
    return ended && waiting != null && waiting.size() > 0 ? waiting() : null;
  }

  private Gathered<P> views(int rows) {
    Part<P> part = requireNonNull(offered).slice(offeredUsed, rows);
    offeredUsed += rows;
    return new Gathered<>(requireNonNull(offeredBatch), part.rows(), List.of(part));
  }

  private Gathered<P> waiting() {
    returnedWaiting = true;
    ColumnarBatch batch = requireNonNull(waiting).batch();
    return new Gathered<>(batch, RowSelection.range(0, batch.numRows()), waitingParts);
  }

  /** Copies offered rows; returns whether what waits is now a full batch. */
  private boolean copy(int rows) {
    RowCopier copier = waiting;
    if (copier == null) {
      copier = new RowCopier(schema, maxRows);
      waiting = copier;
    }
    Part<P> from = requireNonNull(offered);
    int end = offeredUsed + rows;
    int first = offeredUsed;
    copier.read(requireNonNull(offeredBatch));
    do {
      int chunk = Math.min(COPIED_AT_ONCE, end - offeredUsed);
      copier.copy(from.rows().slice(offeredUsed, chunk));
      offeredUsed += chunk;
    } while (offeredUsed < end && !copier.isFull());
    waitingParts.add(from.slice(first, offeredUsed - first).compacted());
    boolean full = copier.isFull();
    if (full && copier.size() < maxRows) {
      // Rows so wide that their bytes end a batch: fewer of them are worth a call of their own.
      enoughRows = Math.min(enoughRows, (copier.size() + 1) / 2);
    }
    return full;
  }

  @Override
  public void close() {
    offered = null;
    offeredBatch = null;
    if (waiting != null) {
      waiting.close();
    }
  }
}
