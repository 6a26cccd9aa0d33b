package io.tensorarrow.spark.options;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.sql.catalyst.util.CharVarcharUtils;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The options of {@code format("tensorflow")}, declared, checked and typed. Immutable. */
public final class ReadOptions {
  /** Options that begin with this go to the wrapped source, without it. */
  public static final String SOURCE_PREFIX = "source.";

  /** Options that begin with this go to Hadoop's configuration, of the model and of the source. */
  public static final String HADOOP_PREFIX = "fs.";

  /** The most rows of one model call. */
  public static final int MAX_BATCH_ROWS = 1 << 20;

  /** Spark's own names for what {@code load(...)} was given; they go to the wrapped source. */
  public static final List<String> PATH_KEYS = List.of("path", "paths");

  public static final ConfigEntry<String> MODEL =
      ConfigEntry.text("model")
          .doc(
              "SavedModel directory, or a directory of numbered versions: a local path or "
                  + "`file:` URI that is the same on every host, or any URI that Hadoop knows; a path "
                  + "without scheme resolves like that of `load` (`fs.defaultFS`)")
          .example("models/digits")
          .required();

  public static final ConfigEntry<String> VERSION =
      ConfigEntry.text("version")
          .doc(
              "which version of a directory of versions: a number, a label (from "
                  + "`labels.properties` in the directory) or `latest`, the largest complete number; "
                  + "looked up on the driver for each planned query and pinned for it")
          .example("stable")
          .withDefault("latest", "`latest`");

  public static final ConfigEntry<String> SIGNATURE =
      ConfigEntry.text("signature")
          .doc("name of the SignatureDef")
          .example("classify")
          .withDefaultOf("`serving_default`, else the only one");

  public static final ConfigEntry<List<String>> TAGS =
      ConfigEntry.of("tags", "comma-separated tags", ReadOptions::list)
          .doc("tag set of the MetaGraphDef")
          .example("serve,gpu")
          .withDefault(List.of("serve"), "`serve`");

  public static final ConfigEntry<String> SOURCE =
      ConfigEntry.text("source")
          .doc("format of the wrapped data; its own options are given as `source.<option>`")
          .example("iceberg")
          .withDefaultOf("`spark.sql.sources.default`");

  public static final ConfigEntry<String> TABLE =
      ConfigEntry.text("table")
          .doc(
              "name of a table or view of any catalog to run the model over, instead of a path; "
                  + "found when the DataFrame or view is made, as by `spark.table`")
          .example("lake.db.images")
          .withDefaultOf("none");

  public static final ConfigEntry<String> QUERY =
      ConfigEntry.text("query")
          .doc("SQL query whose rows to run the model over, instead of a path")
          .example("SELECT i.id, i.pixels FROM images i JOIN labels l ON i.id = l.id")
          .withDefaultOf("none");

  public static final ConfigEntry<StructType> SOURCE_SCHEMA =
      ConfigEntry.of(
              "source.schema", "columns in DDL such as `id BIGINT, x FLOAT`", ReadOptions::ddl)
          .doc(
              "the wrapped data's own columns, instead of inferring them; the same as "
                  + "`.schema(...)` or the column list of a temporary view; the outputs are added")
          .example("id BIGINT, pixels ARRAY<FLOAT>")
          .withDefaultOf("inferred");

  public static final ConfigEntry<NameMapping<ColumnName>> INPUTS =
      ConfigEntry.of("inputs", "`tensor=column, tensor=column` or JSON", NameMapping::inputs)
          .doc(
              "which column feeds which tensor, for tensors whose column has another name; "
                  + "columns are Spark identifiers, also fields of structs")
          .example("x=features.pixels, mask=valid")
          .withDefaultOf("by name, case-insensitive");

  public static final ConfigEntry<NameMapping<String>> OUTPUTS =
      ConfigEntry.of("outputs", "`tensor, tensor=column` or JSON", NameMapping::outputs)
          .doc("selects outputs and renames their columns; what is not selected is not computed")
          .example("digit, probabilities=p")
          .withDefaultOf("all per-row outputs");

