package io.tensorarrow.spark.source;

import io.tensorarrow.spark.columnar.Replacement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.BoundReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.collection.JavaConverters;

/** Filters that the wrapped source does not guarantee, made ready to run over its batches. */
final class Residual {
  private Residual() {}

  /** Returns the columns that a filter refers to. */
  static List<AttributeReference> references(Expression filter) {
    List<AttributeReference> references = new ArrayList<>();
    for (Attribute attribute : JavaConverters.seqAsJavaList(filter.references().toSeq())) {
      if (attribute instanceof AttributeReference reference) {
        references.add(reference);
      }
    }
    return references;
  }

  /**
   * Joins filters and binds their columns by name to a schema's ordinals; in this form equal
   * filters are equal objects.
   *
   * @return their conjunction, or empty if there are none
   */
  static Optional<Expression> bind(List<Expression> filters, StructType schema) {
    return filters.stream().map(filter -> bind(filter, schema)).reduce(And::new);
  }

  private static Expression bind(Expression filter, StructType schema) {
    return Replacement.in(
        filter,
        AttributeReference.class,
        reference -> {
          int ordinal = schema.fieldIndex(reference.name());
          StructField field = schema.fields()[ordinal];
          return new BoundReference(ordinal, field.dataType(), field.nullable());
        });
  }
}
