package io.tensorarrow.spark.python.arrow;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** What batches on their way out and on their way back ask of Arrow fields. */
public final class ArrowFields {
  static final ArrowType FLOAT16 = new ArrowType.FloatingPoint(FloatingPointPrecision.HALF);
  private static final ArrowType UINT16 = new ArrowType.Int(16, false);

  private ArrowFields() {}

  /** Whether vectors of two fields have the same buffers; names and time zones do not matter. */
  public static boolean sameLayout(Field actual, Field expected) {
    List<Field> actualChildren = actual.getChildren();
    List<Field> expectedChildren = expected.getChildren();
    if (!sameType(actual.getType(), expected.getType())
        || actualChildren.size() != expectedChildren.size()) {
      return false;
    }
    for (int i = 0; i < actualChildren.size(); i++) {
      if (!sameLayout(actualChildren.get(i), expectedChildren.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameType(ArrowType actual, ArrowType expected) {
    if (actual instanceof ArrowType.Timestamp actualTime
        && expected instanceof ArrowType.Timestamp expectedTime) {
      return actualTime.getUnit() == expectedTime.getUnit();
    }
    return actual.equals(expected);
  }

  /**
   * Returns a field as Java's Arrow can read it, which has no vectors of float16: their bits as
   * uint16, which has the same size.
   */
  public static Field readable(Field field) {
    ArrowType type = field.getType().equals(FLOAT16) ? UINT16 : field.getType();
    FieldType fieldType =
        new FieldType(field.isNullable(), type, field.getDictionary(), field.getMetadata());
    List<Field> children = field.getChildren().stream().map(ArrowFields::readable).toList();
    return new Field(field.getName(), fieldType, children);
  }

  /** Returns a field's type with those of its children, for error messages. */
  public static String text(Field field) {
    String children =
        field.getChildren().isEmpty()
            ? ""
            : field.getChildren().stream()
                .map(ArrowFields::text)
                .collect(Collectors.joining(", ", "<", ">"));
    return field.getType() + children + (field.getDictionary() == null ? "" : " of a dictionary");
  }
}
