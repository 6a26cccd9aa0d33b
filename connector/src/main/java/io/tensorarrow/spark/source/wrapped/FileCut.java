package io.tensorarrow.spark.source.wrapped;

import io.tensorarrow.spark.columnar.BatchGatherer.Part;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.List;

/**
 * The rows of a gathered batch that Spark gets at once: those of one file, since {@code
 * input_file_name()} is asked for batches as a whole, or all. Immutable; it outlives the batch.
 *
 * @param rows which rows of the gathered batch, a range
 * @param parts where they are from, in order
 */
public record FileCut(RowSelection rows, List<Part<SourcePlace>> parts) {
  /**
   * Divides a batch that is from anywhere into those of single files.
   *
   * @param acrossFiles whether nobody asks for the file, so that the batch stays in one piece
   */
  public static List<FileCut> of(List<Part<SourcePlace>> parts, boolean acrossFiles) {
    if (acrossFiles) {
      int size = parts.stream().mapToInt(part -> part.rows().size()).sum();
      return List.of(new FileCut(RowSelection.range(0, size), parts));
    }
    List<FileCut> cuts = new ArrayList<>();
    int start = 0;
    for (int from = 0, to = 0; from < parts.size(); from = to) {
      int size = 0;
      while (to < parts.size() && parts.get(to).place().isWith(parts.get(from).place())) {
        size += parts.get(to).rows().size();
        to++;
      }
      cuts.add(new FileCut(RowSelection.range(start, size), parts.subList(from, to)));
      start += size;
    }
    return cuts;
  }

  /** Makes its file the one that {@code input_file_name()} returns, if it is of a file. */
  public void makeCurrent() {
    parts.get(0).place().makeCurrent();
  }

  /** Returns the number that a row of the cut has among all that were read from its file. */
  public long number(int row) {
    int before = 0;
    for (Part<SourcePlace> part : parts) {
      int inPart = row - before;
      if (inPart < part.rows().size()) {
        return part.place().row(part.rows().at(inPart));
      }
      before += part.rows().size();
    }
    throw new IndexOutOfBoundsException(row);
  }
}
