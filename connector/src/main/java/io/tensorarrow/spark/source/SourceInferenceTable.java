package io.tensorarrow.spark.source;

import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.MetadataColumn;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;

/** A model over a table of any source but files. */
final class SourceInferenceTable implements InferenceTable {
  private final Supplier<InferenceRead> read;
  private final Consumer<SparkSession> onPlanning;

  /**
   * Makes a table.
   *
   * @param read gives what is read, always the same
   * @param onPlanning told of each session that plans a read of this table
   */
  SourceInferenceTable(Supplier<InferenceRead> read, Consumer<SparkSession> onPlanning) {
    this.read = read;
    this.onPlanning = onPlanning;
  }

  @Override
  public InferenceRead read() {
    return read.get();
  }

  @Override
  public String name() {
    return "tensorflow " + read().modelName() + " over " + read().wrapped().name();
  }

  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType schema() {
    return read().schema();
  }

  @Override
  public MetadataColumn[] metadataColumns() {
    return read().metadataColumns();
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
    return read().newScanBuilder(session);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SourceInferenceTable that && read().equals(that.read());
  }

  @Override
  public int hashCode() {
    return read().hashCode();
  }
}