  public static final ConfigEntry<Optional<Integer>> BATCH_ROWS =
      ConfigEntry.of("batchRows", "`auto` or a whole number from 1 to 1048576", ReadOptions::rows)
          .doc(
              "rows per model call; `auto` is 1024, or fewer if `batchBytes` says so, or the "
                  + "batch size that the signature is fixed to")
          .example("256")
          .withDefault(Optional.empty(), "`auto`");

  public static final ConfigEntry<Long> BATCH_BYTES =
      ConfigEntry.of("batchBytes", "a size such as `32m`", JavaUtils::byteStringAsBytes)
          .checked(bytes -> bytes > 0)
          .doc(
              "how many bytes the inputs and outputs of one batch may take with "
                  + "`batchRows=auto`, estimated from the signature's shapes")
          .example("64m")
          .withDefault(32L << 20, "`32m`");

  public static final ConfigEntry<CastMode> CAST =
      ConfigEntry.choice("cast", CastMode.class)
          .doc(
              "which conversions of numbers are allowed, in NumPy's words: `safe` ("
                  + "widenings), `same_kind` (also double to float, long to int, int to float), "
                  + "`unsafe` (also float to int); a value out of range is an error in every mode")
          .example("safe")
          .withDefault(CastMode.SAME_KIND, "`same_kind`");

  public static final ConfigEntry<ColumnTypes.Strings> STRINGS =
      ConfigEntry.choice("strings", ColumnTypes.Strings.class)
          .doc(
              "Spark type of string outputs: `string` (invalid UTF-8 is an error) or `binary` "
                  + "(the bytes as they are)")
          .example("binary")
          .withDefault(ColumnTypes.Strings.STRING, "`string`");

  public static final ConfigEntry<ColumnTypes.Bytes> BYTES =
      ConfigEntry.choice("bytes", ColumnTypes.Bytes.class)
          .doc("Spark type of uint8 outputs: `array` (of smallint) or `binary`")
          .example("binary")
          .withDefault(ColumnTypes.Bytes.ARRAY, "`array`");

  public static final ConfigEntry<Handover> HANDOVER =
      ConfigEntry.of(
              "handover",
              "one of "
                  + Arrays.stream(Handover.values())
                      .map(Handover::text)
                      .collect(Collectors.joining(", ")),
              Handover::of)
          .doc(
              "transfer mode to Python functions above this read: `auto` chooses; "
                  + "`shared-memory`, `arrow` or `rows` require that mode, and the query fails if its "
                  + "plan does not allow it or an executor has no shared memory. Plans without Python "
                  + "functions ignore it")
          .example("shared-memory")
          .withDefault(Handover.AUTO, "`auto`");

  public static final ConfigEntry<List<String>> ALLOW_OPS =
      ConfigEntry.of("allowOps", "comma-separated names of operations", ReadOptions::list)
          .doc(
              "operations outside the allow-list that this model may reach; bounded by "
                  + "`spark.tensorarrow.allowOps.max`")
          .example("ReadFile,PrintV2")
          .withDefault(List.of(), "none");

  public static final ConfigEntry<Boolean> INSPECT =
      ConfigEntry.flag("inspect")
          .doc(
              "returns, instead of data, one row per tag set (all, or that of `tags`), "
                  + "signature, direction and tensor, with dtype, shape, encoding (`dense` or "
                  + "`sparse`) and, for an output that may not be computed, the error in `refused`; "
                  + "loads no native code; `ta.show` reads it")
          .example("true")
          .withDefault(false, "`false`");

  public static final ConfigEntry<Boolean> VARIABLES =
      ConfigEntry.flag("variables")
          .doc(
              "returns, instead of data, one row per variable of the model: name, dtype, shape, "
                  + "tensor (the elements' bytes, little-endian, row-major); loads no native code; "
                  + "`ta.variables` reads it")
          .example("true")
          .withDefault(false, "`false`");

