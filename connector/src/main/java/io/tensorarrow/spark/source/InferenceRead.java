package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.inference.BoundModel;
import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.inference.ModelLookup;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.options.ConnectorVersion;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.wrapped.FileMetadata;
import io.tensorarrow.spark.source.wrapped.WrappedSource;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.util.QuotingUtils;
import org.apache.spark.sql.connector.catalog.MetadataColumn;
import org.apache.spark.sql.connector.catalog.SupportsMetadataColumns;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import org.apache.spark.sql.types.DataType$;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model over a wrapped source, as the options of a read define them. The columns are settled when
 * it is opened; the model's version and the source's files or snapshot are looked up again for each
 * planned query, so that a view lives on when they change.
 *
 * <p>Two of them are equal if their options mean the same and they found the same model and, for
 * sources that report it, the same snapshot when they were opened.
 *
 * <p>Thread-safe: sessions that share a view may plan at the same time.
 */
final class InferenceRead {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceRead.class);

  private final ReadOptions options;
  private final WrappedSource source;
  private final Consumer<SparkSession> registerPlanner;
  private final StructType sourceSchema;
  private final BoundModel first;
  private final PerQuery<Table> tables;
  private final PerQuery<BoundModel> models;
  private final StructType schema;

  /** What the source is opened again with, so that it need not infer columns. */
  private final Optional<StructType> knownSchema;

  private final Snapshot snapshot;

  private InferenceRead(
      ReadOptions options,
      WrappedSource source,
      Consumer<SparkSession> registerPlanner,
      Table wrapped,
      StructType sourceSchema,
      BoundModel first) {
    this.options = options;
    this.source = source;
    this.registerPlanner = registerPlanner;
    this.sourceSchema = sourceSchema;
    this.first = first;
    this.tables = new PerQuery<>(wrapped);
    this.models = new PerQuery<>(first);
    this.knownSchema =
        canBeGiven(sourceSchema, wrapped) ? Optional.of(sourceSchema) : Optional.empty();
    this.snapshot = Snapshot.of(wrapped);
    Stream<StructField> tensors =
        first.spec().outputs().stream()
            .map(
                output ->
                    TensorColumns.field(
                        output.tensor(),
                        output.column(),
                        modelName(),
                        ConnectorVersion.current(),
                        first.spec().elements().types()));
    this.schema =
        new StructType(
            Stream.concat(Arrays.stream(sourceSchema.fields()), tensors)
                .toArray(StructField[]::new));
  }

  /**
   * Opens model and source, and matches the two; empty if the source has no batch reader of Data
   * Source V2.
   *
   * @param options what to read
   * @param userSchema the source's columns as given with the read, if any
   * @param registerPlanner adds the planner rules to each session that plans the read, as in {@link
   *     TensorFlowTables#open}
   * @throws TensorArrowException if options, model, signature and columns do not fit
   */
  static Optional<InferenceRead> open(
      ReadOptions options,
      Optional<StructType> userSchema,
      Consumer<SparkSession> registerPlanner) {
    ModelLookup model = ModelLookup.find(options, Optional.empty());
    ModelGraph graph = model.first().graph(options.get(ReadOptions.TAGS));
    Optional<WrappedSource> found = WrappedSource.find(options, userSchema);
    Optional<Table> opened = found.flatMap(WrappedSource::open);
    if (opened.isEmpty()) {
      return Optional.empty();
    }
    WrappedSource source = found.orElseThrow();
    Table wrapped = opened.get();
    StructType columns = WrappedSource.schema(wrapped);
    ModelSignature signature = BoundModel.signature(options, graph);
    BoundModel first =
        BoundModel.bind(options, model.first(), model.access(), graph, signature, columns, columns);
    return Optional.of(
        new InferenceRead(options, source, registerPlanner, wrapped, columns, first));
  }

  /** Returns the model's name, as it was when the read was opened. */
  String modelName() {
    return ModelName.of(first.spec().model().directory());
  }

  /** Returns the wrapped table's columns, and behind them one for each output of the model. */
  StructType schema() {
    return schema;
  }

  /** Returns the wrapped table, as the latest planned query found it. */
  Table wrapped() {
    return tables.latest();
  }

  /** Returns the columns that can be read though they are not part of the schema. */
  MetadataColumn[] metadataColumns() {
    Table wrapped = wrapped();
    if (wrapped instanceof SupportsMetadataColumns delegate) {
      return delegate.metadataColumns();
    }
    return wrapped instanceof FileTable
        ? new MetadataColumn[] {FileMetadata.COLUMN}
        : new MetadataColumn[0];
  }

  /**
   * Begins a scan over the current model and data. All scans of one query see the same.
   *
   * @return a builder of a scan that throws, when its partitions are planned, what went wrong since
   *     the read was opened: {@code TA_MODEL_CHANGED} if the model has another signature than when
   *     the read was opened, {@code TA_SOURCE_CHANGED} if a source that is no file source lost
   *     columns, or what opening throws
   */
  ScanBuilder newScanBuilder() {
    SparkSession session = SparkSession.active();
    registerPlanner.accept(session);
    PerQuery.Lookup<Table> table = tables.forQuery(latest -> openAgain());
    Table wrapped = table.value();
    boolean buildsMetadata =
        wrapped instanceof FileTable
            && !(wrapped instanceof SupportsMetadataColumns)
            && schema.getFieldIndex(FileMetadata.COLUMN.name()).isEmpty();
    return new InferenceScanBuilder(
        session,
        ((SupportsRead) wrapped).newScanBuilder(source.options()),
        table.failure(),
        sourceSchema,
        schema,
        first.spec(),
        () -> models.forQuery(this::bindAgain).map(BoundModel::spec),
        buildsMetadata);
  }

  private Table openAgain() {
    Table wrapped = source.openAgain(knownSchema);
    checkColumns(WrappedSource.schema(wrapped));
    return wrapped;
  }

  /** Called for queries that run the model only, so that others need none. */
  private BoundModel bindAgain(BoundModel latest) {
    ModelLookup lookup;
    try {
      lookup = ModelLookup.find(options, Optional.of(latest.model()));
    } catch (TensorArrowException e) {
      if (e.code() != ErrorCode.TA_MODEL_FETCH) {
        throw e;
      }
      // Executors that have a copy need no more; the others say that they can't get one.
      LOG.warn(
          "Model {} can't be looked up again; the query runs the one that was found before",
          latest.model().location(),
          e);
      return latest;
    }
    if (lookup.file().isEmpty()) {
      InferenceSpec spec = latest.spec();
      return new BoundModel(
          latest.model(),
          latest.signature(),
          spec.withModel(spec.model().withAccess(lookup.access())),
          latest.random());
    }
    SavedModelFile file = lookup.file().get();
    ModelGraph graph = file.graph(options.get(ReadOptions.TAGS));
    ModelSignature signature = BoundModel.signature(options, graph);
    checkSignature(file, signature);
    return BoundModel.bind(
        options, file, lookup.access(), graph, signature, sourceSchema, sourceSchema);
  }

  /**
   * Whether a source of files may be opened with the columns that it inferred. Not if the files
   * hold a partition column, too, since a schema that is given has it once; readers that use
   * position, as that of CSV, would take one column for another. Nor if a partition column has no
   * value at all, and so no type.
   */
  private static boolean canBeGiven(StructType columns, Table table) {
    if (!(table instanceof FileTable files)) {
      return false;
    }
    Set<String> partitions =
        Arrays.stream(files.fileIndex().partitionSchema().fieldNames())
            .map(name -> name.toLowerCase(Locale.ROOT))
            .collect(Collectors.toSet());
    return Arrays.stream(files.dataSchema().fieldNames())
            .noneMatch(name -> partitions.contains(name.toLowerCase(Locale.ROOT)))
        && Arrays.stream(columns.fields())
            .noneMatch(field -> field.dataType().equals(DataTypes.NullType));
  }

  private void checkSignature(SavedModelFile model, ModelSignature signature) {
    if (!signature.inputs().equals(first.signature().inputs())
        || !signature.outputs().equals(first.signature().outputs())) {
      throw cannot(ErrorCode.TA_MODEL_CHANGED, "read model '%s'", model.location())
          .found("signature %s", text(signature))
          .expected(
              "signature %s, which it had in '%s' when the read was opened: open the read again",
              text(first.signature()), first.model().location());
    }
  }

  private static String text(ModelSignature signature) {
    return "'%s' {%s} -> {%s}"
        .formatted(signature.name(), text(signature.inputs()), text(signature.outputs()));
  }

  private static String text(List<TensorSpec> tensors) {
    return tensors.stream().map(TensorSpec::toString).collect(Collectors.joining(", "));
  }

  private void checkColumns(StructType actualColumns) {
    String missing =
        Arrays.stream(sourceSchema.fields())
            .filter(field -> !contains(actualColumns, field))
            .map(field -> QuotingUtils.quoteIdentifier(field.name()) + " " + field.dataType().sql())
            .collect(Collectors.joining(", "));
    if (!missing.isEmpty()) {
      throw cannot(ErrorCode.TA_SOURCE_CHANGED, "read source '%s'", source.format())
          .found("columns {%s}", actualColumns.toDDL())
          .expected(
              "also {%s}, which it had when the read was opened: open the read again", missing);
    }
  }

  private static boolean contains(StructType columns, StructField field) {
    return Arrays.stream(columns.fields())
        .anyMatch(
            column ->
                column.name().equals(field.name())
                    && (field.nullable() || !column.nullable())
                    && DataType$.MODULE$.equalsIgnoreCompatibleNullability(
                        column.dataType(), field.dataType()));
  }

  /**
   * Whether what was found when the read was opened is still what queries read: what is cached of
   * another state must not be taken for it.
   */
  private boolean isAsOpened() {
    return models.latest().spec().equals(first.spec())
        && Snapshot.of(tables.latest()).equals(snapshot);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof InferenceRead that
            && source.equals(that.source)
            && schema.equals(that.schema)
            && first.spec().equals(that.first.spec())
            && snapshot.equals(that.snapshot)
            && isAsOpened()
            && that.isAsOpened());
  }

  @Override
  public int hashCode() {
    return Objects.hash(source, first.spec());
  }
}
