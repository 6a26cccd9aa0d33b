package io.tensorarrow.spark.source;

import io.tensorarrow.spark.inference.ModelLookup;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import io.tensorarrow.spark.model.variables.ModelVariables;
import io.tensorarrow.spark.options.ExecutorSettings;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.variables.VariablesTable;
import io.tensorarrow.spark.source.wrapped.WrappedSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.collection.JavaConverters;

/** The way into this package: from the options of a read to a table. */
public final class TensorFlowTables {
  private TensorFlowTables() {}

  /**
   * Opens what the options describe: checks them, reads the model's protos in pure Java and the
   * wrapped table's schema, and matches the two. Runs on the driver; loads no native code. Returns
   * nothing for rows that Data Source V2 does not read: those of a catalog table, of a query, and
   * of sources without a batch reader.
   *
   * @param options the options of the read
   * @param registerPlanner adds our planner rules to a session; called with each session that plans
   *     a read of the table, since a view that reads it outlives the session that made it, and a
   *     new session begins without our rules. A callback, because the rules know this package
   * @throws io.tensorarrow.spark.errors.TensorArrowException if options, model, signature and
   *     columns do not fit
   */
  public static Optional<Table> open(
      CaseInsensitiveStringMap options, Consumer<SparkSession> registerPlanner) {
    ReadOptions checkedOptions = checked(options);
    if (checkedOptions.get(ReadOptions.INSPECT)) {
      return Optional.of(
          new InspectTable(
              ModelLookup.find(checkedOptions, Optional.empty()).first(),
              checkedOptions.given(ReadOptions.TAGS),
              checkedOptions.get(ReadOptions.ALLOW_OPS)));
    }
    if (checkedOptions.get(ReadOptions.VARIABLES)) {
      ModelLookup model = ModelLookup.find(checkedOptions, Optional.empty());
      String location = model.first().location();
      try (ModelFiles files =
          ModelLocation.open(location, ModelLookup.hadoopConf(checkedOptions))) {
        return Optional.of(
            new VariablesTable(location, model.access(), ModelVariables.list(files)));
      }
    }
    if (isPlanned(checkedOptions)) {
      return Optional.empty();
    }
    return InferenceRead.open(checkedOptions, Optional.empty(), registerPlanner)
        .map(
            read ->
                read.wrapped() instanceof FileTable
                    ? new FileInferenceTable(() -> read)
                    : new SourceInferenceTable(() -> read));
  }

  /**
   * Returns a table of what the options describe, whose wrapped columns are given. Options and
   * model are looked at when its columns are first asked for, and may be an error then, as in
   * {@link #open}. Returns nothing for rows that Data Source V2 does not read, as far as that shows
   * without looking at them.
   *
   * @param options the options of the read
   * @param schema the wrapped table's columns, without the outputs
   * @param registerPlanner as in {@link #open}
   */
  public static Optional<Table> openWithSchema(
      CaseInsensitiveStringMap options, StructType schema, Consumer<SparkSession> registerPlanner) {
    if (options.containsKey(ReadOptions.TABLE.key())
        || options.containsKey(ReadOptions.QUERY.key())
        || WrappedSource.isVersion1(options)) {
      return Optional.empty();
    }
    DeferredRead read = new DeferredRead(options, schema, registerPlanner);
    return Optional.of(
        WrappedSource.readsFiles(options)
            ? new FileInferenceTable(read)
            : new SourceInferenceTable(read));
  }

  private static boolean isPlanned(ReadOptions options) {
    return options.find(ReadOptions.TABLE).isPresent()
        || options.find(ReadOptions.QUERY).isPresent();
  }

  /**
   * Checks options as far as that needs neither model nor data.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException if they are unknown, malformed or not
   *     allowed
   */
  public static ReadOptions checked(CaseInsensitiveStringMap options) {
    ReadOptions checkedOptions = ReadOptions.of(options);
    checkedOptions.checkModes();
    ExecutorSettings.of(SparkSession.active().sparkContext().getConf())
        .checkAllowed(checkedOptions.get(ReadOptions.ALLOW_OPS));
    return checkedOptions;
  }

  /**
   * Returns the table with the data that a table of this data source reads, below all models; empty
   * if it is no table of this data source.
   */
  public static Optional<Table> wrapped(Table table) {
    return table instanceof InferenceTable inference
        ? Optional.of(wrapped(inference.read().wrapped()).orElse(inference.read().wrapped()))
        : Optional.empty();
  }

  /** Returns the paths that a table of this data source reads; none for other tables. */
  public static List<Path> readPaths(Table table) {
    return wrapped(table).map(TensorFlowTables::paths).orElse(List.of());
  }

  /**
   * Returns the directories of the files that a table of this data source reads; empty if only its
   * source knows them.
   */
  public static Optional<Set<Path>> readDirectories(Table table) {
    return wrapped(table)
        .filter(FileTable.class::isInstance)
        .map(files -> ((FileTable) files).fileIndex().leafFiles().keys())
        .map(
            files ->
                JavaConverters.asJavaCollection(files).stream()
                    .map(Path::getParent)
                    .collect(Collectors.toSet()));
  }

  /**
   * Returns where any table's files are: the root paths of a table of files, else the table's
   * property {@code location}, if it has one.
   */
  public static List<Path> paths(Table table) {
    if (table instanceof FileTable files) {
      return List.copyOf(JavaConverters.seqAsJavaList(files.fileIndex().rootPaths()));
    }
    return Optional.ofNullable(table.properties().get(TableCatalog.PROP_LOCATION))
        .filter(location -> !location.isBlank())
        .map(Path::new)
        .stream()
        .toList();
  }
}
