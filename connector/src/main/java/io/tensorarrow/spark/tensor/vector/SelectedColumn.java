package io.tensorarrow.spark.tensor.vector;

import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Some rows of another column, without a copy.
 *
 * <p>It owns nothing: the column below belongs to the wrapped source, which reuses it for its next
 * batch, so closing this view does nothing. It is valid until that source is asked for its next
 * batch.
 */
public final class SelectedColumn extends ColumnVector {
  private final ColumnVector column;
  private final RowSelection rows;

  /**
   * Creates a view.
   *
   * @param column the column of the source's batch
   * @param rows which of its rows to show
   */
  public SelectedColumn(ColumnVector column, RowSelection rows) {
    super(column.dataType());
    this.column = column;
    this.rows = rows;
  }

  /** Returns some rows of a batch, as views of its columns. */
  public static ColumnarBatch batch(ColumnarBatch batch, RowSelection rows) {
    ColumnVector[] columns = new ColumnVector[batch.numCols()];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = new SelectedColumn(batch.column(i), rows);
    }
    return new ColumnarBatch(columns, rows.size());
  }

  /** Returns the column below all views: a view may be one of another view's rows. */
  public ColumnVector origin() {
    return column instanceof SelectedColumn view ? view.origin() : column;
  }

  /** Returns which rows of its {@link #origin} this shows. */
  public RowRuns positions() {
    return column instanceof SelectedColumn view ? view.positions().select(rows) : RowRuns.of(rows);
  }

  @Override
  public void close() {
    // Borrowed from the wrapped source.
  }

  @Override
  public void closeIfFreeable() {
    // Borrowed from the wrapped source.
  }

  @Override
  public boolean hasNull() {
    return column.hasNull();
  }

  @Override
  public int numNulls() {
    if (!column.hasNull()) {
      return 0;
    }
    int nulls = 0;
    for (int i = 0; i < rows.size(); i++) {
      if (isNullAt(i)) {
        nulls++;
      }
    }
    return nulls;
  }

  @Override
  public boolean isNullAt(int rowId) {
    return column.isNullAt(rows.at(rowId));
  }

  @Override
  public boolean getBoolean(int rowId) {
    return column.getBoolean(rows.at(rowId));
  }

  @Override
  public byte getByte(int rowId) {
    return column.getByte(rows.at(rowId));
  }

  @Override
  public short getShort(int rowId) {
    return column.getShort(rows.at(rowId));
  }

  @Override
  public int getInt(int rowId) {
    return column.getInt(rows.at(rowId));
  }

  @Override
  public long getLong(int rowId) {
    return column.getLong(rows.at(rowId));
  }

  @Override
  public float getFloat(int rowId) {
    return column.getFloat(rows.at(rowId));
  }

  @Override
  public double getDouble(int rowId) {
    return column.getDouble(rows.at(rowId));
  }

  @Override
  public ColumnarArray getArray(int rowId) {
    return column.getArray(rows.at(rowId));
  }

  @Override
  public ColumnarMap getMap(int rowId) {
    return column.getMap(rows.at(rowId));
  }

  @Override
  public Decimal getDecimal(int rowId, int precision, int scale) {
    return column.getDecimal(rows.at(rowId), precision, scale);
  }

  @Override
  public UTF8String getUTF8String(int rowId) {
    return column.getUTF8String(rows.at(rowId));
  }

  @Override
  public byte[] getBinary(int rowId) {
    return column.getBinary(rows.at(rowId));
  }

  @Override
  public ColumnVector getChild(int ordinal) {
    return new SelectedColumn(column.getChild(ordinal), rows);
  }
}
