package io.tensorarrow.spark.errors;

/**
 * What can go wrong: each code with its meaning and with what to do about it. The reference of
 * errors is generated from these constants (a test compares them), and a test provokes each.
 */
public enum ErrorCode {
  TA_OPTION_UNKNOWN(
      "an option that does not exist",
      "Correct the name: the message suggests the closest one. Options of the wrapped "
          + "source need the prefix `source.`, options of Hadoop the prefix `fs.`."),
  TA_OPTION_INVALID(
      "an option whose value can't be used",
      "Give a value of the form that the message names. If it is about `allowOps`, an "
          + "administrator has to list the operation in `spark.tensorarrow.allowOps.max`."),
  TA_OPTION_MISSING(
      "a required option was not given",
      "Add the option that the message names, for instance `.option(\"model\", "
          + "\"models/digits\")`, or `path` by `load(path)`."),
  TA_UNSUPPORTED(
      "something that this version does not cover",
      "The message says what was found and what is supported instead. Often one of two "
          + "options that exclude each other has to go, or `batchRows` has to be lower because "
          + "a batch is too large."),
  TA_MODEL_NOT_FOUND(
      "no SavedModel at the given place, or not on the executor's host",
      "Check that the directory holds `saved_model.pb`, or numbered directories that do. "
          + "A local path must exist on the driver and on every executor's host: use a shared "
          + "or remote file system otherwise."),
  TA_MODEL_CORRUPT(
      "a SavedModel that can't be read or is incomplete",
      "Copy or export the model again. If it is still being uploaded, wait, or pin an "
          + "older version with the option `version`."),
  TA_MODEL_CHANGED(
      "the model's files changed after the query was planned, or its signature after the "
          + "read was opened",
      "Run the query again if the files changed, and open the read again if the signature "
          + "did. To avoid both, put each model into a new numbered directory instead of "
          + "overwriting files."),
  TA_MODEL_LOAD(
      "TensorFlow can't load the model",
      "Read TensorFlow's own message, which is quoted. Load the model in TensorFlow 2.18 "
          + "or older to see whether it is at fault; an incomplete export is the usual cause."),
  TA_VERSION_NOT_FOUND(
      "a directory of versions has no such version, or no complete one",
      "Use one of the versions or labels that the message lists, or `latest`. A version "
          + "counts as complete only once all its files are there."),
  TA_MODEL_FETCH(
      "a remote model can't be read or copied to the executor's host",
      "Check the credentials (`fs.*` options), the network, and the free space in "
          + "`spark.tensorarrow.models.directory`. The store's own error is the cause in the "
          + "stack trace."),
  TA_MODEL_UNSAFE_TO_LOAD(
      "a graph that is malformed: loading it could end the process",
      "Export the model again with TensorFlow. No option lifts this check, because native "
          + "code would crash on such a graph."),
  TA_OP_UNKNOWN(
      "the model needs an operation that TensorFlow 2.18 does not have",
      "Export the model without the custom or newer operation, or select outputs that do "
          + "not reach it with `outputs`."),
  TA_OP_NOT_ALLOWED(
      "the model reaches an operation that touches more than its own tensors",
      "Select outputs that do not reach the operation with `outputs`. If you trust the "
          + "model, name the operation in `allowOps`; an administrator has to permit it in "
          + "`spark.tensorarrow.allowOps.max`."),
  TA_TAGS_NOT_FOUND(
      "no graph in the SavedModel has the wanted tag set",
      "Use one of the tag sets that the message lists in the option `tags`, or export the "
          + "model with the tag `serve`."),
  TA_SIGNATURE_NOT_FOUND(
      "the SavedModel has no such signature",
      "Use one of the signatures that the message lists in the option `signature`. "
          + "`ta.show(model)` prints them with their tensors."),
  TA_INPUT_MISMATCH(
      "input columns are missing, unknown or ambiguous",
      "Map each tensor to a column with `inputs`, for instance `inputs='pixels=image'`. "
          + "The message lists the columns and tensors that exist."),
  TA_INPUT_TYPE(
      "an input column's type can't be fed to its tensor",
      "Write the converted rows to a table and read that, or give a CSV or JSON source "
          + "its types with `.schema(...)`. To convert float to int, set `cast=unsafe`."),
  TA_TENSOR_UNSUPPORTED(
      "a tensor whose dtype or shape can't be fed or fetched row by row",
      "Leave the output out of `outputs`, or export a signature with a batch axis and a "
          + "supported dtype (`tf.sparse.to_dense` for sparse outputs)."),
  TA_OUTPUT_MISMATCH(
      "outputs that do not exist or are named twice",
      "Name each output once, with a name from the list in the message."),
  TA_COLUMN_CLASH(
      "two columns of the result would have the same name",
      "Rename the output: `outputs='tensor=other_name'`."),
  TA_NULL_INPUT(
      "a null where a tensor needs a value",
      "Filter such rows; the filter runs before the model: `where x is not null`, or for "
          + "elements `where not exists(x, e -> e is null)`."),
  TA_INPUT_SHAPE(
      "a row's array does not fit the signature's shape, or rows of one batch differ in "
          + "length",
      "Filter rows by length (`where size(x) = 64`), or pad them in the table. If the "
          + "signature leaves the length open, `batchRows=1` runs rows of any length."),
  TA_CAST_OVERFLOW(
      "a value does not fit into the tensor's dtype",
      "Filter such rows, or export the signature with a wider dtype. Every cast mode "
          + "checks the range."),
  TA_OUTPUT_SHAPE(
      "the model returned a tensor that does not fit its signature or the rows fed",
      "Correct the model: the declared shape of the output and what it computes differ. "
          + "`ta.show(model)` prints what is declared."),
  TA_OUTPUT_NOT_BATCHED(
      "an output does not have one row for each row that was fed",
      "Leave the output out of `outputs`, or change the signature so that the output's "
          + "first axis is the batch."),
  TA_OUTPUT_STRING("a string output is not valid UTF-8", "Read it as bytes with `strings=binary`."),
  TA_MODEL_RUN(
      "the model failed while running",
      "Read TensorFlow's own message, which is quoted and may name a value. The place of "
          + "the rows is in the message; if memory ran out, lower `batchRows` or raise "
          + "`spark.executor.memoryOverhead`."),
  TA_VARIABLE_UNSUPPORTED(
      "a variable that is too large for a row, or of a dtype without bytes",
      "Filter by `name`, leave out the column `tensor`, or name the wanted variables in "
          + "`ta.variables(..., names=[...])`."),
  TA_HANDOVER(
      "batches can't be handed over to Python, or not in the required transfer mode, or a "
          + "worker's reply is not what was agreed",
      "Use `handover=auto`, or change the plan or `/dev/shm` as the message says. After "
          + "an upgrade make sure that the driver's jar and the workers' module have the same "
          + "version."),
  TA_RESULT_COLUMNS(
      "a Python function returned fewer columns than were declared",
      "Return as many columns as the declared schema has, in its order, or declare fewer."),
  TA_RESULT_TYPE(
      "a Python function returned a column whose type is not the declared one",
      "Cast the column in the function, or declare the type that the message names."),
  TA_VERSION_MISMATCH(
      "Spark or Scala is of another version than this artifact was built for",
      "Use the artifact that the message names: the Spark and Scala versions are part of "
          + "its name."),
  TA_NATIVES(
      "TensorFlow's native libraries can't be extracted or loaded",
      "Make `spark.tensorarrow.natives.directory` a directory of the executor's user with "
          + "about 700 MB free, on a file system that is not mounted `noexec`. The jar must be "
          + "built for the host's platform."),
  TA_SOURCE_NOT_FOUND(
      "no data source of the given name on the class path",
      "Correct the option `source`, or add the source's package with `--packages`."),
  TA_SOURCE_UNSUPPORTED(
      "the wrapped source can't be read through Data Source V2, or not with a schema, or "
          + "a file format was pointed at a table of Delta Lake, Iceberg or Hudi",
      "Read Iceberg tables with `source=iceberg`. Write rows of other tables to Parquet "
          + "and read those; for Delta Lake see what the message proposes."),
  TA_SOURCE_CHANGED(
      "the wrapped source lost columns after the read was opened",
      "Open the read again, or create the temporary view again."),
  TA_OVERWRITE(
      "a command would delete files before its own query reads them",
      "Write to another table or directory and rename it, or use dynamic partition "
          + "overwrite (`spark.sql.sources.partitionOverwriteMode=dynamic`).");

  private final String meaning;
  private final String remedy;

  ErrorCode(String meaning, String remedy) {
    this.meaning = meaning;
    this.remedy = remedy;
  }

  /** Returns what the code means, as one phrase without a full stop, in Markdown. */
  public String meaning() {
    return meaning;
  }

  /** Returns what to do about it, as sentences in Markdown. */
  public String remedy() {
    return remedy;
  }
}
