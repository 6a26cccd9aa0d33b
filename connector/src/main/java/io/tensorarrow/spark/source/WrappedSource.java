package io.tensorarrow.spark.source;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ReadOptions;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.execution.datasources.DataSource;
import org.apache.spark.sql.execution.datasources.v2.FileDataSourceV2;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** Finds the table that holds the data to run the model over. */
final class WrappedSource {
  /** The name of this connector's own format. */
  private static final String OWN_FORMAT = "tensorflow";

  private WrappedSource() {}

  /**
   * Opens the wrapped table as Spark itself would.
   *
   * @throws TensorArrowException {@code TA_SOURCE_UNSUPPORTED} if the format has no batch reader of
   *     Data Source V2, {@code TA_OPTION_MISSING} if a file format was given no path, or the format
   *     neither by option nor by a default other than this one, {@code TA_OPTION_INVALID} if it was
   *     given malformed ones
   */
  static Table open(ReadOptions options) {
    SQLConf conf = SQLConf.get();
    String format = options.find(ReadOptions.SOURCE).orElseGet(() -> defaultFormat(conf));
    // Unlike lookupDataSourceV2, this finds the V2 class of built-in formats that Spark reads as V1
    // by default.
    Class<?> type = DataSource.lookupDataSource(format, conf);
    CaseInsensitiveStringMap own = options.forSource();
    if (FileDataSourceV2.class.isAssignableFrom(type)) {
      checkPaths(format, options, own);
    }
    if (!TableProvider.class.isAssignableFrom(type)) {
      throw unsupported(format, "class " + type.getName() + ", which is no V2 TableProvider");
    }
    TableProvider provider = (TableProvider) instantiate(format, type);
    Table table =
        provider.getTable(
            provider.inferSchema(own), provider.inferPartitioning(own), own.asCaseSensitiveMap());
    if (!(table instanceof SupportsRead)
        || !table.capabilities().contains(TableCapability.BATCH_READ)) {
      throw unsupported(format, "a table with the capabilities " + table.capabilities());
    }
    return table;
  }

  /** Returns the columns of the table as a schema. */
  static StructType schema(Table table) {
    return CatalogV2Util.v2ColumnsToStructType(table.columns());
  }

  private static void checkPaths(String format, ReadOptions options, CaseInsensitiveStringMap own) {
    if (ReadOptions.PATH_KEYS.stream().noneMatch(own::containsKey)) {
      throw new TensorArrowException(
          ErrorCode.TA_OPTION_MISSING,
          "Cannot read source '%s': found no path; expected load(path) or option path"
              .formatted(format));
    }
    options.checkPaths();
  }

  private static String defaultFormat(SQLConf conf) {
    String format = conf.defaultDataSourceName();
    if (format.equalsIgnoreCase(OWN_FORMAT)) {
      throw new TensorArrowException(
          ErrorCode.TA_OPTION_MISSING,
          "Cannot read without option '%s': found spark.sql.sources.default=%s, which is this format itself; expected the format of the wrapped data, such as parquet"
              .formatted(ReadOptions.SOURCE.key(), format));
    }
    return format;
  }

  private static Object instantiate(String format, Class<?> type) {
    try {
      return type.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new TensorArrowException(
          ErrorCode.TA_SOURCE_UNSUPPORTED,
          "Cannot read source '%s': found class %s, which can't be instantiated; expected a public constructor without parameters"
              .formatted(format, type.getName()),
          e);
    }
  }

  /** Says why a source can't be wrapped. */
  static TensorArrowException unsupported(String format, String found) {
    return new TensorArrowException(
        ErrorCode.TA_SOURCE_UNSUPPORTED,
        "Cannot read source '%s': found %s; expected a format with a batch reader of Data Source V2, such as parquet, orc, json or csv"
            .formatted(format, found));
  }
}
