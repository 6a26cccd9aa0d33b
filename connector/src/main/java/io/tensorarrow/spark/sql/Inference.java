package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.columnar.ScalaLists;
import io.tensorarrow.spark.options.Handover;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Statistics;
import org.jspecify.annotations.Nullable;
import scala.collection.IndexedSeq;
import scala.collection.JavaConverters;
import scala.collection.Seq;
import scala.math.BigInt;

/**
 * Runs a model over the rows of a plan: the child's columns, and behind them one for each output
 * that the call computes. Keeps the child's rows and their order. Immutable; on the driver.
 */
public final class Inference extends LogicalPlan {
  private static final long serialVersionUID = 1;

  private final Predict call;
  private final Seq<Attribute> results;
  private final Seq<Expression> condition;
  private final boolean acrossFiles;
  private final LogicalPlan child;

  /**
   * Creates a node; Spark calls this, too, by reflection.
   *
   * @param call what to run; its arguments are attributes of the child
   * @param results the attributes of the call's outputs, in their order
   * @param condition an attribute of the child, true for the rows to run, so that the results of
   *     other rows are null; or nothing, to run all rows
   * @param acrossFiles whether a batch may hold rows of several files, since nobody asks for the
   *     file
   * @param child the plan of the rows
   */
  public Inference(
      Predict call,
      Seq<Attribute> results,
      Seq<Expression> condition,
      boolean acrossFiles,
      LogicalPlan child) {
    this.call = call;
    this.results = results;
    this.condition = condition;
    this.acrossFiles = acrossFiles;
    this.child = child;
  }

  /** Returns what to run; its arguments are attributes of the child. */
  public Predict call() {
    return call;
  }

  /** Returns the attributes of the call's outputs. */
  public List<Attribute> results() {
    return JavaConverters.seqAsJavaList(results);
  }

  Optional<Expression> condition() {
    return condition.isEmpty() ? Optional.empty() : Optional.of(condition.head());
  }

  /** Returns {@link #results} as Spark passes them. */
  public Seq<Attribute> resultSeq() {
    return results;
  }

  /** Returns the condition, if there is one, as Spark passes it. */
  public Seq<Expression> conditionSeq() {
    return condition;
  }

  /** Returns the plan of the rows. */
  public LogicalPlan child() {
    return child;
  }

  /** Returns how the batches are to get to Python functions. */
  public Handover handover() {
    return call.target().spec().handover();
  }

  /** Returns the columns that the model computes. */
  public Set<ExprId> tensors() {
    return results().stream().map(Attribute::exprId).collect(Collectors.toSet());
  }

  /** Returns the node that computes only some of the results. */
  Inference computingOnly(List<Integer> ordinals) {
    return new Inference(
        new Predict(call.target().computingOnly(ordinals), call.children()),
        ScalaLists.of(ordinals.stream().map(results()::get).toList()),
        condition,
        acrossFiles,
        child);
  }

  /** Returns whether a batch may hold rows of several files. */
  public boolean isAcrossFiles() {
    return acrossFiles;
  }

  /** Returns the node for a query that does not ask which file a row is from. */
  Inference acrossFiles() {
    return new Inference(call, results, condition, true, child);
  }

  /** Returns a child's columns, and behind them the results. */
  public static Seq<Attribute> output(Seq<Attribute> columns, Seq<Attribute> results) {
    List<Attribute> output = new ArrayList<>(JavaConverters.seqAsJavaList(columns));
    output.addAll(JavaConverters.seqAsJavaList(results));
    return ScalaLists.of(output);
  }

  @Override
  public Seq<Attribute> output() {
    return output(child.output(), results);
  }

  @Override
  @SuppressWarnings("unchecked")
  public AttributeSet producedAttributes() {
    return AttributeSet.apply((Seq<Expression>) (Seq<?>) results);
  }

  /** Adds the tensors' bytes to the child's, so that embeddings are not taken for a small table. */
  @Override
  public Statistics stats() {
    Statistics stats = child.stats();
    double rows =
        stats.rowCount().isDefined()
            ? stats.rowCount().get().toDouble()
            : stats.sizeInBytes().toDouble() / Math.max(1, child.schema().defaultSize());
    double perRow =
        call.target().spec().outputs().stream()
            .mapToDouble(output -> TensorColumns.bytesPerRow(output.tensor()))
            .sum();
    BigInt tensors = BigInt.apply((long) Math.min(Long.MAX_VALUE, rows * perRow));
    return new Statistics(
        stats.sizeInBytes().$plus(tensors),
        stats.rowCount(),
        stats.attributeStats(),
        stats.isRuntime());
  }

  @Override
  public Seq<LogicalPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return new Inference(call, results, condition, acrossFiles, children.apply(0));
  }

  @Override
  public int productArity() {
    return 5;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> call;
      case 1 -> results;
      case 2 -> condition;
      case 3 -> acrossFiles;
      default -> child;
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof Inference;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Inference that
            && call.equals(that.call)
            && results.equals(that.results)
            && condition.equals(that.condition)
            && acrossFiles == that.acrossFiles
            && child.equals(that.child));
  }

  @Override
  public int hashCode() {
    return 31 * call.hashCode() + child.hashCode();
  }
}
