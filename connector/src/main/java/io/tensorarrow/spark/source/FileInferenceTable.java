package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.execution.datasources.FileFormat;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A model over files. It is a {@code FileTable} for what Spark 3.5 asks of that class only: which
 * cached plans read a path that was written ({@code CacheManager.recacheByPath}), and {@code
 * Dataset.inputFiles}.
 */
final class FileInferenceTable extends FileTable implements InferenceTable {
  private final Supplier<InferenceRead> read;

  /**
   * @param read gives the read, always the same
   */
  FileInferenceTable(Supplier<InferenceRead> read) {
    super(
        SparkSession.active(),
        CaseInsensitiveStringMap.empty(),
        JavaConverters.asScalaBuffer(new ArrayList<String>()).toSeq(),
        Option.empty());
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
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public String formatName() {
    return "tensorflow";
  }

  @Override
  public Option<StructType> inferSchema(Seq<FileStatus> files) {
    return Option.apply(schema());
  }

  /** Called by Spark for INSERT INTO a view of this table, which it would turn into a write. */
  @Override
  public Class<? extends FileFormat> fallbackFileFormat() {
    throw readOnly();
  }

  @Override
  public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
    throw readOnly();
  }

  private TensorArrowException readOnly() {
    return cannot(ErrorCode.TA_UNSUPPORTED, "write to '%s'", name())
        .found("a read of a model's outputs")
        .expected("a table or a path of another format");
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
