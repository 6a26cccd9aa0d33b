package io.tensorarrow.spark.source.wrapped;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.ArrayList;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.execution.datasources.FileFormat;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * A table of this data source over files. It is a {@code FileTable} for what Spark 3.5 asks of that
 * class only: which cached plans read a path that was written ({@code CacheManager.recacheByPath}),
 * and {@code Dataset.inputFiles}.
 */
public abstract class ReadOnlyFileTable extends FileTable {
  protected ReadOnlyFileTable() {
    super(
        SparkSession.active(),
        CaseInsensitiveStringMap.empty(),
        JavaConverters.asScalaBuffer(new ArrayList<String>()).toSeq(),
        Option.empty());
  }

  @Override
  public abstract StructType schema();

  @Override
  public abstract PartitioningAwareFileIndex fileIndex();

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
}
