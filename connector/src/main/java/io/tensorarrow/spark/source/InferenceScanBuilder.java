package io.tensorarrow.spark.source;

import io.tensorarrow.spark.columnar.RowFilter;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.InferenceSpec.InputBinding;
import io.tensorarrow.spark.inference.InferenceSpec.OutputBinding;
import io.tensorarrow.spark.source.wrapped.FileMetadata;
import io.tensorarrow.spark.source.wrapped.WrappedSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.connector.expressions.filter.Predicate;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.connector.read.SupportsPushDownLimit;
import org.apache.spark.sql.connector.read.SupportsPushDownRequiredColumns;
import org.apache.spark.sql.connector.read.V1Scan;
import org.apache.spark.sql.execution.datasources.InMemoryFileIndex;
import org.apache.spark.sql.execution.datasources.NoopCache$;
import org.apache.spark.sql.execution.datasources.v2.FileScanBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.collection.JavaConverters;
import scala.collection.Seq;

/**
 * Keeps what a query does not need away from the model: filters that refer to no tensor go to the
 * wrapped source and what it does not guarantee is evaluated before the model, columns and outputs
 * that nobody asks for are neither read nor computed, a limit bounds the rows that are run.
 *
 * <p>It extends {@code FileScanBuilder}, whatever it wraps, because Spark 3.5 hands untranslated
 * Catalyst filters to that class only; the file index is an empty one that nothing reads.
 */
final class InferenceScanBuilder extends FileScanBuilder implements SupportsPushDownLimit {
  private final ScanBuilder source;
  private final StructType sourceSchema;
  private final StructType schema;
  private final InferenceSpec spec;
  private final Supplier<PerQuery.Lookup<InferenceSpec>> current;
  private final Set<String> tensorColumns;
  private final boolean buildsMetadata;

  private StructType required;
  private Pushdown pushdown = new Pushdown(List.of(), List.of());
  private @Nullable Integer limit;
  private Optional<Exception> failure;

  /**
   * @param session the session that plans
   * @param source the wrapped table's own builder
   * @param failure why the wrapped table could not be looked up again, to be thrown when the query
   *     runs
   * @param sourceSchema the wrapped table's columns
   * @param schema those, and the tensor columns
   * @param spec what to run, of the model as it was when the read was opened
   * @param current gives the same of the model as it is; asked only if the model runs
   * @param buildsMetadata whether {@code _metadata} is added to what the source reads
   */
  InferenceScanBuilder(
      SparkSession session,
      ScanBuilder source,
      Optional<Exception> failure,
      StructType sourceSchema,
      StructType schema,
      InferenceSpec spec,
      Supplier<PerQuery.Lookup<InferenceSpec>> current,
      boolean buildsMetadata) {
    super(session, emptyIndex(session), schema);
    this.source = source;
    this.failure = failure;
    this.sourceSchema = sourceSchema;
    this.schema = schema;
    this.spec = spec;
    this.current = current;
    this.tensorColumns =
        spec.outputs().stream().map(OutputBinding::column).collect(Collectors.toSet());
    this.buildsMetadata = buildsMetadata;
    this.required = schema;
  }

  /**
   * Returns the filters that Spark has to evaluate behind the model: those that refer to tensors,
   * and those only Spark can run.
   */
  @Override
  public Seq<Expression> pushFilters(Seq<Expression> filters) {
    List<Expression> forSource = new ArrayList<>();
    List<Expression> ofMetadata = new ArrayList<>();
    List<Expression> afterModel = new ArrayList<>();
    for (Expression filter : JavaConverters.seqAsJavaList(filters)) {
      if (!canRunBeforeModel(filter)) {
        afterModel.add(filter);
      } else {
        (readsMetadata(filter) ? ofMetadata : forSource).add(filter);
      }
    }
    pushdown = Pushdown.into(source, forSource).withResidual(ofMetadata);
    return JavaConverters.asScalaBuffer(afterModel).toSeq();
  }

  @Override
  public Predicate[] pushedFilters() {
    return pushdown.pushed().toArray(new Predicate[0]);
  }

  @Override
  public void pruneColumns(StructType requiredSchema) {
    required = requiredSchema;
  }

  @Override
  public boolean pushLimit(int rows) {
    limit = rows;
    // Only rows that pass the residual filters count, so the source itself must not stop earlier.
    if (pushdown.residual().isEmpty() && source instanceof SupportsPushDownLimit limited) {
      limited.pushLimit(rows);
    }
    return true;
  }

