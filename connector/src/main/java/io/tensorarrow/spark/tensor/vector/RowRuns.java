package io.tensorarrow.spark.tensor.vector;

import java.util.Arrays;

/**
 * Positions in a vector, in order, as runs without gaps: what is together is copied together. Not
 * thread-safe.
 */
public final class RowRuns {
  private int[] starts = new int[8];
  private int[] lengths = new int[8];
  private int count;
  private int size;

  /** Returns the positions of all rows from the first. */
  public static RowRuns first(int rows) {
    RowRuns runs = new RowRuns();
    runs.add(0, rows);
    return runs;
  }

  /** Returns the positions that a selection means. */
  public static RowRuns of(RowSelection selection) {
    RowRuns runs = new RowRuns();
    for (int i = 0; i < selection.size(); i++) {
      runs.add(selection.at(i), 1);
    }
    return runs;
  }

  /** Returns, of these positions, those that a selection means. */
  public RowRuns select(RowSelection selection) {
    int[] positions = positions();
    RowRuns selected = new RowRuns();
    for (int i = 0; i < selection.size(); i++) {
      selected.add(positions[selection.at(i)], 1);
    }
    return selected;
  }

  /** Adds a run at the end. */
  public void add(int start, int length) {
    if (length == 0) {
      return;
    }
    size = Math.addExact(size, length);
    if (count > 0 && starts[count - 1] + lengths[count - 1] == start) {
      lengths[count - 1] += length;
      return;
    }
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, 2 * count);
      lengths = Arrays.copyOf(lengths, 2 * count);
    }
    starts[count] = start;
    lengths[count] = length;
    count++;
  }

  /** Returns how many positions there are. */
  public int size() {
    return size;
  }

  /** Callback for one contiguous run of rows. */
  public interface RunVisitor {
    /**
     * Visits one run.
     *
     * @param position how many positions come before
     * @param start the first position
     */
    void visit(int position, int start, int length);
  }

  /** Visits all runs, split so that none is longer than {@code maxLength}. */
  public void forEach(int maxLength, RunVisitor visitor) {
    int position = 0;
    for (int i = 0; i < count; i++) {
      for (int done = 0; done < lengths[i]; done += maxLength) {
        int length = Math.min(maxLength, lengths[i] - done);
        visitor.visit(position, starts[i] + done, length);
        position += length;
      }
    }
  }

  /** Returns all positions. */
  public int[] positions() {
    int[] positions = new int[size];
    int position = 0;
    for (int i = 0; i < count; i++) {
      for (int j = 0; j < lengths[i]; j++) {
        positions[position++] = starts[i] + j;
      }
    }
    return positions;
  }
}