  public static final ConfigEntry<Refresh> REFRESH =
      ConfigEntry.choice("refresh", Refresh.class)
          .doc(
              "when `version`, the model's files and the wrapped data are looked up again: "
                  + "`query`, for each planned query")
          .example("query")
          .withDefault(Refresh.QUERY, "`query`");

  public static final ConfigEntry<Integer> THREADS =
      ConfigEntry.count("threads", 1, 1024)
          .doc(
              "how many threads one operation may use, for all tasks together. TensorFlow has "
                  + "one pool of them per executor, as large as the first model asked for; with "
                  + "TF_OVERRIDE_GLOBAL_THREADPOOL=1 in the executors' environment each model has its "
                  + "own")
          .example("4")
          .withDefaultOf("the executor's cores");

  /** All of them, in the order of the documentation. */
  public static final List<ConfigEntry<?>> ALL =
      List.of(
          MODEL,
          VERSION,
          SIGNATURE,
          TAGS,
          SOURCE,
          TABLE,
          QUERY,
          SOURCE_SCHEMA,
          INPUTS,
          OUTPUTS,
          BATCH_ROWS,
          BATCH_BYTES,
          CAST,
          STRINGS,
          BYTES,
          HANDOVER,
          ALLOW_OPS,
          INSPECT,
          VARIABLES,
          REFRESH,
          THREADS);

  private final CaseInsensitiveStringMap options;

  private ReadOptions(CaseInsensitiveStringMap options) {
    this.options = options;
  }

  /**
   * Returns the options of a read, with their names checked.
   *
   * @throws TensorArrowException with {@code TA_OPTION_UNKNOWN} if there are any that no
   *     declaration names, with {@code TA_UNSUPPORTED} if the source was given a path twice
   */
  public static ReadOptions of(CaseInsensitiveStringMap options) {
    checkKnown(options.asCaseSensitiveMap().keySet());
    for (String key : PATH_KEYS) {
      if (options.containsKey(key) && options.containsKey(SOURCE_PREFIX + key)) {
        throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s%s'", SOURCE_PREFIX, key)
            .found("'%s' as well", key)
            .expected("only one of them");
      }
    }
    return new ReadOptions(options);
  }

  /** Returns whether there is an option of a name. */
  public static boolean isOption(String name) {
    return ALL.stream().anyMatch(entry -> entry.key().equalsIgnoreCase(name));
  }

  /**
   * Returns the value of an option that has a default or must be given; see {@link
   * ConfigEntry#get}.
   */
  public <T> T get(ConfigEntry<T> entry) {
    return entry.get(options::get);
  }

  /** Returns the value of an option, if there is one; see {@link ConfigEntry#find}. */
  public <T> Optional<T> find(ConfigEntry<T> entry) {
    return entry.find(options::get);
  }

  /** Returns the value of an option that was given, whatever its default. */
  public <T> Optional<T> given(ConfigEntry<T> entry) {
    return options.containsKey(entry.key()) ? find(entry) : Optional.empty();
  }

  /** Returns the options for Hadoop, as they were written; some hold credentials. */
  public Map<String, String> hadoop() {
    Map<String, String> hadoop = new HashMap<>();
    options
        .asCaseSensitiveMap()
        .forEach(
            (key, value) -> {
              if (key.toLowerCase(Locale.ROOT).startsWith(HADOOP_PREFIX)) {
                hadoop.put(key, value);
              }
            });
    return hadoop;
  }

  /**
   * Returns what goes to the wrapped source: the paths, the options for Hadoop, and those under
   * {@code source.} without the prefix, but for its schema.
   */
  public CaseInsensitiveStringMap forSource() {
    Map<String, String> sourceOptions = hadoop();
    options
        .asCaseSensitiveMap()
        .forEach(
            (key, value) -> {
              String lower = key.toLowerCase(Locale.ROOT);
              if (lower.equals(SOURCE_SCHEMA.key())) {
                return;
              }
              if (lower.startsWith(SOURCE_PREFIX)) {
                String name = key.substring(SOURCE_PREFIX.length());
                // An option of the source wins over one for Hadoop.
                sourceOptions.keySet().removeIf(name::equalsIgnoreCase);
                sourceOptions.put(name, value);
              } else if (PATH_KEYS.contains(lower)) {
                sourceOptions.put(key, value);
              }
            });
    return new CaseInsensitiveStringMap(sourceOptions);
  }

