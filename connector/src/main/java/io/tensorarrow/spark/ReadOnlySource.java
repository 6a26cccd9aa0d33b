package io.tensorarrow.spark;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SQLContext;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.execution.streaming.Sink;
import org.apache.spark.sql.execution.streaming.Source;
import org.apache.spark.sql.sources.BaseRelation;
import org.apache.spark.sql.sources.CreatableRelationProvider;
import org.apache.spark.sql.sources.RelationProvider;
import org.apache.spark.sql.sources.StreamSinkProvider;
import org.apache.spark.sql.sources.StreamSourceProvider;
import org.apache.spark.sql.streaming.OutputMode;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.Tuple2;
import scala.collection.Seq;
import scala.collection.immutable.Map;

/**
 * Implements the version 1 interfaces to which Spark falls back for writing, for streams and for
 * tables of the session catalog, and throws a clear error from each. Without them Spark's errors
 * name classes or paths.
 */
abstract class ReadOnlySource
    implements CreatableRelationProvider,
        RelationProvider,
        StreamSinkProvider,
        StreamSourceProvider {
  /** Called for {@code df.write.format("tensorflow")}. */
  @Override
  public BaseRelation createRelation(
      SQLContext context, SaveMode mode, Map<String, String> options, Dataset<Row> data) {
    throw unsupported(
        "write with format 'tensorflow'",
        "a data source that only reads",
        "the format that the result is to have, such as df.write.format(\"parquet\")");
  }

  /** Called for tables of the session catalog, which older versions let users create. */
  @Override
  public BaseRelation createRelation(SQLContext context, Map<String, String> options) {
    throw unsupported(
        "read a catalog table that was created USING tensorflow",
        "a table whose columns the catalog does not know",
        "DROP TABLE, and CREATE TEMPORARY VIEW name USING tensorflow OPTIONS (...) instead");
  }

  /** Called for {@code writeStream.format("tensorflow")}. */
  @Override
  public Sink createSink(
      SQLContext context,
      Map<String, String> options,
      Seq<String> partitionColumns,
      OutputMode mode) {
    throw unsupported(
        "write a stream with format 'tensorflow'",
        "a data source that only reads",
        "the format that the result is to have, such as writeStream.format(\"parquet\")");
  }

  /** Called for {@code readStream.format("tensorflow")}. */
  @Override
  public Tuple2<String, StructType> sourceSchema(
      SQLContext context, Option<StructType> schema, String provider, Map<String, String> options) {
    throw unsupported(
        "read a stream with format 'tensorflow'",
        "a data source that reads in batch",
        "foreachBatch, which writes each micro-batch to Parquet and reads that with"
            + " spark.read.format(\"tensorflow\")");
  }

  @Override
  public Source createSource(
      SQLContext context,
      String metadataPath,
      Option<StructType> schema,
      String provider,
      Map<String, String> options) {
    throw new IllegalStateException("a source without schema was made");
  }

  private static TensorArrowException unsupported(String what, String found, String expected) {
    return cannot(ErrorCode.TA_UNSUPPORTED, "%s", what).found("%s", found).expected("%s", expected);
  }
}
