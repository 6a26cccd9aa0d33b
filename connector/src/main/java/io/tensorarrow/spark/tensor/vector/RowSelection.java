package io.tensorarrow.spark.tensor.vector;

import java.util.Arrays;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a columnar batch are meant, in order: a range, or a list of row numbers that
 * filters kept, perhaps with the last one repeated. Immutable; the list is not copied and must not
 * be changed afterwards.
 */
public final class RowSelection {
  private final int @Nullable [] rows;
  private final int from;
  private final int size;
  private final boolean repeats;

  private RowSelection(int @Nullable [] rows, int from, int size, boolean repeats) {
    this.rows = rows;
    this.from = from;
    this.size = size;
    this.repeats = repeats;
  }

  /** Selects {@code size} rows in sequence, beginning with row {@code from}. */
  public static RowSelection range(int from, int size) {
    return new RowSelection(null, from, size, false);
  }

  /** Selects the first {@code size} row numbers of {@code rows}, which ascend. */
  public static RowSelection of(int[] rows, int size) {
    return new RowSelection(rows, 0, size, false);
  }

  /** Selects those of the rows 0 to {@code rows - 1} that a condition is true of. */
  public static RowSelection where(int rows, IntPredicate condition) {
    int[] matching = new int[rows];
    int size = 0;
    for (int row = 0; row < rows; row++) {
      if (condition.test(row)) {
        matching[size++] = row;
      }
    }
    return of(matching, size);
  }

  /** Returns how many rows are selected. */
  public int size() {
    return size;
  }

  /** Returns the batch's row number of the {@code i}-th selected row. */
  public int at(int i) {
    return rows == null ? from + i : rows[from + i];
  }

  /** Returns whether the selected rows follow one another without gaps. */
  public boolean isRange() {
    return rows == null || size == 0 || (!repeats && at(size - 1) - at(0) == size - 1);
  }

  /**
   * Returns these rows and then the last of them again, as often as it takes.
   *
   * @param paddedSize how many to return, at least as many as there are
   * @throws IllegalStateException if there is no row to repeat
   */
  public RowSelection paddedTo(int paddedSize) {
    if (paddedSize == size) {
      return this;
    }
    if (size == 0) {
      throw new IllegalStateException("no row to repeat");
    }
    int[] padded = new int[paddedSize];
    for (int i = 0; i < paddedSize; i++) {
      padded[i] = at(Math.min(i, size - 1));
    }
    return new RowSelection(padded, 0, paddedSize, true);
  }

  /** Returns the same rows, without keeping a list in memory that has others, too. */
  public RowSelection compacted() {
    if (rows == null || rows.length == size) {
      return this;
    }
    return new RowSelection(Arrays.copyOfRange(rows, from, from + size), 0, size, repeats);
  }

  /** Returns {@code size} of the selected rows, beginning with the {@code from}-th. */
  public RowSelection slice(int from, int size) {
    return new RowSelection(rows, this.from + from, size, repeats);
  }
}
