package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.tensor.vector.ArrayReader;
import io.tensorarrow.spark.tensor.vector.BulkReader;
import io.tensorarrow.spark.tensor.vector.RowRuns;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BitVectorHelper;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Copies columns of Spark's into Arrow vectors, a buffer at a time. What it makes equals what
 * Spark's own writer makes of the same rows, one by one.
 */
final class ColumnCopier {
  private static final int DECIMAL_BYTES = 2 * Long.BYTES;

  private final BufferAllocator allocator;

  ColumnCopier(BufferAllocator allocator) {
    this.allocator = allocator;
  }

  /** Returns whether it supports a column's type and can find the parts of its cells. */
  static boolean copies(ColumnVector column) {
    DataType type = column.dataType();
    if (type instanceof ArrayType) {
      ArrayReader arrays = ArrayReader.over(column);
      return arrays.sharesElements() && copies(arrays.elements());
    }
    if (type instanceof StructType struct) {
      return IntStream.range(0, struct.size()).allMatch(i -> copies(column.getChild(i)));
    }
    if (type instanceof MapType) {
      return column instanceof WritableColumnVector
          && copies(column.getChild(0))
          && copies(column.getChild(1));
    }
    return type instanceof DecimalType
        || type instanceof StringType
        || type instanceof BinaryType
        || BulkReader.of(type).isPresent();
  }

  /**
   * Fills a vector.
   *
   * @param column one that {@link #copies} is true of
   * @param rows which of its rows to copy
   * @param vector an empty one, of the Arrow type that Spark has for the column's
   */
  void copy(ColumnVector column, RowRuns rows, FieldVector vector) {
    DataType type = column.dataType();
    if (type instanceof StructType struct) {
      for (int i = 0; i < struct.size(); i++) {
        copy(column.getChild(i), rows, vector.getChildrenFromFields().get(i));
      }
      load(vector, column, rows);
    } else if (type instanceof ArrayType) {
      copyArrays(column, rows, vector);
    } else if (type instanceof MapType) {
      copyMaps((WritableColumnVector) column, rows, (MapVector) vector);
    } else if (type instanceof BooleanType) {
      copyBooleans(column, rows, vector);
    } else if (type instanceof DecimalType decimal) {
      copyDecimals(column, decimal, rows, vector);
    } else if (type instanceof StringType) {
      copyBytes(column, row -> column.getUTF8String(row).getByteBuffer(), rows, vector);
    } else if (type instanceof BinaryType) {
      copyBytes(column, row -> ByteBuffer.wrap(column.getBinary(row)), rows, vector);
    } else {
      copyNumbers(column, rows, vector);
    }
  }

  private void copyNumbers(ColumnVector column, RowRuns rows, FieldVector vector) {
    BulkReader reader = BulkReader.of(column.dataType()).orElseThrow();
    int width = reader.width();
    // Only Spark's own vectors have a value where a null is; a dictionary knows nothing of nulls.
    boolean skipNulls =
        column.hasNull()
            && !(column instanceof WritableColumnVector writable && !writable.hasDictionary());
    try (ArrowBuf data = allocator.buffer((long) rows.size() * width)) {
      data.setZero(0, data.capacity());
      rows.forEach(
          Integer.MAX_VALUE,
          (position, start, length) -> {
            if (!skipNulls) {
              reader.read(column, start, length, data, (long) position * width);
              return;
            }
            for (int i = 0; i < length; i++) {
              if (!column.isNullAt(start + i)) {
                reader.read(column, start + i, 1, data, (long) (position + i) * width);
              }
            }
          });
      load(vector, column, rows, data);
    }
  }

  private void copyBooleans(ColumnVector column, RowRuns rows, FieldVector vector) {
    int[] positions = rows.positions();
    boolean hasNull = column.hasNull();
    try (ArrowBuf bits = zeroBits(positions.length)) {
      for (int i = 0; i < positions.length; i++) {
        if (!(hasNull && column.isNullAt(positions[i])) && column.getBoolean(positions[i])) {
          BitVectorHelper.setBit(bits, i);
        }
      }
      load(vector, column, rows, bits);
    }
  }

  private void copyDecimals(
      ColumnVector column, DecimalType type, RowRuns rows, FieldVector vector) {
    int[] positions = rows.positions();
    boolean hasNull = column.hasNull();
    try (ArrowBuf data = allocator.buffer((long) positions.length * DECIMAL_BYTES)) {
      data.setZero(0, data.capacity());
      for (int i = 0; i < positions.length; i++) {
        if (!(hasNull && column.isNullAt(positions[i]))) {
          var value = column.getDecimal(positions[i], type.precision(), type.scale());
          long offset = (long) i * DECIMAL_BYTES;
          if (type.precision() <= 18) {
            long number = value.toUnscaledLong();
            data.setLong(offset, number);
            data.setLong(offset + Long.BYTES, number >> 63);
          } else {
            BigInteger number = value.toJavaBigDecimal().unscaledValue();
            data.setLong(offset, number.longValue());
            data.setLong(offset + Long.BYTES, number.shiftRight(Long.SIZE).longValue());
          }
        }
      }
      load(vector, column, rows, data);
    }
  }

