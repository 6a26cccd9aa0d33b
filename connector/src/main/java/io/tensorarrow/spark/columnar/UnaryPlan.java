package io.tensorarrow.spark.columnar;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.jspecify.annotations.Nullable;
import scala.collection.Seq;

/** Base of unary plan nodes; implements what a Scala case class would generate. */
public abstract class UnaryPlan extends SparkPlan {
  private static final long serialVersionUID = 1;

  private final SparkPlan child;

  protected UnaryPlan(SparkPlan child) {
    this.child = child;
  }

  /** Returns the constructor's arguments, in order: Spark copies nodes with them. */
  protected abstract List<Object> arguments();

  /** Returns the node below. */
  public final SparkPlan child() {
    return child;
  }

  @Override
  public final Seq<SparkPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public final int productArity() {
    return arguments().size();
  }

  @Override
  public final Object productElement(int n) {
    return arguments().get(n);
  }

  @Override
  public final boolean canEqual(Object other) {
    return getClass().isInstance(other);
  }

  @Override
  public final boolean equals(@Nullable Object other) {
    return other instanceof UnaryPlan that
        && getClass() == that.getClass()
        && arguments().equals(that.arguments());
  }

  @Override
  public final int hashCode() {
    return arguments().hashCode();
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }
}
