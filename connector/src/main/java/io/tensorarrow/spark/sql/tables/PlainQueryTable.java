package io.tensorarrow.spark.sql.tables;

import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** A model over any rows but those of files alone. */
final class PlainQueryTable implements QueryTable {
  private final Supplier<QueryRead> read;
  private final Consumer<SparkSession> registerPlanner;

  /**
   * @param read gives the read, always the same
   * @param registerPlanner adds the planner rules to a session
   */
  PlainQueryTable(Supplier<QueryRead> read, Consumer<SparkSession> registerPlanner) {
    this.read = read;
    this.registerPlanner = registerPlanner;
  }

  @Override
  public QueryRead read() {
    return read.get();
  }

  @Override
  public void registerPlanner() {
    registerPlanner.accept(SparkSession.active());
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
    return other instanceof PlainQueryTable that && read().equals(that.read());
  }

  @Override
  public int hashCode() {
    return read().hashCode();
  }
}
