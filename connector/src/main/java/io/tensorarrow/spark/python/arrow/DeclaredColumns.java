package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.tensor.vector.HalfFloat;
import io.tensorarrow.spark.tensor.vector.Validity;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
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
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Makes the columns that a function of batches declared out of those that it returned. Nobody has
 * checked these: a column of another type would be read as numbers that nobody wrote.
 *
 * <p>Columns go by their place, as in Spark, whose reader lets through what has accessors of the
 * declared type; so does this, and where it differs in memory it is converted. Beyond that it takes
 * what NumPy's users return: lists of a fixed size, as tensors are, and the dtypes that Spark has
 * to widen. Elements are not copied unless they have to be converted.
 *
 * <p>Immutable.
 */
public final class DeclaredColumns {
  private static final ArrowType UINT16 = new ArrowType.Int(16, false);
  private static final ArrowType INT32 = new ArrowType.Int(32, true);
  private static final ArrowType INT64 = new ArrowType.Int(64, true);
  private static final ArrowType FLOAT16 = new ArrowType.FloatingPoint(FloatingPointPrecision.HALF);
  private static final ArrowType FLOAT32 =
      new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);

  private final StructType declared;
  private final List<Field> fields;
  private final BufferAllocator allocator;

  /**
   * Takes what was declared.
   *
   * @param declared the columns' names and types
   * @param fields the Arrow fields that Spark has for them
   */
  public DeclaredColumns(StructType declared, List<Field> fields, BufferAllocator allocator) {
    this.declared = declared;
    this.fields = List.copyOf(fields);
    this.allocator = allocator;
  }

  /**
   * Returns a field as Java's Arrow can read it, which has no 16-bit floats: their bits, of the
   * same size.
   */
  public static Field readable(Field field) {
    ArrowType type = field.getType().equals(FLOAT16) ? UINT16 : field.getType();
    FieldType same =
        new FieldType(field.isNullable(), type, field.getDictionary(), field.getMetadata());
    return new Field(
        field.getName(),
        same,
        field.getChildren().stream().map(DeclaredColumns::readable).toList());
  }

  /**
   * Converts a batch, which stays the caller's and has to stay as it is until the result is closed.
   *
   * @param found at least as many columns as were declared; more are left out, as Spark does
   * @param types their fields as they were sent
   * @throws TensorArrowException with {@link ErrorCode#TA_RESULT_COLUMNS} or {@link
   *     ErrorCode#TA_RESULT_TYPE} if they are not what was declared
   */
  public ArrowColumns of(List<FieldVector> found, List<Field> types) {
    checkCount(types);
    return columns(found, types, 0, fields.size());
  }

  /**
   * Converts a column of a batch whose other columns came in another way; otherwise like {@link
   * #of}.
   *
   * @param found the column
   * @param type its field as it was sent
   * @param ordinal which of the declared columns it is to be
   */
  public ArrowColumns ofOne(FieldVector found, Field type, int ordinal) {
    return columns(List.of(found), List.of(type), ordinal, 1);
  }

  private ArrowColumns columns(List<FieldVector> found, List<Field> types, int first, int count) {
    List<FieldVector> vectors = new ArrayList<>();
    List<FieldVector> made = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        Field target = target(types.get(i), first + i);
        if (ColumnConversion.sameLayout(types.get(i), target)) {
          vectors.add(found.get(i));
        } else {
          FieldVector vector = target.createVector(allocator);
          made.add(vector);
          vectors.add(vector);
          load(found.get(i), vector);
        }
      }
      return new ArrowColumns(vectors, made, 0, allocator);
    } catch (Throwable fault) {
      made.forEach(FieldVector::close);
      throw fault;
    }
  }

  /**
   * Checks that there are enough columns, which even a batch without rows has to have.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_RESULT_COLUMNS} if not
   */
  public void checkCount(List<Field> types) {
    if (types.size() < fields.size()) {
      throw new TensorArrowException(
          ErrorCode.TA_RESULT_COLUMNS,
          "Cannot take columns from the Python function: found %d (%s); expected the %d that were declared (%s), in this order"
              .formatted(types.size(), names(types), fields.size(), names(fields)));
    }
  }

  private static String names(List<Field> fields) {
    return fields.stream().map(Field::getName).collect(Collectors.joining(", "));
  }

  private Field target(Field found, int column) {
    return target(found, fields.get(column))
        .orElseThrow(
            () -> {
              StructField wanted = declared.fields()[column];
              return new TensorArrowException(
                  ErrorCode.TA_RESULT_TYPE,
                  "Cannot take column '%s' from the Python function: found Arrow type %s; expected %s for the declared type %s: cast the column, or declare another type"
                      .formatted(
                          wanted.name(),
                          text(found),
                          text(fields.get(column)),
                          wanted.dataType().catalogString()));
            });
  }

  private static String text(Field field) {
    String parts =
        field.getChildren().isEmpty()
            ? ""
            : field.getChildren().stream()
                .map(DeclaredColumns::text)
                .collect(Collectors.joining(", ", "<", ">"));
    return field.getType() + parts + (field.getDictionary() == null ? "" : " of a dictionary");
  }

  /** Returns what a field becomes where another is wanted; empty if it does not fit. */
  private static Optional<Field> target(Field found, Field wanted) {
    ArrowType from = found.getType();
    ArrowType to = wanted.getType();
    if (found.getDictionary() != null) {
      return Optional.empty();
    }
    if (from instanceof ArrowType.Null) {
      return Optional.of(wanted);
    }
    if (wanted.getChildren().isEmpty()) {
      if (isLargeOf(from, to)) {
        // Spark reads it as well as the other.
        return Optional.of(new Field(wanted.getName(), found.getFieldType(), null));
      }
      return found.getChildren().isEmpty() && (isReadAs(from, to) || isWidenedTo(from, to))
          ? Optional.of(wanted)
          : Optional.empty();
    }
    boolean list =
        to instanceof ArrowType.List
            && (from instanceof ArrowType.List || from instanceof ArrowType.FixedSizeList);
    boolean map = to instanceof ArrowType.Map && from instanceof ArrowType.Map;
    boolean struct = to instanceof ArrowType.Struct && from instanceof ArrowType.Struct;
    List<Field> parts = new ArrayList<>();
    for (int i = 0; (list || map || struct) && i < wanted.getChildren().size(); i++) {
      if (i < found.getChildren().size()) {
        target(found.getChildren().get(i), wanted.getChildren().get(i)).ifPresent(parts::add);
      }
    }
    return parts.size() == wanted.getChildren().size()
        ? Optional.of(new Field(wanted.getName(), wanted.getFieldType(), parts))
        : Optional.empty();
  }

  private static boolean isLargeOf(ArrowType from, ArrowType to) {
    return (from instanceof ArrowType.LargeUtf8 && to instanceof ArrowType.Utf8)
        || (from instanceof ArrowType.Utf8 && to instanceof ArrowType.LargeUtf8)
        || (from instanceof ArrowType.LargeBinary && to instanceof ArrowType.Binary)
        || (from instanceof ArrowType.Binary && to instanceof ArrowType.LargeBinary);
  }

  /** Whether Spark's reader gives the values of one type where another was declared. */
  private static boolean isReadAs(ArrowType from, ArrowType to) {
    return from.equals(to)
        || (isLong(from) && isLong(to))
        || (isInt(from) && isInt(to))
        || (from instanceof ArrowType.Decimal a
            && to instanceof ArrowType.Decimal b
            && a.getBitWidth() == b.getBitWidth());
  }

  private static boolean isLong(ArrowType type) {
    return type.equals(INT64)
        || type.equals(new ArrowType.Duration(TimeUnit.MICROSECOND))
        || (type instanceof ArrowType.Timestamp time && time.getUnit() == TimeUnit.MICROSECOND);
  }

  private static boolean isInt(ArrowType type) {
    return type.equals(INT32)
        || type.equals(new ArrowType.Date(DateUnit.DAY))
        || type.equals(new ArrowType.Interval(IntervalUnit.YEAR_MONTH));
  }

  /** Whether a type is the one that Spark widens NumPy's to. */
  private static boolean isWidenedTo(ArrowType from, ArrowType to) {
    if (from.equals(FLOAT16)) {
      return to.equals(FLOAT32);
    }
    if (!(from instanceof ArrowType.Int number) || number.getIsSigned()) {
      return false;
    }
    return number.getBitWidth() == 64
        ? to instanceof ArrowType.Decimal decimal
            && decimal.getPrecision() == 20
            && decimal.getScale() == 0
        : to.equals(new ArrowType.Int(2 * number.getBitWidth(), true));
  }

  private void load(FieldVector from, FieldVector to) {
    int count = from.getValueCount();
    if (from instanceof NullVector && !(to instanceof NullVector)) {
      to.setInitialCapacity(count);
      to.allocateNew();
      to.setValueCount(count);
    } else if (from instanceof FixedSizeListVector lists) {
      loadLists(lists, to);
      load(lists.getDataVector(), ((ListVector) to).getDataVector());
    } else if (to instanceof DecimalVector decimals && !sameScale(from, to)) {
      loadDecimals(from, decimals);
    } else if (isUnsigned(from) && !isUnsigned(to)) {
      widen(from, to);
    } else {
      to.loadFieldBuffers(
          new ArrowFieldNode(count, Validity.nullCount(from)), from.getFieldBuffers());
      List<FieldVector> parts = from.getChildrenFromFields();
      List<FieldVector> wanted = to.getChildrenFromFields();
      for (int i = 0; i < wanted.size(); i++) {
        load(parts.get(i), wanted.get(i));
      }
    }
  }

  /** Writes the offsets that lists of a fixed size do not need. */
  private void loadLists(FixedSizeListVector from, FieldVector to) {
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
        Decimal fitting =
            Decimal.apply(
                scala.math.BigDecimal.javaBigDecimal2bigDecimal(value),
                to.getPrecision(),
                to.getScale());
        to.set(i, fitting.toJavaBigDecimal());
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
