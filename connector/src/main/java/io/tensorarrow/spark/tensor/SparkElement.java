package io.tensorarrow.spark.tensor;

/**
 * The types that single elements have in Spark, by the names of SQL and PyArrow: this package does
 * not know Spark's classes.
 */
public enum SparkElement {
  BOOLEAN("BOOLEAN", "bool"),
  BYTE("BYTE", "int8"),
  SHORT("SHORT", "int16"),
  INT("INT", "int32"),
  LONG("LONG", "int64"),
  FLOAT("FLOAT", "float"),
  DOUBLE("DOUBLE", "double"),
  /** The integers of uint64. */
  DECIMAL("DECIMAL(20,0)", "decimal128(20, 0)"),
  COMPLEX_FLOAT("STRUCT<re: FLOAT, im: FLOAT>", "struct<re: float, im: float>"),
  COMPLEX_DOUBLE("STRUCT<re: DOUBLE, im: DOUBLE>", "struct<re: double, im: double>"),
  STRING("STRING", "string");

  private final String sqlName;
  private final String arrowName;

  SparkElement(String sqlName, String arrowName) {
    this.sqlName = sqlName;
    this.arrowName = arrowName;
  }

  /** Returns the type's name in SQL. */
  public String sqlName() {
    return sqlName;
  }

  /** Returns PyArrow's name of the Arrow type that Spark has for it, for the generated tables. */
  public String arrowName() {
    return arrowName;
  }
}
