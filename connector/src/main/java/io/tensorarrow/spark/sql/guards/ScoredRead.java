package io.tensorarrow.spark.sql.guards;

import io.tensorarrow.spark.source.TensorFlowTables;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.execution.datasources.FileIndex;
import scala.collection.JavaConverters;

/**
 * Something that a table of the data source reads.
 *
 * @param name the table of the data source
 * @param table the table that holds the rows, if Spark knows it as one
 * @param paths where its files are
 * @param directories the directories of the files that are read; empty if only its source knows
 *     them
 */
record ScoredRead(
    String name, Optional<Table> table, List<Path> paths, Optional<Set<Path>> directories) {
  /** Returns the read of a table; empty if it is none of this data source. */
  static Optional<ScoredRead> of(Table table) {
    return TensorFlowTables.wrapped(table)
        .map(
            wrapped ->
                new ScoredRead(
                    table.name(),
                    Optional.of(wrapped),
                    TensorFlowTables.paths(wrapped),
                    TensorFlowTables.readDirectories(table)));
  }

  /** Returns the read of a table whose rows' plan reads another table. */
  static ScoredRead through(String name, Table table) {
    return new ScoredRead(
        name, Optional.of(table), TensorFlowTables.paths(table), Optional.empty());
  }

  /** Returns the read of a table whose rows' plan reads files. */
  static ScoredRead through(String name, FileIndex files) {
    return new ScoredRead(
        name,
        Optional.empty(),
        JavaConverters.seqAsJavaList(files.rootPaths()),
        Optional.of(
            Arrays.stream(files.inputFiles())
                .map(file -> new Path(file).getParent())
                .collect(Collectors.toSet())));
  }
}
