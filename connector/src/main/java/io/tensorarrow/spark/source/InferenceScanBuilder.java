package io.tensorarrow.spark.source;

import io.tensorarrow.spark.options.InferenceSpec;
import io.tensorarrow.spark.options.InferenceSpec.Feed;
import io.tensorarrow.spark.options.InferenceSpec.Fetch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
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
  private final Set<String> tensorColumns;

  private StructType required;
  private Pushdown pushdown = new Pushdown(List.of(), List.of());
  private OptionalInt limit = OptionalInt.empty();

  /**
   * Begins a scan.
   *
   * @param session the session that plans
   * @param source the wrapped table's own builder
   * @param sourceSchema the wrapped table's columns
   * @param schema those, and the tensor columns
   * @param spec what to run
   */
  InferenceScanBuilder(
      SparkSession session,
      ScanBuilder source,
      StructType sourceSchema,
      StructType schema,
      InferenceSpec spec) {
    super(session, emptyIndex(session), schema);
    this.source = source;
    this.sourceSchema = sourceSchema;
    this.schema = schema;
    this.spec = spec;
    this.tensorColumns = spec.fetches().stream().map(Fetch::column).collect(Collectors.toSet());
    this.required = schema;
  }

  /**
   * Returns the filters that Spark has to evaluate behind the model: those that refer to tensors,
   * and those only Spark can run.
   */
  @Override
  public Seq<Expression> pushFilters(Seq<Expression> filters) {
    List<Expression> beforeModel = new ArrayList<>();
    List<Expression> afterModel = new ArrayList<>();
    for (Expression filter : JavaConverters.seqAsJavaList(filters)) {
      (canRunBeforeModel(filter) ? beforeModel : afterModel).add(filter);
    }
    pushdown = Pushdown.into(source, beforeModel);
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
    limit = OptionalInt.of(rows);
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
    Set<String> wanted = new HashSet<>(Arrays.asList(required.fieldNames()));
    InferenceSpec pruned = spec.fetchingOnly(wanted);
    if (source instanceof SupportsPushDownRequiredColumns pruning) {
      pruning.pruneColumns(sourceColumns(pruned));
    }
    Scan scan = source.build();
    if (scan instanceof V1Scan || scan instanceof LocalScan) {
      throw WrappedSource.unsupported(
          scan.description(),
          "a scan of class " + scan.getClass().getName() + ", which has no partitions to read");
    }
    return new InferenceScan(
        scan, pruned, readSchema(scan), pushdown.pushed(), pushdown.residual(), limit);
  }

  /**
   * Returns the required columns as they are read: a query may want some fields of a struct, but
   * tensors are whole, and so is what filters need and what the source can't read in part.
   */
  private StructType readSchema(Scan scan) {
    StructType read = scan.readSchema();
    return new StructType(
        Arrays.stream(required.fieldNames())
            .map(name -> (tensorColumns.contains(name) ? schema : read).apply(name))
            .toArray(StructField[]::new));
  }

  private StructType sourceColumns(InferenceSpec pruned) {
    Map<String, StructField> read = new LinkedHashMap<>();
    for (StructField field : required.fields()) {
      if (!tensorColumns.contains(field.name())) {
        read.put(field.name(), field);
      }
    }
    for (Expression filter : pushdown.residual()) {
      for (AttributeReference reference : Residual.references(filter)) {
        read.put(reference.name(), sourceSchema.apply(reference.name()));
      }
    }
    if (pruned.runsModel()) {
      for (Feed feed : pruned.feeds()) {
        String column = feed.column().column();
        read.put(column, sourceSchema.apply(column));
      }
    }
    return new StructType(read.values().toArray(new StructField[0]));
  }

  private boolean canRunBeforeModel(Expression filter) {
    return filter.deterministic()
        && Residual.references(filter).stream().noneMatch(r -> tensorColumns.contains(r.name()))
        && !SubqueryExpression.hasSubquery(filter)
        && filter.find(e -> e instanceof PythonUDF).isEmpty();
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
