package io.tensorarrow.spark.tensor.feed;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.vector.VectorReader;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;

/**
 * What a column's cells are made of.
 *
 * @param type the type of the elements, if it can be fed at all
 * @param depth how deep they are nested
 */
record CellElements(Optional<ElementType> type, int depth) {
  private static final List<DataType> KEYS = List.of(DataTypes.IntegerType, DataTypes.LongType);

  /**
   * Looks into arrays, Spark ML's vectors, and binaries where they are arrays of bytes.
   *
   * @param target the dtype that is to be fed
   */
  static CellElements of(DataType columnType, DType target) {
    return of(columnType, target, false);
  }

  /** Looks also into maps with whole numbers as keys. */
  static CellElements withMaps(DataType columnType, DType target) {
    return of(columnType, target, true);
  }

  private static CellElements of(DataType columnType, DType target, boolean maps) {
    int depth = 0;
    DataType leaf = columnType;
    while (true) {
      if (leaf instanceof ArrayType array) {
        leaf = array.elementType();
      } else if (maps && leaf instanceof MapType map && KEYS.contains(map.keyType())) {
        leaf = map.valueType();
      } else {
        break;
      }
      depth++;
    }
    if (leaf instanceof BinaryType && target != DType.STRING) {
      return new CellElements(Optional.of(ElementType.BYTE_OF_BINARY), depth + 1);
    }
    if (VectorReader.reads(leaf)) {
      return new CellElements(Optional.of(ElementType.DOUBLE), depth + 1);
    }
    return new CellElements(ElementType.of(leaf), depth);
  }
}
