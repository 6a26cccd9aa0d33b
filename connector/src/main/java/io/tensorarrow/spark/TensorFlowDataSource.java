package io.tensorarrow.spark;

import io.tensorarrow.spark.options.ConnectorVersion;
import io.tensorarrow.spark.source.TensorFlowTables;
import io.tensorarrow.spark.sql.tables.QueryTables;
import java.util.Map;
import org.apache.spark.sql.connector.catalog.SessionConfigSupport;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableProvider;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.sources.DataSourceRegister;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;
import scala.util.Properties;

/**
 * The data source {@code tensorflow}: any data that Spark can read, with the outputs of a
 * SavedModel as further columns.
 *
 * <pre>{@code
 * Dataset<Row> scored = spark.read().format("tensorflow")
 *     .option("model", "models/digits")
 *     .load("data/digits.parquet");
 * }</pre>
 *
 * <p>The options are declared in {@link io.tensorarrow.spark.options.ReadOptions}; each can also be
 * given to a whole session as {@code spark.datasource.tensorflow.<option>}.
 *
 * <p>Spark makes one instance for each read and calls it in one thread, on the driver. No native
 * code is loaded there.
 */
public final class TensorFlowDataSource extends ReadOnlySource
    implements TableProvider, DataSourceRegister, SessionConfigSupport {
  private static final boolean BUILT_FOR_THIS_SPARK =
      ConnectorVersion.isBuiltFor(
          org.apache.spark.package$.MODULE$.SPARK_VERSION(), Properties.versionNumberString());

  private @Nullable Table opened;
  private @Nullable Map<String, String> openedWith;

  /**
   * Called by Spark, by class name: before it creates a table of this format too, and whenever it
   * looks for any data source.
   */
  public TensorFlowDataSource() {
    // Other sources must stay usable where this artifact does not fit; open() says that it doesn't.
    if (BUILT_FOR_THIS_SPARK) {
      SessionRules.registerInActiveSession();
    }
  }

  @Override
  public String shortName() {
    return "tensorflow";
  }

  /**
   * Returns {@code tensorflow}: session settings under {@code spark.datasource.tensorflow.} are
   * defaults of the options.
   */
  @Override
  public String keyPrefix() {
    return "tensorflow";
  }

  /**
   * Returns the wrapped table's columns and those of the outputs.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException if options, model, signature and
   *     columns do not fit
   */
  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType inferSchema(CaseInsensitiveStringMap options) {
    return open(options).schema();
  }

  /** Returns true: a read may give the columns of the wrapped table. */
  @Override
  public boolean supportsExternalMetadata() {
    return true;
  }

  /**
   * Returns the table.
   *
   * @param schema what {@link #inferSchema} returned for the same options; without such a call, the
   *     columns of the wrapped table alone
   */
  @Override
  public Table getTable(
      StructType schema, Transform[] partitioning, Map<String, String> properties) {
    Table table = opened;
    if (table != null && properties.equals(openedWith)) {
      return table;
    }
    checkVersion();
    CaseInsensitiveStringMap options = new CaseInsensitiveStringMap(properties);
    return TensorFlowTables.openWithSchema(options, schema, SessionRules::register)
        .orElseGet(() -> QueryTables.openWithSchema(options, schema, SessionRules::register));
  }

  /** Spark asks for the schema first and for the table then: model and files are read once. */
  private Table open(CaseInsensitiveStringMap options) {
    checkVersion();
    Table table =
        TensorFlowTables.open(options, SessionRules::register)
            .orElseGet(() -> QueryTables.open(options, SessionRules::register));
    opened = table;
    openedWith = options.asCaseSensitiveMap();
    return table;
  }

  /** Comes before any class that could fail to link with another Spark. */
  private static void checkVersion() {
    ConnectorVersion.checkBuiltFor(
        org.apache.spark.package$.MODULE$.SPARK_VERSION(), Properties.versionNumberString());
  }
}
