package io.tensorarrow.spark.source;

import io.tensorarrow.spark.options.InferenceSpec;
import io.tensorarrow.spark.tensor.TensorColumns;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/** The wrapped table's columns, and behind them one column for each output of the model. */
final class InferenceTable implements Table, SupportsRead {
  private final Table wrapped;
  private final CaseInsensitiveStringMap wrappedOptions;
  private final InferenceSpec spec;
  private final Consumer<SparkSession> onPlanning;
  private final String modelName;
  private final StructType schema;

  /**
   * Puts the two together.
   *
   * @param wrapped the table with the data; it supports batch reads
   * @param wrappedOptions the options meant for it
   * @param spec what to run over it
   * @param version this connector's version, for the columns' metadata
   * @param onPlanning told of each session that plans a read of this table
   */
  InferenceTable(
      Table wrapped,
      CaseInsensitiveStringMap wrappedOptions,
      InferenceSpec spec,
      String version,
      Consumer<SparkSession> onPlanning) {
    this.wrapped = wrapped;
    this.wrappedOptions = wrappedOptions;
    this.spec = spec;
    this.onPlanning = onPlanning;
    this.modelName = ModelName.of(spec.model().directory());
    Stream<StructField> tensors =
        spec.fetches().stream()
            .map(
                f -> TensorColumns.field(f.tensor(), f.column(), modelName, version, spec.types()));
    this.schema =
        new StructType(
            Stream.concat(Arrays.stream(WrappedSource.schema(wrapped).fields()), tensors)
                .toArray(StructField[]::new));
  }

  /** Returns the table with the data. */
  Table wrapped() {
    return wrapped;
  }

  @Override
  public String name() {
    return "tensorflow " + modelName + " over " + wrapped.name();
  }

  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType schema() {
    return schema;
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    SparkSession session = SparkSession.active();
    // Views outlive the session that made them, and a new session begins without our rules.
    onPlanning.accept(session);
    return new InferenceScanBuilder(
        session,
        ((SupportsRead) wrapped).newScanBuilder(wrappedOptions),
        WrappedSource.schema(wrapped),
        schema,
        spec);
  }
}
