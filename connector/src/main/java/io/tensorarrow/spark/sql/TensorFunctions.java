package io.tensorarrow.spark.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Expression;

/** Later. */
final class TensorFunctions {
  static final List<SqlFunction<Expression>> ALL = List.of();

  private TensorFunctions() {}
}
