package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.vector.HalfFloat;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.math.BigDecimal;
import java.math.BigInteger;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructType;

/**
 * The elements of a tensor for whose dtype Spark has no accessor, each widened when it is asked
 * for.
 *
 * <p>Owns one reference to the tensor's memory and gives it back on close, which may be repeated.
 * Reading after that is an exception.
 */
abstract class WidenedElements extends TensorVector {
  final ArrowBuf memory;
  private final OutputElement element;
  private boolean closed;

  private WidenedElements(OutputElement element, ArrowBuf memory) {
    super(element.sparkType());
    this.element = element;
    this.memory = memory;
  }

  /**
   * Makes a vector of all elements.
   *
   * @param element a type that Spark's own vectors can't read
   * @param memory the tensor's memory, taken over
   */
  static WidenedElements of(OutputElement element, ArrowBuf memory) {
    return switch (element) {
      case BOOLEAN -> new Booleans(element, memory);
      case INT4 -> new Int4Elements(element, memory);
      case UINT4 -> new Uint4Elements(element, memory);
      case FLOAT16 -> new Float16Elements(element, memory);
      case BFLOAT16 -> new Bfloat16Elements(element, memory);
      case UNSIGNED_BYTE -> new UnsignedBytes(element, memory);
      case UNSIGNED_SHORT -> new UnsignedShorts(element, memory);
      case UNSIGNED_INT -> new UnsignedInts(element, memory);
      case UNSIGNED_LONG -> new UnsignedLongs(element, memory);
      case COMPLEX_FLOAT, COMPLEX_DOUBLE -> new Complexes(element, memory);
      case BYTE, SHORT, INT, LONG, FLOAT, DOUBLE, BYTES_OF_ROW, TEXT, BINARY ->
          throw new IllegalArgumentException("Spark reads " + element + " itself");
    };
  }

  OutputElement element() {
    return element;
  }

  @Override
  public TensorVector retained(BufferAllocator allocator) {
    return of(element, memory.getReferenceManager().retain(memory, allocator));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      memory.close();
    }
  }

  private static final class Booleans extends WidenedElements {
    Booleans(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public boolean getBoolean(int rowId) {
      return memory.getByte(rowId) != 0;
    }
  }

  private static final class Int4Elements extends WidenedElements {
    Int4Elements(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    /** TensorFlow leaves the upper half zero, also for negative numbers. */
    @Override
    public byte getByte(int rowId) {
      return (byte) (memory.getByte(rowId) << 28 >> 28);
    }
  }

  private static final class Uint4Elements extends WidenedElements {
    Uint4Elements(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public byte getByte(int rowId) {
      return (byte) (memory.getByte(rowId) & 0xf);
    }
  }

  private static final class Float16Elements extends WidenedElements {
    Float16Elements(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public float getFloat(int rowId) {
      return HalfFloat.toFloat(memory.getShort((long) rowId * Short.BYTES));
    }
  }

  private static final class Bfloat16Elements extends WidenedElements {
    Bfloat16Elements(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    /** A bfloat16 is the upper half of a float. */
    @Override
    public float getFloat(int rowId) {
      return Float.intBitsToFloat(memory.getShort((long) rowId * Short.BYTES) << Short.SIZE);
    }
  }

  private static final class UnsignedBytes extends WidenedElements {
    UnsignedBytes(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public short getShort(int rowId) {
      return (short) Byte.toUnsignedInt(memory.getByte(rowId));
    }
  }

  private static final class UnsignedShorts extends WidenedElements {
    UnsignedShorts(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public int getInt(int rowId) {
      return Short.toUnsignedInt(memory.getShort((long) rowId * Short.BYTES));
    }
  }

  private static final class UnsignedInts extends WidenedElements {
    UnsignedInts(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public long getLong(int rowId) {
      return Integer.toUnsignedLong(memory.getInt((long) rowId * Integer.BYTES));
    }
  }

  private static final class UnsignedLongs extends WidenedElements {
    UnsignedLongs(OutputElement element, ArrowBuf memory) {
      super(element, memory);
    }

    @Override
    public Decimal getDecimal(int rowId, int precision, int scale) {
      long bits = memory.getLong((long) rowId * Long.BYTES);
      return bits >= 0
          ? Decimal.apply(bits, precision, scale)
          : Decimal.apply(
              new BigDecimal(new BigInteger(Long.toUnsignedString(bits))), precision, scale);
    }
  }

  /** Pairs of numbers; the children read the parent's memory and own nothing. */
  private static final class Complexes extends WidenedElements {
    private final Part re;
    private final Part im;

    Complexes(OutputElement element, ArrowBuf memory) {
      super(element, memory);
      DataType part = ((StructType) dataType()).apply(0).dataType();
      this.re = new Part(part, memory, 0);
      this.im = new Part(part, memory, 1);
    }

    @Override
    public TensorVector getChild(int ordinal) {
      return ordinal == 0 ? re : im;
    }
  }

  private static final class Part extends TensorVector {
    private final ArrowBuf memory;
    private final int ordinal;

    Part(DataType type, ArrowBuf memory, int ordinal) {
      super(type);
      this.memory = memory;
      this.ordinal = ordinal;
    }

    @Override
    public float getFloat(int rowId) {
      return memory.getFloat((2L * rowId + ordinal) * Float.BYTES);
    }

    @Override
    public double getDouble(int rowId) {
      return memory.getDouble((2L * rowId + ordinal) * Double.BYTES);
    }

    /** Does nothing: the parent owns the memory. */
    @Override
    public void close() {}
  }
}
