package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.tensor.vector.RowRuns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import io.tensorarrow.spark.tensor.vector.SelectedColumn;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.spark.sql.execution.arrow.ArrowWriter;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Turns columns of batches into Arrow's: those that are Arrow already are taken as they are, others
 * are converted, column by column.
 */
public final class ColumnConversion {
  private final List<Field> fields;
  private final Set<Integer> nativeColumns;
  private final BufferAllocator allocator;

  /**
   * Creates a conversion to given fields.
   *
   * @param fields the Arrow fields that the columns are converted to, in order
   */
  public ColumnConversion(List<Field> fields, BufferAllocator allocator) {
    this(fields, Set.of(), allocator);
  }

  /**
   * Creates a conversion to given fields, or to native elements.
   *
   * @param fields the Arrow fields, in the order of a batch's columns
   * @param nativeColumns the ordinals of columns that become vectors of native elements, whatever
   *     the field says of the elements
   */
  public ColumnConversion(
      List<Field> fields, Set<Integer> nativeColumns, BufferAllocator allocator) {
    this.fields = List.copyOf(fields);
    this.nativeColumns = nativeColumns;
    this.allocator = allocator;
  }

  /** Converts a batch, which has to stay as it is until the result is closed. */
  public ArrowColumns convert(ColumnarBatch batch) {
    List<FieldVector> vectors = new ArrayList<>();
    List<FieldVector> owned = new ArrayList<>();
    long convertedBytes = 0;
    try {
      for (int i = 0; i < fields.size(); i++) {
        ColumnVector column = batch.column(i);
        if (nativeColumns.contains(i)) {
          FieldVector nativeVector = nativeVectorOf(column, batch.numRows());
          vectors.add(nativeVector);
          owned.add(nativeVector);
          convertedBytes += column instanceof SelectedColumn ? nativeVector.getBufferSize() : 0;
        } else if (column instanceof ArrowColumnVector arrow
            && ArrowFields.sameLayout(arrow.getValueVector().getField(), fields.get(i))) {
          vectors.add((FieldVector) arrow.getValueVector());
        } else {
          FieldVector converted = converted(column, batch.numRows(), fields.get(i));
          vectors.add(converted);
          owned.add(converted);
          convertedBytes += converted.getBufferSize();
        }
      }
      return new ArrowColumns(vectors, owned, convertedBytes, allocator);
    } catch (Throwable e) {
      owned.forEach(FieldVector::close);
      throw e;
    }
  }

  /** Returns a vector over a tensor's memory, or over copies of the rows that a view shows. */
  private FieldVector nativeVectorOf(ColumnVector column, int rows) {
    if (!(column instanceof SelectedColumn view)) {
      TensorColumn tensor = tensorUnder(column);
      return tensor.nativeVector(rows, tensor.elements(), allocator);
    }
    TensorColumn tensor = tensorUnder(view.origin());
    int width = tensor.rowBytes();
    // A limit leaves the selection longer than the batch.
    RowRuns chosenRows = view.positions().select(RowSelection.range(0, rows));
    try (ArrowBuf chosen = allocator.buffer((long) rows * width)) {
      chosenRows.forEach(
          Integer.MAX_VALUE,
          (position, start, length) ->
              chosen.setBytes(
                  (long) position * width,
                  tensor.elements(),
                  (long) start * width,
                  (long) length * width));
      return tensor.nativeVector(rows, chosen, allocator);
    }
  }

  private static TensorColumn tensorUnder(ColumnVector column) {
    return TensorColumn.under(column)
        .orElseThrow(() -> new IllegalStateException("not a model's own column: " + column));
  }

  private FieldVector converted(ColumnVector column, int rows, Field field) {
    FieldVector vector = field.createVector(allocator);
    try {
      RowRuns positions = RowRuns.first(rows);
      ColumnVector source = column;
      if (column instanceof SelectedColumn view) {
        positions = view.positions();
        source = view.origin();
      }
      if (ColumnCopier.copies(source)) {
        new ColumnCopier(allocator).copy(source, positions, vector);
      } else {
        writeRows(column, rows, field, vector);
      }
      return vector;
    } catch (Throwable e) {
      vector.close();
      throw e;
    }
  }

  private static void writeRows(ColumnVector column, int rows, Field field, FieldVector vector) {
    ArrowWriter writer =
        ArrowWriter.create(new VectorSchemaRoot(new Schema(List.of(field)), List.of(vector), rows));
    ColumnarBatch single = new ColumnarBatch(new ColumnVector[] {column}, rows);
    for (int row = 0; row < rows; row++) {
      writer.write(single.getRow(row));
    }
    writer.finish();
  }
}
