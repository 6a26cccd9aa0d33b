package io.tensorarrow.spark.python.arrow;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * Which Arrow types a function may return where it declared a type. As in Spark, whose reader
 * accepts what has accessors of the declared type; and what NumPy's users return: lists of a fixed
 * size, as tensors are, and the dtypes that Spark has to widen.
 */
final class DeclaredType {
  private static final ArrowType INT32 = new ArrowType.Int(32, true);
  private static final ArrowType INT64 = new ArrowType.Int(64, true);
  private static final ArrowType FLOAT32 =
      new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE);

  private DeclaredType() {}

  /**
   * Matches a returned column with the declared one.
   *
   * @param actual the field that was returned
   * @param declared the field that Spark has for the declared type
   * @return the field of the vector that the column is loaded into, or empty if its type does not
   *     fit
   */
  static Optional<Field> match(Field actual, Field declared) {
    if (actual.getDictionary() != null) {
      return Optional.empty();
    }
    if (actual.getType() instanceof ArrowType.Null) {
      return Optional.of(declared);
    }
    return declared.getChildren().isEmpty()
        ? matchFlat(actual, declared)
        : matchNested(actual, declared);
  }

  private static Optional<Field> matchFlat(Field actual, Field declared) {
    ArrowType actualType = actual.getType();
    ArrowType declaredType = declared.getType();
    if (isOtherOffsetWidth(actualType, declaredType)) {
      // Spark reads it as well as the declared one.
      return Optional.of(new Field(declared.getName(), actual.getFieldType(), null));
    }
    boolean fits = isReadAs(actualType, declaredType) || isWidenedTo(actualType, declaredType);
    return fits && actual.getChildren().isEmpty() ? Optional.of(declared) : Optional.empty();
  }

  private static Optional<Field> matchNested(Field actual, Field declared) {
    List<Field> actualChildren = actual.getChildren();
    List<Field> declaredChildren = declared.getChildren();
    if (!isSameKind(actual.getType(), declared.getType())
        || actualChildren.size() < declaredChildren.size()) {
      return Optional.empty();
    }
    List<Field> children = new ArrayList<>();
    for (int i = 0; i < declaredChildren.size(); i++) {
      Optional<Field> child = match(actualChildren.get(i), declaredChildren.get(i));
      if (child.isEmpty()) {
        return Optional.empty();
      }
      children.add(child.get());
    }
    return Optional.of(new Field(declared.getName(), declared.getFieldType(), children));
  }

  private static boolean isSameKind(ArrowType actual, ArrowType declared) {
    if (declared instanceof ArrowType.List) {
      return actual instanceof ArrowType.List || actual instanceof ArrowType.FixedSizeList;
    }
    return (declared instanceof ArrowType.Map && actual instanceof ArrowType.Map)
        || (declared instanceof ArrowType.Struct && actual instanceof ArrowType.Struct);
  }

  /** Whether two types of strings or binaries differ in nothing but the width of their offsets. */
  private static boolean isOtherOffsetWidth(ArrowType actual, ArrowType declared) {
    return (actual instanceof ArrowType.LargeUtf8 && declared instanceof ArrowType.Utf8)
        || (actual instanceof ArrowType.Utf8 && declared instanceof ArrowType.LargeUtf8)
        || (actual instanceof ArrowType.LargeBinary && declared instanceof ArrowType.Binary)
        || (actual instanceof ArrowType.Binary && declared instanceof ArrowType.LargeBinary);
  }

  /** Whether Spark's reader gives the values of one type where another was declared. */
  private static boolean isReadAs(ArrowType actual, ArrowType declared) {
    return actual.equals(declared)
        || (isReadAsLong(actual) && isReadAsLong(declared))
        || (isReadAsInt(actual) && isReadAsInt(declared))
        || (actual instanceof ArrowType.Decimal actualDecimal
            && declared instanceof ArrowType.Decimal declaredDecimal
            && actualDecimal.getBitWidth() == declaredDecimal.getBitWidth());
  }

  private static boolean isReadAsLong(ArrowType type) {
    return type.equals(INT64)
        || type.equals(new ArrowType.Duration(TimeUnit.MICROSECOND))
        || (type instanceof ArrowType.Timestamp time && time.getUnit() == TimeUnit.MICROSECOND);
  }

  private static boolean isReadAsInt(ArrowType type) {
    return type.equals(INT32)
        || type.equals(new ArrowType.Date(DateUnit.DAY))
        || type.equals(new ArrowType.Interval(IntervalUnit.YEAR_MONTH));
  }

  /** Whether the declared type is the one that Spark widens the actual one of NumPy to. */
  private static boolean isWidenedTo(ArrowType actual, ArrowType declared) {
    if (actual.equals(ArrowFields.FLOAT16)) {
      return declared.equals(FLOAT32);
    }
    if (!(actual instanceof ArrowType.Int number) || number.getIsSigned()) {
      return false;
    }
    return number.getBitWidth() == 64
        ? declared instanceof ArrowType.Decimal decimal
            && decimal.getPrecision() == 20
            && decimal.getScale() == 0
        : declared.equals(new ArrowType.Int(2 * number.getBitWidth(), true));
  }
}
