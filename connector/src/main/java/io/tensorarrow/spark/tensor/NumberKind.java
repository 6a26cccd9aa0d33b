package io.tensorarrow.spark.tensor;

/** NumPy's kinds in NumPy's order: a cast within a kind or to a later one is of the same kind. */
public enum NumberKind {
  BOOL,
  UNSIGNED,
  SIGNED,
  FLOATING,
  COMPLEX
}
