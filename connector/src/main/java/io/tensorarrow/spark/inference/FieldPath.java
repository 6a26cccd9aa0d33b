package io.tensorarrow.spark.inference;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.Remedies;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ColumnPath;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * Where a column or a struct's field is in batches of one schema.
 *
 * @param name its name, for errors
 * @param ordinals the column's number, then the fields' on the way down
 * @param type the type of what is there
 */
record FieldPath(ColumnPath name, List<Integer> ordinals, DataType type) {
  /**
   * Finds a path in a schema.
   *
   * @throws IllegalArgumentException if the schema has no such column or field
   */
  static FieldPath in(StructType schema, ColumnPath name) {
    List<Integer> ordinals = new ArrayList<>();
    DataType type = schema;
    for (String part : name.parts()) {
      StructType struct = (StructType) type;
      int ordinal = struct.fieldIndex(part);
      ordinals.add(ordinal);
      type = struct.apply(ordinal).dataType();
    }
    return new FieldPath(name, List.copyOf(ordinals), type);
  }

  /**
   * Returns the vector of a batch that holds the values; it belongs to the batch.
   *
   * @param rows the rows that must have a value; only the structs above the field are looked at
   * @throws TensorArrowException with {@code TA_NULL_INPUT} if a struct is null in one of them
   */
  ColumnVector vector(ColumnarBatch batch, RowSelection rows) {
    ColumnVector vector = batch.column(ordinals.get(0));
    for (int level = 1; level < ordinals.size(); level++) {
      // A null struct's fields may hold anything.
      checkNoNull(vector, rows, level);
      vector = vector.getChild(ordinals.get(level));
    }
    return vector;
  }

  private void checkNoNull(ColumnVector struct, RowSelection rows, int level) {
    if (!struct.hasNull()) {
      return;
    }
    for (int i = 0; i < rows.size(); i++) {
      if (struct.isNullAt(rows.at(i))) {
        ColumnPath nullStruct = new ColumnPath(name.parts().subList(0, level));
        String condition = nullStruct.sql() + " is not null";
        throw cannot(ErrorCode.TA_NULL_INPUT, "feed column '%s'", name)
            .found("a null in struct '%s'", nullStruct)
            .inRow(rows.at(i))
            .expected("a value in each row: %s", Remedies.withoutNulls(condition));
      }
    }
  }
}
