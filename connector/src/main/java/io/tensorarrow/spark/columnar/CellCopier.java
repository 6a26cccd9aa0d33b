package io.tensorarrow.spark.columnar;

import io.tensorarrow.spark.tensor.vector.ArrayReader;
import java.util.Optional;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Appends cells of a vector to another one. Numbers that follow one another are copied together,
 * above all the elements of an array. Stateless.
 */
@FunctionalInterface
interface CellCopier {
  /**
   * Copies cells.
   *
   * @param from the vector to read, only during this call
   * @param start the row of the first cell
   * @param to the vector that gets the cells at its end
   */
  void append(ColumnVector from, int start, int count, WritableColumnVector to);

  /**
   * Finds the copier of a type.
   *
   * @return empty for structs, maps and rare types, which are copied as parts of rows
   */
  static Optional<CellCopier> of(DataType type) {
    if (type instanceof ArrayType array) {
      return of(array.elementType()).map(CellCopier::arrays);
    }
    if (type instanceof StringType) {
      return Optional.of(singly((from, row, to) -> put(from.getUTF8String(row).getBytes(), to)));
    }
    if (type instanceof BinaryType) {
      return Optional.of(singly((from, row, to) -> put(from.getBinary(row), to)));
    }
    if (type instanceof BooleanType) {
      return Optional.of(singly((from, row, to) -> to.appendBoolean(from.getBoolean(row))));
    }
    return numbers(type);
  }

  private static Optional<CellCopier> numbers(DataType type) {
    if (type instanceof ByteType) {
      return Optional.of(
          inBulk(
              (from, start, count, to) -> to.appendBytes(count, from.getBytes(start, count), 0),
              (from, row, to) -> to.appendByte(from.getByte(row))));
    }
    if (type instanceof ShortType) {
      return Optional.of(
          inBulk(
              (from, start, count, to) -> to.appendShorts(count, from.getShorts(start, count), 0),
              (from, row, to) -> to.appendShort(from.getShort(row))));
    }
    if (type instanceof IntegerType || type instanceof DateType) {
      return Optional.of(
          inBulk(
              (from, start, count, to) -> to.appendInts(count, from.getInts(start, count), 0),
              (from, row, to) -> to.appendInt(from.getInt(row))));
    }
    if (type instanceof LongType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType) {
      return Optional.of(
          inBulk(
              (from, start, count, to) -> to.appendLongs(count, from.getLongs(start, count), 0),
              (from, row, to) -> to.appendLong(from.getLong(row))));
    }
    if (type instanceof FloatType) {
      return Optional.of(
          inBulk(
              (from, start, count, to) -> to.appendFloats(count, from.getFloats(start, count), 0),
              (from, row, to) -> to.appendFloat(from.getFloat(row))));
    }
    return type instanceof DoubleType
        ? Optional.of(
            inBulk(
                (from, start, count, to) ->
                    to.appendDoubles(count, from.getDoubles(start, count), 0),
                (from, row, to) -> to.appendDouble(from.getDouble(row))))
        : Optional.empty();
  }

  private static void put(byte[] bytes, WritableColumnVector to) {
    to.appendByteArray(bytes, 0, bytes.length);
  }

  /** Appends one value that is not null. */
  @FunctionalInterface
  interface Value {
    void append(ColumnVector from, int row, WritableColumnVector to);
  }

  private static CellCopier singly(Value value) {
    return (from, start, count, to) -> {
      for (int row = start; row < start + count; row++) {
        if (from.isNullAt(row)) {
          to.appendNull();
        } else {
          value.append(from, row, to);
        }
      }
    };
  }

  /** Copies in bulk where nothing is null: some vectors can't read what is under a null. */
  private static CellCopier inBulk(CellCopier bulk, Value value) {
    CellCopier singly = singly(value);
    return (from, start, count, to) -> {
      CellCopier copier = count > 1 && !anyNull(from, start, count) ? bulk : singly;
      copier.append(from, start, count, to);
    };
  }

  private static boolean anyNull(ColumnVector vector, int start, int count) {
    if (!vector.hasNull()) {
      return false;
    }
    for (int row = start; row < start + count; row++) {
      if (vector.isNullAt(row)) {
        return true;
      }
    }
    return false;
  }

  private static CellCopier arrays(CellCopier elements) {
    return (from, start, count, to) -> {
      ArrayReader reader = ArrayReader.over(from);
      for (int row = start; row < start + count; row++) {
        if (from.isNullAt(row)) {
          to.appendNull();
        } else {
          reader.seek(row);
          to.appendArray(reader.length());
          elements.append(reader.elements(), reader.offset(), reader.length(), to.arrayData());
        }
      }
    };
  }
}