  /**
   * Returns true: the limit holds for each partition, Spark applies it once more over all of them.
   */
  @Override
  public boolean isPartiallyPushed() {
    return true;
  }

  @Override
  public Scan build() {
    Set<String> requiredNames = new HashSet<>(Arrays.asList(required.fieldNames()));
    InferenceSpec pruned = spec.computingOnly(requiredNames);
    if (pruned.runsModel()) {
      PerQuery.Lookup<InferenceSpec> lookup = current.get();
      pruned = lookup.value().computingOnly(requiredNames);
      failure = failure.or(lookup::failure);
    }
    if (source instanceof SupportsPushDownRequiredColumns pruning) {
      pruning.pruneColumns(sourceColumns(pruned));
    }
    Scan scan = source.build();
    if (scan instanceof V1Scan || scan instanceof LocalScan) {
      throw WrappedSource.unsupported(
          scan.description(),
          "a scan of class " + scan.getClass().getName() + ", which has no partitions to read");
    }
    StructField metadata = metadata().orElse(null);
    Optional<Expression> filter =
        Residual.bind(pushdown.residual(), ReadPlan.inputSchema(scan.readSchema(), metadata));
    ReadPlan plan =
        new ReadPlan(
            scan.readSchema(),
            metadata,
            readSchema(scan),
            pruned,
            filter.orElse(null),
            limit,
            false);
    return new InferenceScan(scan, plan, pushdown, failure);
  }

  private boolean readsMetadata(Expression filter) {
    return Residual.references(filter).stream().anyMatch(r -> isMetadata(r.name()));
  }

  private boolean isMetadata(String column) {
    return buildsMetadata && column.equals(FileMetadata.COLUMN.name());
  }

  /** Returns which fields of {@code _metadata} are read; filters know the complete column only. */
  private Optional<StructField> metadata() {
    if (pushdown.residual().stream().anyMatch(this::readsMetadata)) {
      return Optional.of(FileMetadata.field());
    }
    return Arrays.stream(required.fields()).filter(field -> isMetadata(field.name())).findFirst();
  }

  /**
   * Returns the required columns as they are read: a query may need some fields of a struct only,
   * but tensors are complete, and so are columns of filters and those that the source can't prune.
   */
  private StructType readSchema(Scan scan) {
    StructType scanned = scan.readSchema();
    return new StructType(
        Arrays.stream(required.fieldNames())
            .map(
                name ->
                    isMetadata(name)
                        ? metadata().orElseThrow()
                        : (tensorColumns.contains(name) ? schema : scanned).apply(name))
            .toArray(StructField[]::new));
  }

  private StructType sourceColumns(InferenceSpec pruned) {
    Map<String, StructField> columns = new LinkedHashMap<>();
    for (StructField field : required.fields()) {
      if (!tensorColumns.contains(field.name()) && !isMetadata(field.name())) {
        columns.put(field.name(), field);
      }
    }
    for (Expression filter : pushdown.residual()) {
      for (AttributeReference reference : Residual.references(filter)) {
        if (!isMetadata(reference.name())) {
          columns.put(reference.name(), completeColumn(reference));
        }
      }
    }
    if (pruned.runsModel()) {
      for (InputBinding input : pruned.inputs()) {
        String column = input.column().column();
        columns.put(column, sourceSchema.apply(column));
      }
    }
    return new StructType(columns.values().toArray(new StructField[0]));
  }

  /**
   * Returns a column with all its fields, as a filter needs it; it may be one of the source's
   * hidden ones.
   */
  private StructField completeColumn(AttributeReference column) {
    return sourceSchema.getFieldIndex(column.name()).isDefined()
        ? sourceSchema.apply(column.name())
        : new StructField(column.name(), column.dataType(), column.nullable(), column.metadata());
  }

  private boolean canRunBeforeModel(Expression filter) {
    return RowFilter.canEvaluate(filter)
        && Residual.references(filter).stream().noneMatch(r -> tensorColumns.contains(r.name()));
  }

  private static InMemoryFileIndex emptyIndex(SparkSession session) {
    return new InMemoryFileIndex(
        session,
        JavaConverters.asScalaBuffer(new ArrayList<org.apache.hadoop.fs.Path>()).toSeq(),
        scala.collection.immutable.Map$.MODULE$.empty(),
        Option.empty(),
        NoopCache$.MODULE$,
        Option.empty(),
        Option.empty());
  }
}
