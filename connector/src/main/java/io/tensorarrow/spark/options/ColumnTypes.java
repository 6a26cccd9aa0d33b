package io.tensorarrow.spark.options;

import java.io.Serializable;

/**
 * Which Spark types the user wants for outputs that could have several.
 *
 * @param strings for DT_STRING
 * @param bytes for uint8 with inner dimensions
 */
public record ColumnTypes(Strings strings, Bytes bytes) implements Serializable {
  /** The defaults. */
  public static final ColumnTypes DEFAULT = new ColumnTypes(Strings.STRING, Bytes.ARRAY);

  /** Spark types of string tensors. */
  public enum Strings {
    /** STRING; bytes that are not valid UTF-8 are an error. */
    STRING,
    /** BINARY, the bytes as they are. */
    BINARY
  }

  /** Spark types of uint8 tensors. */
  public enum Bytes {
    /** An array of SMALLINT. */
    ARRAY,
    /** BINARY, one value for each row. */
    BINARY
  }
}
