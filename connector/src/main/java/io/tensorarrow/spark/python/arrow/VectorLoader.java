package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.tensor.vector.HalfFloat;
import io.tensorarrow.spark.tensor.vector.Validity;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.UInt1Vector;
import org.apache.arrow.vector.UInt2Vector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.UInt8Vector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.spark.sql.types.Decimal;

/**
 * Loads returned columns into vectors of the declared types. Elements are referenced, and copied
 * only where they have to be converted.
 */
final class VectorLoader {
  private final BufferAllocator allocator;

  VectorLoader(BufferAllocator allocator) {
    this.allocator = allocator;
  }

  /**
   * Loads a vector into an empty one, over the same buffers where the layouts are the same.
   *
   * @param from stays the caller's
   * @param to of the field that {@link DeclaredType#match} returned
   */
  void load(FieldVector from, FieldVector to) {
    int count = from.getValueCount();
    if (from instanceof NullVector && !(to instanceof NullVector)) {
      to.setInitialCapacity(count);
      to.allocateNew();
      to.setValueCount(count);
    } else if (from instanceof FixedSizeListVector lists) {
      loadFixedSizeLists(lists, to);
      load(lists.getDataVector(), ((ListVector) to).getDataVector());
    } else if (to instanceof DecimalVector decimals && !sameScale(from, to)) {
      loadDecimals(from, decimals);
    } else if (isUnsigned(from) && !isUnsigned(to)) {
      widen(from, to);
    } else {
      to.loadFieldBuffers(
          new ArrowFieldNode(count, Validity.nullCount(from)), from.getFieldBuffers());
      List<FieldVector> fromChildren = from.getChildrenFromFields();
      List<FieldVector> toChildren = to.getChildrenFromFields();
      for (int i = 0; i < toChildren.size(); i++) {
        load(fromChildren.get(i), toChildren.get(i));
      }
    }
  }

  /** Writes the offsets that lists of a fixed size do not need. */
  private void loadFixedSizeLists(FixedSizeListVector from, FieldVector to) {
    int count = from.getValueCount();
    int size = from.getListSize();
    if (from.getDataVector().getValueCount() < (long) count * size) {
      throw new IllegalStateException("lists with fewer elements than they say");
    }
    try (ArrowBuf offsets = allocator.buffer((count + 1L) * Integer.BYTES)) {
      for (int i = 0; i <= count; i++) {
        offsets.setInt((long) i * Integer.BYTES, i * size);
      }
      offsets.writerIndex(offsets.capacity());
      to.loadFieldBuffers(
          new ArrowFieldNode(count, Validity.nullCount(from)),
          List.of(from.getValidityBuffer(), offsets));
    }
  }

  private static boolean sameScale(FieldVector from, FieldVector to) {
    return from.getField().getType().equals(to.getField().getType());
  }

  /** Rounds as Spark's reader does, or fails with its error. */
  private static void loadDecimals(FieldVector from, DecimalVector to) {
    int count = from.getValueCount();
    to.allocateNew(count);
    for (int i = 0; i < count; i++) {
      if (!from.isNull(i)) {
        BigDecimal value =
            from instanceof UInt8Vector unsigned
                ? new BigDecimal(unsigned(unsigned.get(i)))
                : ((DecimalVector) from).getObject(i);
        Decimal rounded =
            Decimal.apply(
                scala.math.BigDecimal.javaBigDecimal2bigDecimal(value),
                to.getPrecision(),
                to.getScale());
        to.set(i, rounded.toJavaBigDecimal());
      }
    }
    to.setValueCount(count);
  }

  private static BigInteger unsigned(long bits) {
    return new BigInteger(Long.toUnsignedString(bits));
  }

  private static boolean isUnsigned(FieldVector vector) {
    return vector.getField().getType() instanceof ArrowType.Int number && !number.getIsSigned();
  }

  private static void widen(FieldVector from, FieldVector to) {
    int count = from.getValueCount();
    to.setInitialCapacity(count);
    to.allocateNew();
    for (int i = 0; i < count; i++) {
      if (!from.isNull(i)) {
        if (from instanceof UInt1Vector bytes) {
          ((SmallIntVector) to).set(i, bytes.get(i) & 0xff);
        } else if (from instanceof UInt4Vector words) {
          ((BigIntVector) to).set(i, Integer.toUnsignedLong(words.get(i)));
        } else if (to instanceof Float4Vector floats) {
          floats.set(i, HalfFloat.toFloat((short) ((UInt2Vector) from).get(i)));
        } else {
          ((IntVector) to).set(i, ((UInt2Vector) from).get(i));
        }
      }
    }
    to.setValueCount(count);
  }
}