  private static void checkKnown(Collection<String> keys) {
    List<String> known = ALL.stream().map(ConfigEntry::key).toList();
    List<String> unknown = keys.stream().filter(key -> !isKnown(key)).sorted().toList();
    if (unknown.isEmpty()) {
      return;
    }
    String found =
        unknown.size() == 1
            ? "no such option" + hint(unknown.get(0), known)
            : "none of " + Alternatives.listed(unknown, key -> "'" + key + "'" + hint(key, known));
    throw cannot(ErrorCode.TA_OPTION_UNKNOWN, "use option '%s'", unknown.get(0))
        .found("%s", found)
        .expected(
            "one of %s, source.<option> for the wrapped source, or fs.<option> for Hadoop",
            Alternatives.closestFirst(unknown.get(0), known));
  }

  /** Returns a hint at the option that was meant, also where its prefix is misspelt. */
  private static String hint(String key, List<String> known) {
    int dot = key.indexOf('.');
    if (dot < 0) {
      return Alternatives.hint(key, known);
    }
    String name = key.substring(dot + 1);
    List<String> prefixed = List.of(SOURCE_PREFIX + name, HADOOP_PREFIX + name);
    return Alternatives.hint(
        key, Stream.concat(known.stream(), prefixed.stream()).distinct().toList());
  }

  private static boolean isKnown(String key) {
    String lower = key.toLowerCase(Locale.ROOT);
    return lower.startsWith(SOURCE_PREFIX)
        || lower.startsWith(HADOOP_PREFIX)
        || PATH_KEYS.contains(lower)
        || ALL.stream().anyMatch(entry -> entry.key().equalsIgnoreCase(key));
  }

  /**
   * Checks that the options ask for signatures or for variables instead of data, not for both.
   *
   * @throws TensorArrowException with {@code TA_UNSUPPORTED} if they ask for both
   */
  public void checkModes() {
    if (get(INSPECT) && get(VARIABLES)) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option 'variables'")
          .found("'inspect' as well")
          .expected("only one of them");
    }
  }

  /**
   * Checks the option that holds several paths of {@code load}.
   *
   * @throws TensorArrowException with {@code TA_OPTION_INVALID} if {@code paths} is no JSON array
   *     of strings
   */
  public void checkPaths() {
    for (String key : List.of("paths", SOURCE_PREFIX + "paths")) {
      ConfigEntry.of(key, "a JSON array of strings", JsonForm::strings)
          .withDefaultOf("none")
          .find(options::get);
    }
  }

  private static StructType ddl(String text) {
    try {
      StructType columns = StructType.fromDDL(text);
      CharVarcharUtils.failIfHasCharVarchar(columns);
      return columns;
    } catch (Exception e) {
      // Spark's parse errors are checked exceptions, which Scala does not declare.
      throw cannot(ErrorCode.TA_OPTION_INVALID, "use option '%s'", SOURCE_SCHEMA.key())
          .found("'%s', which Spark does not take for columns", text)
          .causedBy(e)
          .expected("a DDL string such as 'id BIGINT, x FLOAT' without CHAR and VARCHAR");
    }
  }

  static List<String> list(String text) {
    List<String> parts = Arrays.stream(text.split(",", -1)).map(String::trim).toList();
    return parts.equals(List.of("")) ? List.of() : parts;
  }

  private static Optional<Integer> rows(String text) {
    if (text.equalsIgnoreCase("auto")) {
      return Optional.empty();
    }
    int rows = Integer.parseInt(text);
    if (rows < 1 || rows > MAX_BATCH_ROWS) {
      throw new IllegalArgumentException(text);
    }
    return Optional.of(rows);
  }
}
