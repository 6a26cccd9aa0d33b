package io.tensorarrow.spark.source.variables;

import io.tensorarrow.spark.model.variables.ModelVariable;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** The columns of {@link VariablesTable}. */
enum VariableColumn {
  /** What TensorFlow calls the variable. */
  NAME,
  /** NumPy's name of its dtype. */
  DTYPE,
  /** Its dimensions. */
  SHAPE,
  /** The bytes of its elements. */
  TENSOR;

  static final StructType SCHEMA =
      new StructType(
          Arrays.stream(values()).map(VariableColumn::field).toArray(StructField[]::new));

  private DataType type() {
    return switch (this) {
      case NAME, DTYPE -> DataTypes.StringType;
      case SHAPE -> DataTypes.createArrayType(DataTypes.LongType, false);
      case TENSOR -> DataTypes.BinaryType;
    };
  }

  private StructField field() {
    return DataTypes.createStructField(name().toLowerCase(Locale.ROOT), type(), false);
  }

  /** Returns the columns of a schema that is a part of {@link #SCHEMA}. */
  static List<VariableColumn> of(StructType schema) {
    return Arrays.stream(schema.fieldNames())
        .map(name -> valueOf(name.toUpperCase(Locale.ROOT)))
        .toList();
  }

  /** Returns the schema of some columns. */
  static StructType schema(List<VariableColumn> columns) {
    return new StructType(columns.stream().map(VariableColumn::field).toArray(StructField[]::new));
  }

  /**
   * Returns a variable as a row.
   *
   * @param tensor reads its elements; asked only if there is a column for them
   */
  static InternalRow row(
      List<VariableColumn> columns, ModelVariable variable, Supplier<byte[]> tensor) {
    return new GenericInternalRow(
        columns.stream().map(column -> column.cell(variable, tensor)).toArray());
  }

  private Object cell(ModelVariable variable, Supplier<byte[]> tensor) {
    return switch (this) {
      case NAME -> UTF8String.fromString(variable.name());
      case DTYPE -> UTF8String.fromString(variable.dtypeName());
      case SHAPE ->
          new GenericArrayData(variable.shape().stream().mapToLong(Long::longValue).toArray());
      case TENSOR -> tensor.get();
    };
  }
}
