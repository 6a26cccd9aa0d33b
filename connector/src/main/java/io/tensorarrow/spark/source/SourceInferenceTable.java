package io.tensorarrow.spark.source;

import java.util.Set;
import java.util.function.Supplier;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** A model over a table of any source but files. */
final class SourceInferenceTable implements InferenceTable {
  private final Supplier<InferenceRead> read;

  /**
   * @param read gives the read, always the same
   */
  SourceInferenceTable(Supplier<InferenceRead> read) {
    this.read = read;
  }

  @Override
  public InferenceRead read() {
    return read.get();
  }

  // Spark 3.5 asks for columns(), whose default is made of schema().
  @SuppressWarnings("deprecation")
  @Override
  public StructType schema() {
    return read().schema();
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
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
