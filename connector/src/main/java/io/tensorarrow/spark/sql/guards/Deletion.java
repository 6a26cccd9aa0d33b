package io.tensorarrow.spark.sql.guards;

import io.tensorarrow.spark.source.TensorFlowTables;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.ResolvedIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTablePartition;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OverwriteByExpression;
import org.apache.spark.sql.catalyst.plans.logical.ReplaceTableAsSelect;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.StagingTableCatalog;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.execution.command.CreateDataSourceTableAsSelectCommand;
import org.apache.spark.sql.execution.command.InsertIntoDataSourceDirCommand;
import org.apache.spark.sql.execution.datasources.InsertIntoHadoopFsRelationCommand;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.internal.SessionState;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * What a command deletes before its query reads anything. Commands that write first have nothing of
 * the kind: dynamic partition overwrite, tables and directories in formats of Hive, catalogs that
 * replace a table in one step.
 *
 * @param paths the files and directories
 * @param table the table, if it is dropped
 */
record Deletion(List<Path> paths, Optional<Table> table) {
  /** Returns what a command deletes; empty if it deletes nothing before it reads. */
  static Optional<Deletion> of(LogicalPlan command, SparkSession session) {
    if (command instanceof InsertIntoHadoopFsRelationCommand insert) {
      return insert.mode() == SaveMode.Overwrite && !insert.dynamicPartitionOverwrite()
          ? Optional.of(files(cleared(insert, session)))
          : Optional.empty();
    }
    if (command instanceof InsertIntoDataSourceDirCommand insert) {
      return insert.overwrite() ? location(insert.storage()) : Optional.empty();
    }
    if (command instanceof CreateDataSourceTableAsSelectCommand create) {
      return newTable(create, session);
    }
    if (command instanceof OverwriteByExpression overwrite) {
      return overwrite.table() instanceof DataSourceV2Relation relation
              && relation.table() instanceof FileTable target
          ? Optional.of(files(TensorFlowTables.paths(target)))
          : Optional.empty();
    }
    return command instanceof ReplaceTableAsSelect replace
            && replace.name() instanceof ResolvedIdentifier name
            && name.catalog() instanceof TableCatalog catalog
        ? droppedTable(catalog, name.identifier())
        : Optional.empty();
  }

  private static Deletion files(List<Path> paths) {
    return new Deletion(paths, Optional.empty());
  }

  private static Optional<Deletion> location(CatalogStorageFormat storage) {
    return storage.locationUri().isEmpty()
        ? Optional.empty()
        : Optional.of(files(List.of(new Path(storage.locationUri().get()))));
  }

  /** The same as Spark's {@code InsertIntoHadoopFsRelationCommand.deleteMatchingPartitions}. */
  private static List<Path> cleared(
      InsertIntoHadoopFsRelationCommand insert, SparkSession session) {
    List<CatalogTablePartition> partitions = partitions(insert, session);
    if (insert.ifPartitionNotExists() && !partitions.isEmpty()) {
      return List.of();
    }
    Map<String, String> values = JavaConverters.mapAsJavaMap(insert.staticPartitions());
    String suffix =
        JavaConverters.seqAsJavaList(insert.partitionColumns()).stream()
            .map(Attribute::name)
            .filter(values::containsKey)
            .map(
                column ->
                    Path.SEPARATOR
                        + ExternalCatalogUtils.getPartitionPathString(column, values.get(column)))
            .collect(Collectors.joining());
    Path output = insert.outputPath();
    return Stream.concat(
            Stream.of(suffix.isEmpty() ? output : output.suffix(suffix)),
            partitions.stream().map(partition -> new Path(partition.location())))
        .toList();
  }

  /** Returns the partitions of a catalog's table that are overwritten: each may be elsewhere. */
  private static List<CatalogTablePartition> partitions(
      InsertIntoHadoopFsRelationCommand insert, SparkSession session) {
    SessionState state = session.sessionState();
    if (insert.catalogTable().isEmpty() || !state.conf().manageFilesourcePartitions()) {
      return List.of();
    }
    CatalogTable table = insert.catalogTable().get();
    return table.partitionColumnNames().isEmpty() || !table.tracksPartitionsInCatalog()
        ? List.of()
        : JavaConverters.seqAsJavaList(
            state
                .catalog()
                .listPartitions(table.identifier(), Option.apply(insert.staticPartitions())));
  }

  /** Spark clears the directory of a new table, or demands that it is empty. */
  private static Optional<Deletion> newTable(
      CreateDataSourceTableAsSelectCommand create, SparkSession session) {
    SessionState state = session.sessionState();
    boolean mustBeEmpty =
        create.mode() == SaveMode.ErrorIfExists && !state.conf().allowNonEmptyLocationInCTAS();
    return mustBeEmpty || state.catalog().tableExists(create.table().identifier())
        ? Optional.empty()
        : location(create.table().storage());
  }

  private static Optional<Deletion> droppedTable(TableCatalog catalog, Identifier name) {
    try {
      Table table = catalog.loadTable(name);
      // Catalogs stage tables of their own format; they drop those of Spark's formats.
      boolean isStaged = catalog instanceof StagingTableCatalog && !(table instanceof V1Table);
      return isStaged
          ? Optional.empty()
          : Optional.of(new Deletion(TensorFlowTables.paths(table), Optional.of(table)));
    } catch (NoSuchTableException e) {
      return Optional.empty();
    }
  }
}
