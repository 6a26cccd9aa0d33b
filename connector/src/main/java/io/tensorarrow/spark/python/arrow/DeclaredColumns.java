package io.tensorarrow.spark.python.arrow;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Converts the columns that a function of batches returned into those that it declared. Nothing
 * before this checks them: a column of another type would be read as numbers that nobody wrote.
 *
 * <p>Columns are matched by position, as in Spark. {@link DeclaredType} says which types fit, and
 * {@link VectorLoader} converts those that differ from the declared ones in memory.
 *
 * <p>Immutable.
 */
public final class DeclaredColumns {
  private final StructType declared;
  private final List<Field> declaredFields;
  private final BufferAllocator allocator;

  /**
   * Creates a converter of a function's results.
   *
   * @param declared the columns' names and types
   * @param declaredFields the Arrow fields that Spark has for them
   * @param allocator counts what has to be converted
   */
  public DeclaredColumns(
      StructType declared, List<Field> declaredFields, BufferAllocator allocator) {
    this.declared = declared;
    this.declaredFields = List.copyOf(declaredFields);
    this.allocator = allocator;
  }

  /**
   * Converts a batch, which stays the caller's and has to stay as it is until the result is closed.
   *
   * @param vectors at least as many columns as were declared; more are left out, as Spark does
   * @param actualFields their fields as they were sent
   * @throws TensorArrowException with {@link ErrorCode#TA_RESULT_COLUMNS} or {@link
   *     ErrorCode#TA_RESULT_TYPE} if they are not what was declared
   */
  public ArrowColumns convert(List<FieldVector> vectors, List<Field> actualFields) {
    checkCount(actualFields);
    return convert(vectors, actualFields, 0, declaredFields.size());
  }

  /**
   * Converts one column of a batch whose other columns came elsewhere; otherwise like {@link
   * #convert}.
   *
   * @param actualField the vector's field as it was sent
   * @param ordinal which of the declared columns it is
   */
  public ArrowColumns convertOne(FieldVector vector, Field actualField, int ordinal) {
    return convert(List.of(vector), List.of(actualField), ordinal, 1);
  }

  private ArrowColumns convert(
      List<FieldVector> vectors, List<Field> actualFields, int firstOrdinal, int count) {
    VectorLoader loader = new VectorLoader(allocator);
    List<FieldVector> results = new ArrayList<>();
    List<FieldVector> converted = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        Field target = match(actualFields.get(i), firstOrdinal + i);
        if (ArrowFields.sameLayout(actualFields.get(i), target)) {
          results.add(vectors.get(i));
        } else {
          FieldVector vector = target.createVector(allocator);
          converted.add(vector);
          results.add(vector);
          loader.load(vectors.get(i), vector);
        }
      }
      return new ArrowColumns(results, converted, 0, allocator);
    } catch (Throwable e) {
      converted.forEach(FieldVector::close);
      throw e;
    }
  }

  /**
   * Checks that there are enough columns, which even a batch without rows has to have.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_RESULT_COLUMNS} if not
   */
  public void checkCount(List<Field> actualFields) {
    if (actualFields.size() < declaredFields.size()) {
      throw TensorArrowException.cannot(
              ErrorCode.TA_RESULT_COLUMNS, "take columns from the Python function")
          .found("%d (%s)", actualFields.size(), names(actualFields))
          .expected(
              "the %d that were declared (%s), in this order",
              declaredFields.size(), names(declaredFields));
    }
  }

  private static String names(List<Field> fields) {
    return fields.stream().map(Field::getName).collect(Collectors.joining(", "));
  }

  private Field match(Field actualField, int ordinal) {
    Field declaredField = declaredFields.get(ordinal);
    return DeclaredType.match(actualField, declaredField)
        .orElseThrow(() -> mismatch(actualField, declaredField, declared.fields()[ordinal]));
  }

  private static TensorArrowException mismatch(
      Field actualField, Field declaredField, StructField column) {
    return TensorArrowException.cannot(
            ErrorCode.TA_RESULT_TYPE, "take column '%s' from the Python function", column.name())
        .found("Arrow type %s", ArrowFields.text(actualField))
        .expected(
            "%s for the declared type %s: cast the column, or declare another type",
            ArrowFields.text(declaredField), column.dataType().catalogString());
  }
}