  /** Shows a cell's bytes. */
  private interface Cell {
    ByteBuffer bytes(int row);
  }

  private void copyBytes(ColumnVector column, Cell cell, RowRuns rows, FieldVector vector) {
    int[] positions = rows.positions();
    boolean hasNull = column.hasNull();
    ByteBuffer[] cells = new ByteBuffer[positions.length];
    ByteBuffer none = ByteBuffer.allocate(0);
    long size = 0;
    for (int i = 0; i < positions.length; i++) {
      cells[i] = hasNull && column.isNullAt(positions[i]) ? none : cell.bytes(positions[i]);
      size += cells[i].remaining();
    }
    boolean large = isLarge(vector.getField().getType());
    int width = large ? Long.BYTES : Integer.BYTES;
    if (!large && size > Integer.MAX_VALUE) {
      throw new ArithmeticException(size + " bytes are more than offsets of 32 bits count");
    }
    try (ArrowBuf offsets = allocator.buffer((cells.length + 1L) * width);
        ArrowBuf data = allocator.buffer(size)) {
      long end = 0;
      setOffset(offsets, 0, 0, large);
      for (int i = 0; i < cells.length; i++) {
        int length = cells[i].remaining();
        data.setBytes(end, cells[i]);
        end += length;
        setOffset(offsets, i + 1, end, large);
      }
      load(vector, column, rows, offsets, data);
    }
  }

  private static boolean isLarge(ArrowType type) {
    return type instanceof ArrowType.LargeUtf8 || type instanceof ArrowType.LargeBinary;
  }

  private static void setOffset(ArrowBuf offsets, int i, long offset, boolean large) {
    if (large) {
      offsets.setLong((long) i * Long.BYTES, offset);
    } else {
      offsets.setInt((long) i * Integer.BYTES, (int) offset);
    }
  }

  private void copyArrays(ColumnVector column, RowRuns rows, FieldVector vector) {
    ArrayReader arrays = ArrayReader.over(column);
    RowRuns elements = new RowRuns();
    try (ArrowBuf offsets = offsets(column, arrays, rows, elements)) {
      copy(arrays.elements(), elements, vector.getChildrenFromFields().get(0));
      load(vector, column, rows, offsets);
    }
  }

  private void copyMaps(WritableColumnVector column, RowRuns rows, MapVector vector) {
    RowRuns entries = new RowRuns();
    int[] positions = rows.positions();
    try (ArrowBuf offsets = allocator.buffer((positions.length + 1L) * Integer.BYTES)) {
      offsets.setInt(0, 0);
      for (int i = 0; i < positions.length; i++) {
        if (!column.isNullAt(positions[i])) {
          entries.add(column.getArrayOffset(positions[i]), column.getArrayLength(positions[i]));
        }
        offsets.setInt((i + 1L) * Integer.BYTES, entries.size());
      }
      FieldVector pairs = vector.getDataVector();
      copy(column.getChild(0), entries, pairs.getChildrenFromFields().get(0));
      copy(column.getChild(1), entries, pairs.getChildrenFromFields().get(1));
      pairs.loadFieldBuffers(new ArrowFieldNode(entries.size(), 0), List.of(allocator.getEmpty()));
      load(vector, column, rows, offsets);
    }
  }

  private ArrowBuf offsets(
      ColumnVector column, ArrayReader arrays, RowRuns rows, RowRuns elements) {
    int[] positions = rows.positions();
    boolean hasNull = column.hasNull();
    ArrowBuf offsets = allocator.buffer((positions.length + 1L) * Integer.BYTES);
    offsets.setInt(0, 0);
    for (int i = 0; i < positions.length; i++) {
      if (!(hasNull && column.isNullAt(positions[i]))) {
        arrays.seek(positions[i]);
        elements.add(arrays.offset(), arrays.length());
      }
      offsets.setInt((i + 1L) * Integer.BYTES, elements.size());
    }
    return offsets;
  }

  private void load(FieldVector vector, ColumnVector column, RowRuns rows, ArrowBuf... buffers) {
    int nulls = 0;
    int[] positions = column.hasNull() ? rows.positions() : new int[0];
    try (ArrowBuf validity = zeroBits(positions.length)) {
      for (int i = 0; i < positions.length; i++) {
        if (column.isNullAt(positions[i])) {
          nulls++;
        } else {
          BitVectorHelper.setBit(validity, i);
        }
      }
      List<ArrowBuf> withValidity = new ArrayList<>(List.of(validity));
      withValidity.addAll(List.of(buffers));
      vector.loadFieldBuffers(new ArrowFieldNode(rows.size(), nulls), withValidity);
    }
  }

  private ArrowBuf zeroBits(int count) {
    ArrowBuf bits = allocator.buffer(BitVectorHelper.getValidityBufferSize(count));
    bits.setZero(0, bits.capacity());
    return bits;
  }
}
