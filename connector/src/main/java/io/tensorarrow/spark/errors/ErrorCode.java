package io.tensorarrow.spark.errors;

/**
 * The kinds of faults. Each has a row in the README (a test compares them) and a test that provokes
 * it.
 */
public enum ErrorCode {
  /** An option that does not exist. */
  TA_OPTION_UNKNOWN("an option that does not exist"),
  /** An option whose value can't be used. */
  TA_OPTION_INVALID("an option whose value can't be used"),
  /** A required option that was not given. */
  TA_OPTION_MISSING("a required option was not given"),
  /** Options that exclude each other, or something this version does not cover yet. */
  TA_UNSUPPORTED("something that this version does not cover"),
  /** No SavedModel at the given place, or not on this host. */
  TA_MODEL_NOT_FOUND("no SavedModel at the given place, or not on the executor's host"),
  /** A SavedModel that can't be read or is not whole. */
  TA_MODEL_CORRUPT("a SavedModel that can't be read or is not whole"),
  /** The model changed: its files after the query was planned, or its signature before. */
  TA_MODEL_CHANGED(
      "the model's files changed after the query was planned, or its signature after the read was opened"),
  /** TensorFlow can't load the model. */
  TA_MODEL_LOAD("TensorFlow can't load the model"),
  /** A model directory has no such version, or none that is whole. */
  TA_VERSION_NOT_FOUND("a directory of versions has no such version, or none that is whole"),
  /** A remote model can't be listed, read or copied to the executor's host. */
  TA_MODEL_FETCH("a remote model can't be read or copied to the executor's host"),
  /** The graph is built so that loading it could end the process. */
  TA_MODEL_UNSAFE_TO_LOAD("a graph that is malformed: loading it could end the process"),
  /** The model reaches an operation that TensorFlow 2.18 does not have. */
  TA_OP_UNKNOWN("the model needs an operation that TensorFlow 2.18 does not have"),
  /** The model reaches an operation that may touch more than its own tensors. */
  TA_OP_NOT_ALLOWED("the model reaches an operation that touches more than its own tensors"),
  /** No graph in the SavedModel has the wanted tag set. */
  TA_TAGS_NOT_FOUND("no graph in the SavedModel has the wanted tag set"),
  /** The SavedModel has no such signature. */
  TA_SIGNATURE_NOT_FOUND("the SavedModel has no such signature"),
  /** Input columns are missing, unknown or ambiguous. */
  TA_INPUT_MISMATCH("input columns are missing, unknown or ambiguous"),
  /** An input column has a type that can't be fed to its tensor. */
  TA_INPUT_TYPE("an input column's type can't be fed to its tensor"),
  /** An input or output tensor is of a kind that can't be used row by row. */
  TA_TENSOR_UNSUPPORTED("a tensor whose dtype or shape can't be fed or fetched row by row"),
  /** The wanted outputs do not exist or are named twice. */
  TA_OUTPUT_MISMATCH("outputs that do not exist or are named twice"),
  /** Two columns of the result would have the same name. */
  TA_COLUMN_CLASH("two columns of the result would have the same name"),
  /** A null where a tensor needs a value. */
  TA_NULL_INPUT("a null where a tensor needs a value"),
  /** A row's array does not have the length or nesting that the signature demands. */
  TA_INPUT_SHAPE(
      "a row's array does not fit the signature's shape, or rows of one batch differ in length"),
  /** A value does not fit into the tensor's dtype. */
  TA_CAST_OVERFLOW("a value does not fit into the tensor's dtype"),
  /** The model returned a tensor that does not fit its signature or the rows fed. */
  TA_OUTPUT_SHAPE("the model returned a tensor that does not fit its signature or the rows fed"),
  /** An output does not have one row for each row fed. */
  TA_OUTPUT_NOT_BATCHED("an output does not have one row for each row that was fed"),
  /** A string of the model is not valid UTF-8. */
  TA_OUTPUT_STRING("a string output is not valid UTF-8: read it with `strings=binary`"),
  /** The model failed while running. */
  TA_MODEL_RUN("the model failed while running"),
  /** A variable whose elements can't be given as bytes in one row. */
  TA_VARIABLE_UNSUPPORTED("a variable that is too large for a row, or of a dtype without bytes"),
  /** Batches can't get to Python functions, or not in the way that was demanded. */
  TA_HANDOVER(
      "batches can't be handed over to Python, or not in the way that was demanded, or a worker's reply is not what was agreed"),
  /** A Python function returned fewer columns than it declared. */
  TA_RESULT_COLUMNS("a Python function returned fewer columns than were declared"),
  /** A Python function returned a column of another type than it declared. */
  TA_RESULT_TYPE("a Python function returned a column whose type is not the declared one"),
  /** Spark is of another version than this artifact was built for. */
  TA_VERSION_MISMATCH("Spark or Scala is of another version than this artifact was built for"),
  /** TensorFlow's native libraries can't be loaded. */
  TA_NATIVES("TensorFlow's native libraries can't be extracted or loaded"),
  /** No data source has the given name. */
  TA_SOURCE_NOT_FOUND("no data source of the given name on the class path"),
  /** The wrapped source can't be read by way of Data Source V2. */
  TA_SOURCE_UNSUPPORTED(
      "the wrapped source can't be read through Data Source V2, or not with a schema, or a file format was pointed at a table of Delta Lake, Iceberg or Hudi"),
  /** The wrapped source lost columns after the read was opened. */
  TA_SOURCE_CHANGED("the wrapped source lost columns after the read was opened"),
  /** A command would delete the files that it reads. */
  TA_OVERWRITE("a command would delete files before its own query reads them");

  private final String summary;

  ErrorCode(String summary) {
    this.summary = summary;
  }

  /** Returns one phrase for the README's table. */
  public String summary() {
    return summary;
  }
}
