package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.tensor.vector.HalfFloat;
import io.tensorarrow.spark.tensor.vector.TensorColumn;
import io.tensorarrow.spark.tensor.vector.TensorVector;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
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
  private final NativeElements tensor;
  private boolean closed;

  private WidenedElements(OutputElement element, NativeElements tensor) {
    super(element.sparkType());
    this.memory = tensor.elements();
    this.element = element;
    this.tensor = tensor;
  }

  /**
   * Makes a vector of all elements.
   *
   * @param element a type that Spark's own vectors can't read
   * @param tensor the elements, whose memory is taken over
   */
  static WidenedElements of(OutputElement element, NativeElements tensor) {
    return switch (element) {
      case BOOLEAN ->
          new WidenedElements(element, tensor) {
            @Override
            public boolean getBoolean(int rowId) {
              return memory.getByte(rowId) != 0;
            }
          };
      case INT4 ->
          new WidenedElements(element, tensor) {
            /** TensorFlow leaves the upper half zero, also for negative numbers. */
            @Override
            public byte getByte(int rowId) {
              return (byte) (memory.getByte(rowId) << 28 >> 28);
            }
          };
      case UINT4 ->
          new WidenedElements(element, tensor) {
            @Override
            public byte getByte(int rowId) {
              return (byte) (memory.getByte(rowId) & 0xf);
            }
          };
      case FLOAT16 ->
          new WidenedElements(element, tensor) {
            @Override
            public float getFloat(int rowId) {
              return HalfFloat.toFloat(memory.getShort((long) rowId * Short.BYTES));
            }
          };
      case BFLOAT16 ->
          new WidenedElements(element, tensor) {
            /** A bfloat16 is the upper half of a float. */
            @Override
            public float getFloat(int rowId) {
              return Float.intBitsToFloat(
                  memory.getShort((long) rowId * Short.BYTES) << Short.SIZE);
            }
          };
      case UNSIGNED_BYTE ->
          new WidenedElements(element, tensor) {
            @Override
            public short getShort(int rowId) {
              return (short) Byte.toUnsignedInt(memory.getByte(rowId));
            }
          };
      case UNSIGNED_SHORT ->
          new WidenedElements(element, tensor) {
            @Override
            public int getInt(int rowId) {
              return Short.toUnsignedInt(memory.getShort((long) rowId * Short.BYTES));
            }
          };
      case UNSIGNED_INT ->
          new WidenedElements(element, tensor) {
            @Override
            public long getLong(int rowId) {
              return Integer.toUnsignedLong(memory.getInt((long) rowId * Integer.BYTES));
            }
          };
      case UNSIGNED_LONG ->
          new WidenedElements(element, tensor) {
            @Override
            public Decimal getDecimal(int rowId, int precision, int scale) {
              long bits = memory.getLong((long) rowId * Long.BYTES);
              return bits >= 0
                  ? Decimal.apply(bits, precision, scale)
                  : Decimal.apply(
                      new BigDecimal(new BigInteger(Long.toUnsignedString(bits))),
                      precision,
                      scale);
            }
          };
      case COMPLEX_FLOAT, COMPLEX_DOUBLE -> new Complexes(element, tensor);
      case BYTE, SHORT, INT, LONG, FLOAT, DOUBLE, BYTES_OF_ROW, TEXT, BINARY ->
          throw new IllegalArgumentException("Spark reads " + element + " itself");
    };
  }

  @Override
  public Optional<TensorColumn> tensor() {
    return Optional.of(tensor);
  }

  @Override
  public TensorVector retained(BufferAllocator allocator) {
    ArrowBuf retained = memory.getReferenceManager().retain(memory, allocator);
    return of(element, new NativeElements(tensor.dtype(), tensor.form(), retained));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      memory.close();
    }
  }

  /** Pairs of numbers; the children read the parent's memory and own nothing. */
  private static final class Complexes extends WidenedElements {
    private final Part re;
    private final Part im;

    Complexes(OutputElement element, NativeElements tensor) {
      super(element, tensor);
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
