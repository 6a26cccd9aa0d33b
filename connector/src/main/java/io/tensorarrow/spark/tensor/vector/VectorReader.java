package io.tensorarrow.spark.tensor.vector;

import java.util.Set;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.UserDefinedType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.jspecify.annotations.Nullable;

/**
 * Shows Spark ML's vectors as arrays of doubles. A column of them is a struct of {@code type} (0
 * for sparse, 1 for dense), {@code size}, {@code indices} and {@code values}; only sparse ones have
 * a size and indices.
 */
public final class VectorReader extends ArrayReader {
  /** Known by name only: Spark ML need not be on the class path. */
  private static final Set<String> TYPES =
      Set.of("org.apache.spark.ml.linalg.VectorUDT", "org.apache.spark.mllib.linalg.VectorUDT");

  public static final byte DENSE = 1;

  private final ColumnVector types;
  private final ColumnVector sizes;
  private final ArrayReader indices;
  private final ArrayReader values;

  private int index;
  private boolean dense;
  private @Nullable ColumnVector unpacked;

  VectorReader(ColumnVector vectors) {
    this.types = vectors.getChild(0);
    this.sizes = vectors.getChild(1);
    this.indices = over(vectors.getChild(2));
    this.values = over(vectors.getChild(3));
  }

  /** Returns whether columns of this type hold vectors. */
  public static boolean reads(DataType type) {
    return type instanceof UserDefinedType<?> udt && TYPES.contains(udt.getClass().getName());
  }

  @Override
  public void seek(int row) {
    index = row;
    dense = types.getByte(row) == DENSE;
    unpacked = null;
    values.seek(row);
  }

  /** Not before somebody who knows the length asks: a sparse vector's may be absurd. */
  @Override
  public ColumnVector elements() {
    if (dense) {
      return values.elements();
    }
    ColumnVector doubles = unpacked;
    if (doubles == null) {
      doubles = new Doubles(unpack());
      unpacked = doubles;
    }
    return doubles;
  }

  private double[] unpack() {
    indices.seek(index);
    double[] doubles = new double[length()];
    for (int i = 0; i < values.length(); i++) {
      int place = indices.elements().getInt(indices.offset() + i);
      doubles[place] = values.elements().getDouble(values.offset() + i);
    }
    return doubles;
  }

  @Override
  public boolean elementsMayBeNull() {
    return dense && values.elementsMayBeNull();
  }

  @Override
  public int offset() {
    return dense ? values.offset() : 0;
  }

  @Override
  public int length() {
    return dense ? values.length() : sizes.getInt(index);
  }

  private static final class Doubles extends TensorVector {
    private final double[] values;

    Doubles(double[] values) {
      super(DataTypes.DoubleType);
      this.values = values;
    }

    @Override
    public double getDouble(int rowId) {
      return values[rowId];
    }

    /** Does nothing: there is no native memory. */
    @Override
    public void close() {}
  }
}
