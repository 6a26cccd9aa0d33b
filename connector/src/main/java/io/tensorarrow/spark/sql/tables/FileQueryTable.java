package io.tensorarrow.spark.sql.tables;

import io.tensorarrow.spark.source.wrapped.ReadOnlyFileTable;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** A model over files that a source of version 1 reads. */
final class FileQueryTable extends ReadOnlyFileTable implements QueryTable {
  private final QueryRead read;
  private final PartitioningAwareFileIndex files;
  private final StructType dataSchema;
  private final Consumer<SparkSession> registerPlanner;

  /**
   * @param read what to run over the files' rows
   * @param files the files
   * @param dataSchema the columns in the files
   * @param registerPlanner adds the planner rules to a session
   */
  FileQueryTable(
      QueryRead read,
      PartitioningAwareFileIndex files,
      StructType dataSchema,
      Consumer<SparkSession> registerPlanner) {
    this.read = read;
    this.files = files;
    this.dataSchema = dataSchema;
    this.registerPlanner = registerPlanner;
  }

  @Override
  public QueryRead read() {
    return read;
  }

  @Override
  public void registerPlanner() {
    registerPlanner.accept(SparkSession.active());
  }

  @Override
  public StructType schema() {
    return read.schema();
  }

  @Override
  public StructType dataSchema() {
    return dataSchema;
  }

  @Override
  public PartitioningAwareFileIndex fileIndex() {
    return files;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FileQueryTable that && read.equals(that.read);
  }

  @Override
  public int hashCode() {
    return read.hashCode();
  }
}
