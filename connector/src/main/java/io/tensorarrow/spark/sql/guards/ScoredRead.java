package io.tensorarrow.spark.sql.guards;

import io.tensorarrow.spark.source.TensorFlowTables;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.Path;
import org.apache.spark.paths.SparkPath;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.datasources.FileIndex;
import scala.collection.JavaConverters;

/**
 * Something that a table of the data source reads.
 *
 * @param name the table of the data source
 * @param table the table that holds the rows, if Spark knows it as one
 * @param paths where its files are
 * @param directories finds the directories of the files that are read, which may take long; gives
 *     nothing if only the source knows them
 */
record ScoredRead(
    String name,
    Optional<Table> table,
    List<Path> paths,
    Supplier<Optional<Set<Path>>> directories) {
  /** Returns the read of a table; empty if it is none of this data source. */
  static Optional<ScoredRead> of(Table table) {
    return TensorFlowTables.wrapped(table)
        .map(
            wrapped ->
                new ScoredRead(
                    table.name(),
                    Optional.of(wrapped),
                    TensorFlowTables.paths(wrapped),
                    () -> TensorFlowTables.readDirectories(table)));
  }

  /** Returns the read of a table whose rows' plan reads another table. */
  static ScoredRead through(String name, Table table) {
    return new ScoredRead(name, Optional.of(table), TensorFlowTables.paths(table), Optional::empty);
  }

  /** Returns the read of a table whose rows' plan reads a table of Hive. */
  static ScoredRead through(String name, CatalogTable table) {
    return new ScoredRead(
        name, Optional.empty(), List.of(new Path(table.location())), Optional::empty);
  }

  /** Returns the read of a table whose rows' plan reads files. */
  static ScoredRead through(String name, FileIndex files) {
    return new ScoredRead(
        name,
        Optional.empty(),
        JavaConverters.seqAsJavaList(files.rootPaths()),
        () ->
            Optional.of(
                Arrays.stream(files.inputFiles())
                    .map(file -> SparkPath.fromUrlString(file).toPath().getParent())
                    .collect(Collectors.toSet())));
  }
}
