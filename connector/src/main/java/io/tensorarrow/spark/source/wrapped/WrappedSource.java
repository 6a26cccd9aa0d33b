package io.tensorarrow.spark.source.wrapped;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ReadOptions;
import java.util.Optional;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.SupportsCatalogOptions;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.execution.datasources.DataSource;
import org.apache.spark.sql.execution.datasources.v2.FileDataSourceV2;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The source of the data to run a model over. Opens a new table, with what is there at that moment,
 * whenever it is asked.
 *
 * @param format its name
 * @param type the class of that name
 * @param options the options meant for it
 * @param userSchema the columns that the user says it has, if any
 */
public record WrappedSource(
    String format,
    Class<?> type,
    CaseInsensitiveStringMap options,
    Optional<StructType> userSchema) {
  /** The name of this connector's own format. */
  private static final String OWN_FORMAT = "tensorflow";

  /**
   * Finds the source that options describe, as Spark itself would; empty if it has no reader of
   * Data Source V2.
   *
   * @param read the options of the read
   * @param userSchema the columns given by {@code .schema(...)} or in SQL, if any
   * @throws TensorArrowException {@code TA_SOURCE_NOT_FOUND} if no class has the format's name,
   *     {@code TA_SOURCE_UNSUPPORTED} if the format takes no schema, {@code TA_OPTION_MISSING} if a
   *     file format was given no path, or the format neither by option nor by a default other than
   *     this one, {@code TA_OPTION_INVALID} and {@code TA_OPTION_UNKNOWN} if it was given malformed
   *     options or such that were meant for this connector, {@code TA_UNSUPPORTED} if it was given
   *     two schemas
   */
  public static Optional<WrappedSource> find(ReadOptions read, Optional<StructType> userSchema) {
    SQLConf conf = SQLConf.get();
    String format = read.find(ReadOptions.SOURCE).orElseGet(() -> defaultFormat(conf));
    CaseInsensitiveStringMap sourceOptions = read.forSource();
    Class<?> type = lookup(format, conf);
    if (FileDataSourceV2.class.isAssignableFrom(type)) {
      checkPaths(format, read, sourceOptions);
      MisspeltOptions.check(format, sourceOptions);
    }
    if (!TableProvider.class.isAssignableFrom(type)) {
      return Optional.empty();
    }
    Optional<StructType> optionSchema = read.find(ReadOptions.SOURCE_SCHEMA);
    if (optionSchema.isPresent() && userSchema.isPresent()) {
      throw cannot(ErrorCode.TA_UNSUPPORTED, "use option '%s'", ReadOptions.SOURCE_SCHEMA.key())
          .found("a schema of the read as well")
          .expected("only one of them");
    }
    WrappedSource source =
        new WrappedSource(format, type, sourceOptions, userSchema.or(() -> optionSchema));
    source.userSchema().ifPresent(schema -> source.checkTakesSchema());
    return Optional.of(source);
  }

  /**
   * Returns whether the options name a source that reads files, without opening anything; false
   * where they are wrong.
   */
  public static boolean readsFiles(CaseInsensitiveStringMap options) {
    return innermostType(options).filter(FileDataSourceV2.class::isAssignableFrom).isPresent();
  }

  /**
   * Returns whether the options name a source that has no reader of Data Source V2 at all, without
   * opening anything; false where they are wrong.
   */
  public static boolean isVersion1(CaseInsensitiveStringMap options) {
    return innermostType(options)
        .filter(type -> !TableProvider.class.isAssignableFrom(type))
        .isPresent();
  }

  private static Optional<Class<?>> innermostType(CaseInsensitiveStringMap options) {
    SQLConf conf = SQLConf.get();
    String key = ReadOptions.SOURCE.key();
    String format = options.getOrDefault(key, conf.defaultDataSourceName());
    while (format.equalsIgnoreCase(OWN_FORMAT) && options.containsKey(key)) {
      key = ReadOptions.SOURCE_PREFIX + key;
      format = options.getOrDefault(key, conf.defaultDataSourceName());
    }
    try {
      return Optional.of(lookup(format, conf));
    } catch (TensorArrowException e) {
      // The code that opens the source reports it.
      return Optional.empty();
    }
  }

  /**
   * Opens the table; empty if it has no batch reader of Data Source V2.
   *
   * @throws TensorArrowException {@code TA_SOURCE_UNSUPPORTED} if files of another table format are
   *     there
   */
  public Optional<Table> open() {
    return open(userSchema);
  }

  /**
   * Opens the table once more, without inferring the columns where it takes a schema.
   *
   * @param known the columns, if they may be given to a source of files
   * @throws TensorArrowException as {@link #open}, or {@code TA_SOURCE_UNSUPPORTED} if it has no
   *     batch reader any more
   */
  public Table openAgain(Optional<StructType> known) {
    return open(FileDataSourceV2.class.isAssignableFrom(type)
            ? known.or(() -> userSchema)
            : userSchema)
        .orElseThrow(() -> unsupported(format, "a table without a batch reader of Data Source V2"));
  }

  private Optional<Table> open(Optional<StructType> columns) {
    TableProvider provider = provider();
    Table table;
    if (provider instanceof FileDataSourceV2 files) {
      FileTable opened =
          (FileTable)
              columns
                  .map(schema -> files.getTable(options, schema))
                  .orElseGet(() -> files.getTable(options));
      // Before any file is read to infer columns from it.
      TableFormats.check(format, files.getPaths(options), options, opened.fileIndex());
      table = opened;
    } else {
      table =
          provider.getTable(
              columns.orElseGet(() -> provider.inferSchema(options)),
              provider.inferPartitioning(options),
              options.asCaseSensitiveMap());
    }
    return table instanceof SupportsRead
            && !(table instanceof PlannedTable)
            && table.capabilities().contains(TableCapability.BATCH_READ)
        ? Optional.of(table)
        : Optional.empty();
  }

  /** Returns the columns of a table as a schema. */
  public static StructType schema(Table table) {
    return CatalogV2Util.v2ColumnsToStructType(table.columns());
  }

  private void checkTakesSchema() {
    TableProvider provider = provider();
    if (provider instanceof SupportsCatalogOptions || !provider.supportsExternalMetadata()) {
      throw cannot(ErrorCode.TA_SOURCE_UNSUPPORTED, "give a schema to source '%s'", format)
          .found("a source whose tables have their own columns")
          .expected("a read without schema");
    }
  }

  private static Class<?> lookup(String format, SQLConf conf) {
    try {
      // Unlike lookupDataSourceV2, this finds the V2 class of built-in formats that Spark reads as
      // V1 by default.
      return DataSource.lookupDataSource(format, conf);
    } catch (Exception | LinkageError e) {
      // Scala declares no checked exceptions.
      if (e instanceof RuntimeException unexpected && !(e instanceof AnalysisException)) {
        throw unexpected;
      }
      throw cannot(ErrorCode.TA_SOURCE_NOT_FOUND, "read source '%s'", format)
          .found("no data source of this name on the class path")
          .causedBy(e)
          .expected(
              "a format of Spark's own (parquet, orc, json, csv, text), or the package of another one in --packages or spark.jars.packages, such as org.apache.iceberg:iceberg-spark-runtime-3.5_2.12 or org.apache.spark:spark-avro_2.12");
    }
  }

  private static void checkPaths(
      String format, ReadOptions options, CaseInsensitiveStringMap sourceOptions) {
    if (ReadOptions.PATH_KEYS.stream().noneMatch(sourceOptions::containsKey)) {
      throw cannot(ErrorCode.TA_OPTION_MISSING, "read source '%s'", format)
          .found("no path")
          .expected("load(path) or option path");
    }
    options.checkPaths();
  }

  private static String defaultFormat(SQLConf conf) {
    String format = conf.defaultDataSourceName();
    if (format.equalsIgnoreCase(OWN_FORMAT)) {
      throw cannot(
              ErrorCode.TA_OPTION_MISSING, "read without option '%s'", ReadOptions.SOURCE.key())
          .found("spark.sql.sources.default=%s, which is this format itself", format)
          .expected("the format of the wrapped data, such as parquet");
    }
    return format;
  }

  private TableProvider provider() {
    try {
      return (TableProvider) type.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw cannot(ErrorCode.TA_SOURCE_UNSUPPORTED, "read source '%s'", format)
          .found("class %s, which can't be instantiated", type.getName())
          .causedBy(e)
          .expected("a public constructor without parameters");
    }
  }

  /** Returns the error of a source that has no batch reader where that shows too late. */
  public static TensorArrowException unsupported(String format, String found) {
    return cannot(ErrorCode.TA_SOURCE_UNSUPPORTED, "read source '%s'", format)
        .found("%s", found)
        .expected(
            "ta.predict or tf_predict over a DataFrame of that source, or option table or query instead of source");
  }
}
