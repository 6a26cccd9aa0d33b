package io.tensorarrow.spark.sql.tables;

import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.PartitioningAwareFileIndex;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;

/**
 * The way into this package: from the options of a read to a table. Thread-safe; on the driver, no
 * native code.
 */
public final class QueryTables {
  private QueryTables() {}

  /**
   * Opens what the options describe: a table, a query, or what a source gives as Spark reads it.
   *
   * @param options the options of the read
   * @param registerPlanner adds our planner rules to a session; called with each session that plans
   *     a read of the table
   * @throws io.tensorarrow.spark.errors.TensorArrowException if options, model, signature and
   *     columns do not fit
   */
  public static Table open(
      CaseInsensitiveStringMap options, Consumer<SparkSession> registerPlanner) {
    QueryRead read = QueryRead.open(options, Optional.empty());
    return read.relation().orElse(null) instanceof LogicalRelation relation
            && relation.relation() instanceof HadoopFsRelation files
            && files.location() instanceof PartitioningAwareFileIndex index
        ? new FileQueryTable(read, index, files.dataSchema(), registerPlanner)
        : new PlainQueryTable(() -> read, registerPlanner);
  }

  /**
   * As {@link #open}, for a read that gives the columns of the rows. Options, model and rows are
   * looked at when its columns are first asked for, and may be an error then.
   *
   * @param schema the columns of the rows, without the outputs
   */
  public static Table openWithSchema(
      CaseInsensitiveStringMap options, StructType schema, Consumer<SparkSession> registerPlanner) {
    return new PlainQueryTable(new Deferred(options, schema), registerPlanner);
  }

  /**
   * A read that is opened when its columns are asked for: Spark makes tables with a schema to write
   * to them, too, and finds out only then that they can't be written.
   */
  private static final class Deferred implements Supplier<QueryRead> {
    private final CaseInsensitiveStringMap options;
    private final StructType schema;
    private @Nullable QueryRead opened;

    private Deferred(CaseInsensitiveStringMap options, StructType schema) {
      this.options = options;
      this.schema = schema;
    }

    @Override
    public synchronized QueryRead get() {
      QueryRead result = opened;
      if (result == null) {
        result = QueryRead.open(options, Optional.of(schema));
        opened = result;
      }
      return result;
    }
  }
}
