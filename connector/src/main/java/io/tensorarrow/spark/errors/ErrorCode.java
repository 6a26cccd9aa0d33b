package io.tensorarrow.spark.errors;

/**
 * What can go wrong: each code with its meaning, with what to do about it, and with a message. The
 * reference of errors is generated from these constants (a test compares them), and a test provokes
 * each.
 */
public enum ErrorCode {
  TA_OPTION_UNKNOWN(
      "an option that does not exist",
      "Correct the name: the message suggests the closest one. Options of the wrapped "
          + "source need the prefix `source.`, options of Hadoop the prefix `fs.`.",
      "Cannot use option 'source.inputs': found no such option of source 'csv' "
          + "(did you mean 'inputs'?); expected an option of the source behind 'source.'"),
  TA_OPTION_INVALID(
      "an option whose value can't be used",
      "Give a value of the form that the message names. If it is about `allowOps`, an "
          + "administrator has to list the operation in `spark.tensorarrow.allowOps.max`.",
      "Cannot use option 'model': found ''; expected text"),
  TA_OPTION_MISSING(
      "a required option was not given",
      "Add the option that the message names, for instance `.option(\"model\", "
          + "\"models/digits\")`, or `path` by `load(path)`.",
      "Cannot read source 'parquet': found no path; expected load(path) or option " + "path"),
  TA_UNSUPPORTED(
      "something that this version does not cover",
      "The message says what was found and what is supported instead. Often one of two "
          + "options that exclude each other has to go, or `batchRows` has to be lower because "
          + "a batch is too large.",
      "Cannot use option 'source.path': found 'path' as well; expected only one of " + "them"),
  TA_MODEL_NOT_FOUND(
      "no SavedModel at the given place, or not on the executor's host",
      "Check that the directory holds `saved_model.pb`, or numbered directories that do. "
          + "A local path must exist on the driver and on every executor's host: use a shared "
          + "or remote file system otherwise.",
      "Cannot read model '/models/digits.bin': found a file; expected a SavedModel " + "directory"),
  TA_MODEL_CORRUPT(
      "a SavedModel that can't be read or is incomplete",
      "Copy or export the model again. If it is still being uploaded, wait, or pin an "
          + "older version with the option `version`.",
      "Cannot read model '/models/digits': found a directory named saved_model.pb; "
          + "expected a file (copy or save the model again)"),
  TA_MODEL_CHANGED(
      "the model's files changed after the query was planned, or its signature after the "
          + "read was opened",
      "Run the query again if the files changed, and open the read again if the signature "
          + "did. To avoid both, put each model into a new numbered directory instead of "
          + "overwriting files.",
      "Cannot load model '/models/digits' on host 'worker-1': found fingerprint "
          + "sha256:64809ec7...; expected sha256:88cb57b4..., as when the query was "
          + "planned (put a new version into a directory of its own, or run the query "
          + "again)"),
  TA_MODEL_LOAD(
      "TensorFlow can't load the model",
      "Read TensorFlow's own message, which is quoted. Load the model in TensorFlow 2.18 "
          + "or older to see whether it is at fault; an incomplete export is the usual cause.",
      "Cannot load signature 'serving_default' of model '/models/digits': found "
          + "TF_Output x:0 appears more than once in the input list; expected a model "
          + "that TensorFlow 2.18 can run on these inputs"),
  TA_VERSION_NOT_FOUND(
      "a directory of versions has no such version, or no complete one",
      "Use one of the versions or labels that the message lists, or `latest`. A version "
          + "counts as complete only once all its files are there.",
      "Cannot find version '7' of model '/models/digits': found versions none, and "
          + "no numbers '7.tmp'; expected one of these"),
  TA_MODEL_FETCH(
      "a remote model can't be read or copied to the executor's host",
      "Check the credentials (`fs.*` options), the network, and the free space in "
          + "`spark.tensorarrow.models.directory`. The store's own error is the cause in the "
          + "stack trace.",
      "Cannot reach model 'gs://bucket/m' on host 'worker-1': found "
          + "org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for "
          + "scheme \"gs\"; expected the connector of scheme 'gs' on the class path of "
          + "driver and executors, com.google.cloud.bigdataoss:gcs-connector"),
  TA_MODEL_UNSAFE_TO_LOAD(
      "a graph that is malformed: loading it could end the process",
      "Export the model again with TensorFlow. No option lifts this check, because native "
          + "code would crash on such a graph.",
      "Cannot load model '/models/digits': found versions -1 and 0; expected 0 or " + "more"),
  TA_OP_UNKNOWN(
      "the model needs an operation that TensorFlow 2.18 does not have",
      "Export the model without the custom or newer operation, or select outputs that do "
          + "not reach it with `outputs`.",
      "Cannot run signature 'serving_default' of model '/models/digits': found "
          + "operations that TensorFlow 2.18 does not have: 'MadeUpOperation', reached "
          + "by serving_default > y; expected only its own operations (do such steps "
          + "outside the model, or save it without them)"),
  TA_OP_NOT_ALLOWED(
      "the model reaches an operation that touches more than its own tensors",
      "Select outputs that do not reach the operation with `outputs`. If you trust the "
          + "model, name the operation in `allowOps`; an administrator has to permit it in "
          + "`spark.tensorarrow.allowOps.max`.",
      "Cannot load model '/models/digits': found operation 'ReadFile', which reads "
          + "or writes files, reached by initialiser > init; expected operations that "
          + "touch only the model's own tensors (if you trust the model: option "
          + "allowOps='ReadFile', within the cluster's setting "
          + "spark.tensorarrow.allowOps.max)"),
  TA_TAGS_NOT_FOUND(
      "no graph in the SavedModel has the wanted tag set",
      "Use one of the tag sets that the message lists in the option `tags`, or export the "
          + "model with the tag `serve`.",
      "Cannot find tags 'train' in model '/models/digits': found tag sets 'serve'; "
          + "expected one of these"),
  TA_SIGNATURE_NOT_FOUND(
      "the SavedModel has no such signature",
      "Use one of the signatures that the message lists in the option `signature`. "
          + "`ta.show(model)` prints them with their tensors.",
      "Cannot find signature 'serving_default' of model '/models/digits': found "
          + "none; expected a model saved with signatures"),
  TA_INPUT_MISMATCH(
      "input columns are missing, unknown or ambiguous",
      "Map each tensor to a column with `inputs`, for instance `inputs='pixels=image'`. "
          + "The message lists the columns and tensors that exist.",
      "Cannot feed signature 'serving_default': found missing: {'x' float32 (-1,) "
          + "(no column 'x' (did you mean 'id'?))}; sent: {'id' bigint, 'part' int}; "
          + "expected {'x' float32 (-1,)}, each from the column of its name or from one "
          + "that option inputs names, for instance inputs='x=column'"),
  TA_INPUT_TYPE(
      "an input column's type can't be fed to its tensor",
      "Write the converted rows to a table and read that, or give a CSV or JSON source "
          + "its types with `.schema(...)`. To convert float to int, set `cast=unsafe`.",
      "Cannot feed column 'x' to tensor 'x' sparse float32 (-1, -1): found type "
          + "float; expected array<float>, or map<bigint, ...> in place of array<...>"),
  TA_TENSOR_UNSUPPORTED(
      "a tensor whose dtype or shape can't be fed or fetched row by row",
      "Leave the output out of `outputs`, or export a signature with a batch axis and a "
          + "supported dtype (`tf.sparse.to_dense` for sparse outputs).",
      "Cannot fetch tensor 'echo' sparse float32 (-1, 3): found a sparse tensor, "
          + "which has no line for each row (tf.sparse.to_dense in the signature gives "
          + "it them); expected a dtype that has a column type, and one line for each "
          + "row fed, as in (-1, 10)"),
  TA_TENSOR_UNKNOWN(
      "a column of which nothing says that it is a tensor, or that is not as its metadata say",
      "Call the function on the output's own column, before functions and casts that change "
          + "it. Spark keeps a column's metadata through renaming, views and Parquet tables, "
          + "and drops them where it computes another value.",
      "Cannot call tensor_at on 'xs': found array<bigint> without the metadata of a tensor; "
          + "expected an output of a model, as a column or a field of a struct: call tensor_at "
          + "on it before functions and casts that change it"),
  TA_TENSOR_INDEX(
      "an index that a tensor does not have",
      "Give one index for each dimension, from 0 to its size - 1, or from -size to -1 to count "
          + "from the end, as in NumPy. `tensor_shape` returns the sizes.",
      "Cannot index dimension 1 of tensor (2, 3): found 3; expected -3 to 2"),
  TA_OUTPUT_MISMATCH(
      "outputs that do not exist or are named twice",
      "Name each output once, with a name from the list in the message.",
      "Cannot fetch output 'sum' from signature 'serving_default' of model "
          + "'/models/digits': found it named twice; expected each output once"),
  TA_COLUMN_CLASH(
      "two columns of the result would have the same name",
      "Rename the output: `outputs='tensor=other_name'`.",
      "Cannot add column 'y' for output 'y': found output 'Y' of that name; "
          + "expected another name, for instance option outputs='y=y_out'"),
  TA_NULL_INPUT(
      "a null where a tensor needs a value",
      "Filter such rows; the filter runs before the model: `where x is not null`, or for "
          + "elements `where not exists(x, e -> e is null)`.",
      "Cannot feed column 's.x': found a null in struct 's' in row 3 of the batch; "
          + "expected a value in each row: a filter such as where(\"s is not null\") drops "
          + "the rows with nulls before the model runs; or write rows without nulls to a "
          + "table (Parquet) and read that"),
  TA_INPUT_SHAPE(
      "a row's array does not fit the signature's shape, or rows of one batch differ in "
          + "length",
      "Filter rows by length (`where size(x) = 64`), or pad them in the table. If the "
          + "signature leaves the length open, `batchRows=1` runs rows of any length.",
      "Cannot feed column 'x' to tensor 'x' sparse float32 (-1, 2): found an array "
          + "of length 3 in row 1 of the batch; expected length 2 or less"),
  TA_CAST_OVERFLOW(
      "a value does not fit into the tensor's dtype",
      "Filter such rows, or export the signature with a wider dtype. Every cast mode "
          + "checks the range.",
      "Cannot feed column 'x' to tensor 'x' sparse float32 (-1, -1): found a "
          + "double that does not fit in row 1 of the batch; expected values within the "
          + "range of float32"),
  TA_OUTPUT_SHAPE(
      "the model returned a tensor that does not fit its signature or the rows fed",
      "Correct the model: the declared shape of the output and what it computes differ. "
          + "`ta.show(model)` prints what is declared.",
      "Cannot fetch tensor 'wider' float32 (-1, 3) into column 'wider': found "
          + "float32 (5, 2); expected float32 (5, 3), one row for each of the 5 that "
          + "were fed"),
  TA_OUTPUT_NOT_BATCHED(
      "an output does not have one row for each row that was fed",
      "Leave the output out of `outputs`, or change the signature so that the output's "
          + "first axis is the batch.",
      "Cannot fetch tensor 'y' float32 (-1,) into column 'y': found float32 (39,); "
          + "expected float32 (40,), one row for each of the 40 that were fed"),
  TA_OUTPUT_STRING(
      "a string output is not valid UTF-8",
      "Read it as bytes with `strings=binary`.",
      "Cannot fetch tensor 'y' str (-1,) into column 'y': found bytes that are not "
          + "valid UTF-8 in row 1 of the batch; expected UTF-8: read them with option "
          + "strings=binary"),
  TA_MODEL_RUN(
      "the model failed while running",
      "Read TensorFlow's own message, which is quoted and may name a value. The place of "
          + "the rows is in the message; if memory ran out, lower `batchRows` or raise "
          + "`spark.executor.memoryOverhead`.",
      "Cannot run signature 'serving_default' of model '/models/digits': found "
          + "Integer division by zero [[{{node y}}]]; expected a model that TensorFlow "
          + "2.18 can run on these inputs"),
  TA_VARIABLE_UNSUPPORTED(
      "a variable that is too large for a row, or of a dtype without bytes",
      "Filter by `name`, leave out the column `tensor`, or name the wanted variables in "
          + "`ta.variables(..., names=[...])`.",
      "Cannot read variable 'w' of model '/models/digits': found strings in 2 "
          + "parts; expected strings in one (filter by name, or leave out the column "
          + "'tensor')"),
  TA_HANDOVER(
      "batches can't be handed over to Python, or not in the required transfer mode, or a "
          + "worker's reply is not what was agreed",
      "Use `handover=auto`, or change the plan or `/dev/shm` as the message says. After "
          + "an upgrade make sure that the driver's jar and the workers' module have the same "
          + "version.",
      "Cannot hand batches over through shared memory, as handover=shared-memory "
          + "requires: found no directory /dev/shm; expected free space in a file system "
          + "in memory (docker run --shm-size=1280m; in Kubernetes an emptyDir with "
          + "medium: Memory mounted on /dev/shm; or the setting "
          + "spark.tensorarrow.sharedMemory.directory), or handover=auto"),
  TA_RESULT_COLUMNS(
      "a Python function returned fewer columns than were declared",
      "Return as many columns as the declared schema has, in its order, or declare fewer.",
      "Cannot take columns from the Python function: found 1 (id); expected the 2 "
          + "that were declared (id, total), in this order"),
  TA_RESULT_TYPE(
      "a Python function returned a column whose type is not the declared one",
      "Cast the column in the function, or declare the type that the message names.",
      "Cannot take column 'total' from the Python function: found Arrow type "
          + "Int(32, true); expected Int(64, true) for the declared type bigint: cast "
          + "the column, or declare another type"),
  TA_VERSION_MISMATCH(
      "Spark or Scala is of another version than this artifact was built for",
      "Use the artifact that the message names: the Spark and Scala versions are part of "
          + "its name.",
      "Cannot use artifact 'tensorarrow-spark-3.5_2.12' 0.1.0: found Spark 3.5.9 "
          + "with Scala 2.13.8; expected Spark 3.5 with Scala 2.12, or the artifact "
          + "'tensorarrow-spark-3.5_2.13' of this connector"),
  TA_NATIVES(
      "TensorFlow's native libraries can't be extracted or loaded",
      "Make `spark.tensorarrow.natives.directory` a directory of the executor's user with "
          + "about 700 MB free, on a file system that is not mounted `noexec`. The jar must be "
          + "built for the host's platform.",
      "Cannot extract TensorFlow's libraries to '/srv/natives': found permissions "
          + "rwxrwx---, so that others could change what lies there; expected rwx------"),
  TA_SOURCE_NOT_FOUND(
      "no data source of the given name on the class path",
      "Correct the option `source`, or add the source's package with `--packages`.",
      "Cannot read source 'hudi': found no data source of this name on the class "
          + "path; expected a format of Spark's own (parquet, orc, json, csv, text), or "
          + "the package of another one in --packages or spark.jars.packages, such as "
          + "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12 or "
          + "org.apache.spark:spark-avro_2.12"),
  TA_SOURCE_UNSUPPORTED(
      "the wrapped source can't be read with these options, or not with a schema, or "
          + "a file format was pointed at a table of Delta Lake, Iceberg or Hudi",
      "Give the options that the source needs. Read tables of these formats with "
          + "`source=iceberg`, `source=delta` or `source=hudi`.",
      "Cannot read source 'parquet': found a table of Iceberg in "
          + "'file:/warehouse/db/t', where files of removed rows may lie; expected "
          + "option source=iceberg with the table's name or path"),
  TA_SOURCE_CHANGED(
      "the wrapped source lost columns after the read was opened",
      "Open the read again, or create the temporary view again.",
      "Cannot read source 'iceberg': found columns {id BIGINT,x FLOAT}; expected "
          + "also {`part` INT}, which it had when the read was opened: open the read "
          + "again"),
  TA_OVERWRITE(
      "a command would delete files before its own query reads them",
      "Write to another table or directory and rename it, or use dynamic partition "
          + "overwrite (`spark.sql.sources.partitionOverwriteMode=dynamic`).",
      "Cannot overwrite table 'other t': found that the query reads it, as table "
          + "'tensorflow scale over other t', after the old files would be deleted; "
          + "expected a target that the query does not read: write to another table or "
          + "directory and rename it, INSERT INTO a new table, or overwrite partitions "
          + "of a table with spark.sql.sources.partitionOverwriteMode=dynamic, which "
          + "keeps old files until the new ones are written");

  private final String meaning;
  private final String remedy;
  private final String example;

  ErrorCode(String meaning, String remedy, String example) {
    this.meaning = meaning;
    this.remedy = remedy;
    this.example = example;
  }

  /** Returns what the code means, as one phrase without a full stop, in Markdown. */
  public String meaning() {
    return meaning;
  }

  /** Returns what to do about it, as sentences in Markdown. */
  public String remedy() {
    return remedy;
  }

  /** Returns a message of such an error, without the code in front. */
  public String example() {
    return example;
  }

  /** Returns the version of the connector in which the code came. */
  public String since() {
    return "0.1.0";
  }
}
