package io.tensorarrow.spark.source;

import io.tensorarrow.spark.source.wrapped.ReadOnlyFileTable;
import java.util.function.Supplier;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** A model over files. */
final class FileInferenceTable extends ReadOnlyFileTable implements InferenceTable {
  private final Supplier<InferenceRead> read;

  /**
   * @param read gives the read, always the same
   */
  FileInferenceTable(Supplier<InferenceRead> read) {
    this.read = read;
  }

  @Override
  public InferenceRead read() {
    return read.get();
  }

  @Override
  public StructType schema() {
    return read().schema();
  }

  @Override
  public StructType dataSchema() {
    return ((FileTable) read().wrapped()).dataSchema();
  }

  @Override
  public PartitioningAwareFileIndex fileIndex() {
    return ((FileTable) read().wrapped()).fileIndex();
  }

  @Override
  public Transform[] partitioning() {
    return read().wrapped().partitioning();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FileInferenceTable that && read().equals(that.read());
  }

  @Override
  public int hashCode() {
    return read().hashCode();
  }
}
