package io.tensorarrow.spark.tensor.vector;

import java.util.Arrays;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.sql.vectorized.ColumnarMap;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * The rows of another column, each at a place of its own, with nulls between them: the results of
 * the rows for which a model ran. A view, which owns nothing and is valid as long as that column.
 */
public final class ScatteredColumn extends ColumnVector {
  private final ColumnVector column;
  private final Positions positions;

  /**
   * Creates a view.
   *
   * @param column the values
   * @param positions where they are
   */
  public ScatteredColumn(ColumnVector column, Positions positions) {
    super(column.dataType());
    this.column = column;
    this.positions = positions;
  }

  /** For each row the number of its value, or -1 for null. Immutable. */
  public static final class Positions {
    private final int[] values;
    private final int nulls;

    private Positions(int[] values, int nulls) {
      this.values = values;
      this.nulls = nulls;
    }

    /**
     * Finds the rows that have values.
     *
     * @param rows the rows of a batch to show, a range
     * @param withValue those of them that have a value, ascending
     */
    public static Positions of(RowSelection rows, RowSelection withValue) {
      int[] values = new int[rows.size()];
      Arrays.fill(values, -1);
      for (int i = 0; i < withValue.size(); i++) {
        values[withValue.at(i) - rows.at(0)] = i;
      }
      return new Positions(values, values.length - withValue.size());
    }

    private int at(int row) {
      return values[row];
    }
  }

  @Override
  public void close() {
    // Borrowed.
  }

  @Override
  public void closeIfFreeable() {
    // Borrowed.
  }

  @Override
  public boolean hasNull() {
    return positions.nulls > 0 || column.hasNull();
  }

  @Override
  public int numNulls() {
    return positions.nulls + column.numNulls();
  }

  @Override
  public boolean isNullAt(int rowId) {
    return positions.at(rowId) < 0 || column.isNullAt(positions.at(rowId));
  }

  @Override
  public boolean getBoolean(int rowId) {
    return column.getBoolean(positions.at(rowId));
  }

  @Override
  public byte getByte(int rowId) {
    return column.getByte(positions.at(rowId));
  }

  @Override
  public short getShort(int rowId) {
    return column.getShort(positions.at(rowId));
  }

  @Override
  public int getInt(int rowId) {
    return column.getInt(positions.at(rowId));
  }

  @Override
  public long getLong(int rowId) {
    return column.getLong(positions.at(rowId));
  }

  @Override
  public float getFloat(int rowId) {
    return column.getFloat(positions.at(rowId));
  }

  @Override
  public double getDouble(int rowId) {
    return column.getDouble(positions.at(rowId));
  }

  @Override
  public @Nullable ColumnarArray getArray(int rowId) {
    return isNullAt(rowId) ? null : column.getArray(positions.at(rowId));
  }

  @Override
  public @Nullable ColumnarMap getMap(int rowId) {
    return isNullAt(rowId) ? null : column.getMap(positions.at(rowId));
  }

  @Override
  public @Nullable Decimal getDecimal(int rowId, int precision, int scale) {
    return isNullAt(rowId) ? null : column.getDecimal(positions.at(rowId), precision, scale);
  }

  @Override
  public @Nullable UTF8String getUTF8String(int rowId) {
    return isNullAt(rowId) ? null : column.getUTF8String(positions.at(rowId));
  }

  @Override
  public byte @Nullable [] getBinary(int rowId) {
    return isNullAt(rowId) ? null : column.getBinary(positions.at(rowId));
  }

  @Override
  public ColumnVector getChild(int ordinal) {
    return new ScatteredColumn(column.getChild(ordinal), positions);
  }
}
