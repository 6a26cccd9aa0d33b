package io.tensorarrow.spark.tensor;

/** The types that single elements have in Spark, by name: this package does not know Spark's. */
public enum SparkElement {
  BOOLEAN("BOOLEAN"),
  BYTE("BYTE"),
  SHORT("SHORT"),
  INT("INT"),
  LONG("LONG"),
  FLOAT("FLOAT"),
  DOUBLE("DOUBLE"),
  /** The integers of uint64. */
  DECIMAL("DECIMAL(20,0)"),
  COMPLEX_FLOAT("STRUCT<re: FLOAT, im: FLOAT>"),
  COMPLEX_DOUBLE("STRUCT<re: DOUBLE, im: DOUBLE>"),
  STRING("STRING");

  private final String sqlName;

  SparkElement(String sqlName) {
    this.sqlName = sqlName;
  }

  /** Returns the type's name in SQL. */
  public String sqlName() {
    return sqlName;
  }
}
