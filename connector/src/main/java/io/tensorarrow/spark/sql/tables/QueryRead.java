package io.tensorarrow.spark.sql.tables;

import static io.tensorarrow.spark.errors.TensorArrowException.cannot;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.store.ModelName;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.source.PerQuery;
import io.tensorarrow.spark.source.TensorFlowTables;
import io.tensorarrow.spark.sql.Calls;
import io.tensorarrow.spark.sql.Predict;
import io.tensorarrow.spark.sql.functions.PredictFunctions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetStructField;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.ExposesMetadataColumns;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;
import scala.Option;
import scala.collection.JavaConverters;

/**
 * A model over rows that have a plan. The rows' tables are found when it is opened, as for a
 * DataFrame; their files, and the model's version, are looked up again for each planned query.
 *
 * <p>Two of them are equal if their options mean the same, and they found the same rows and model.
 *
 * <p>Thread-safe: sessions that share a view may plan at the same time.
 */
final class QueryRead {
  /** What error messages call a call of the model. */
  private static final String FUNCTION = "format('tensorflow')";

  private final String model;
  private final Map<String, String> options;
  private final QueryRows rows;
  private final Predict first;
  private final PerQuery<Predict> calls;
  private final StructType schema;

  private QueryRead(String model, Map<String, String> options, QueryRows rows) {
    this.model = model;
    this.options = options;
    this.rows = rows;
    this.first = bind();
    this.calls = new PerQuery<>(first);
    this.schema =
        new StructType(
            Stream.of(rows.schema(), first.target().outputs())
                .flatMap(columns -> Arrays.stream(columns.fields()))
                .toArray(StructField[]::new));
  }

  /**
   * Finds rows and model, and matches the two.
   *
   * @param options the options of the read
   * @param columns the columns given with the read, if any
   * @throws TensorArrowException if options, model, signature and columns do not fit
   */
  static QueryRead open(CaseInsensitiveStringMap options, Optional<StructType> columns) {
    ReadOptions checked = TensorFlowTables.checked(options);
    String model = checked.get(ReadOptions.MODEL);
    return new QueryRead(model, forModel(options), QueryRows.of(checked, columns));
  }

  /** Returns the options without those that say where the rows come from. */
  private static Map<String, String> forModel(CaseInsensitiveStringMap options) {
    Map<String, String> forModel = new LinkedHashMap<>();
    options
        .asCaseSensitiveMap()
        .forEach(
            (key, value) -> {
              if (isForModel(key.toLowerCase(Locale.ROOT))) {
                forModel.put(key, value);
              }
            });
    return forModel;
  }

  private static boolean isForModel(String key) {
    return !key.startsWith(ReadOptions.SOURCE_PREFIX)
        && !ReadOptions.PATH_KEYS.contains(key)
        && Stream.of(
                ReadOptions.MODEL,
                ReadOptions.SOURCE,
                ReadOptions.TABLE,
                ReadOptions.QUERY,
                ReadOptions.INSPECT,
                ReadOptions.VARIABLES,
                ReadOptions.REFRESH)
            .noneMatch(entry -> entry.key().equals(key));
  }

  private Predict bind() {
    return PredictFunctions.call(FUNCTION, Calls.output(rows.plan()), model, options);
  }

  /** Returns the name of the model and of the rows. */
  String name() {
    return ModelName.of(first.target().spec().model().directory()) + " over " + rows.name();
  }

  /** Returns the rows' columns, and behind them one for each output of the model. */
  StructType schema() {
    return schema;
  }

  /** Returns the analysed plan of the rows. */
  LogicalPlan rows() {
    return rows.plan();
  }

  /** Returns the columns that can be read though they are not part of the schema. */
  List<Attribute> metadataColumns() {
    return relation()
        .map(relation -> JavaConverters.seqAsJavaList(relation.metadataOutput()))
        .orElse(List.of())
        .stream()
        .filter(
            column -> Arrays.stream(schema.fieldNames()).noneMatch(column.name()::equalsIgnoreCase))
        .toList();
  }

  /** Returns the relation that the rows are, if they are those of one. */
  Optional<LogicalPlan> relation() {
    LogicalPlan plan = rows.plan();
    while (plan instanceof SubqueryAlias alias) {
      plan = alias.child();
    }
    return plan instanceof ExposesMetadataColumns ? Optional.of(plan) : Optional.empty();
  }

  /** Finds the model for the query that this thread plans; all reads of one query see the same. */
  PerQuery.Lookup<Predict> call() {
    return calls.forQuery(latest -> bindAgain());
  }

  private Predict bindAgain() {
    // Files may have come or gone since the last query.
    rows.plan().refresh();
    JavaConverters.seqAsJavaList(rows.plan().subqueriesAll()).forEach(LogicalPlan::refresh);
    Predict call = bind();
    if (!call.target().spec().outputs().equals(first.target().spec().outputs())) {
      throw cannot(ErrorCode.TA_MODEL_CHANGED, "read model '%s'", call.target().model())
          .found("outputs %s", call.target().outputs().toDDL())
          .expected(
              "outputs %s, which it had when the read was opened: open the read again",
              first.target().outputs().toDDL());
    }
    return call;
  }

  /**
   * Returns a plan of the rows with the outputs of a call.
   *
   * @param relation Spark's relation over this read
   * @param call as {@link #call} found it
   */
  LogicalPlan plan(DataSourceV2Relation relation, Predict call) {
    List<AttributeReference> wanted = JavaConverters.seqAsJavaList(relation.output());
    boolean withMetadata = wanted.size() > schema.size();
    LogicalPlan found =
        withMetadata
            ? ((ExposesMetadataColumns) relation().orElseThrow()).withMetadataColumns()
            : rows.plan();
    // A copy, since Spark keeps state of one query in the nodes of its plan.
    LogicalPlan from =
        SparkSession.active().sharedState().cacheManager().useCachedData(found.clone());
    Alias outputs = Calls.alias(call, "outputs");
    List<NamedExpression> below = new ArrayList<>(Calls.output(from));
    below.add(outputs);
    List<NamedExpression> columns = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      columns.add(as(wanted.get(i), value(i, wanted.get(i), from, outputs)));
    }
    return new Project(ScalaLists.of(columns), new Project(ScalaLists.of(below), from));
  }

  private Expression value(int ordinal, Attribute wanted, LogicalPlan from, Alias outputs) {
    int width = rows.schema().size();
    if (ordinal < width) {
      return Calls.output(from).get(ordinal);
    }
    if (ordinal < schema.size()) {
      return new GetStructField(outputs.toAttribute(), ordinal - width, Option.empty());
    }
    return Calls.output(from).stream()
        .filter(column -> column.name().equals(wanted.name()))
        .reduce((former, latter) -> latter)
        .orElseThrow();
  }

  /** Returns a value under the identity of an attribute. */
  static Alias as(Attribute wanted, Expression value) {
    return new Alias(
        value,
        wanted.name(),
        wanted.exprId(),
        Calls.emptyList(),
        Option.apply(wanted.metadata()),
        Calls.emptyList());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof QueryRead that
            && model.equals(that.model)
            && new CaseInsensitiveStringMap(options)
                .equals(new CaseInsensitiveStringMap(that.options))
            && rows.plan().sameResult(that.rows.plan())
            && first.target().equals(that.first.target())
            && isAsOpened()
            && that.isAsOpened());
  }

  /** Whether queries still run the model that was found when the read was opened. */
  private boolean isAsOpened() {
    return calls.latest().target().equals(first.target());
  }

  @Override
  public int hashCode() {
    return 31 * model.hashCode() + rows.plan().semanticHash();
  }
}
