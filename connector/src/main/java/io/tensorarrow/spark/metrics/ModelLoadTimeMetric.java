package io.tensorarrow.spark.metrics;

/** Time that tasks spent loading the model; zero where it was loaded already. */
public final class ModelLoadTimeMetric extends TaskMetric {
  /** The name under which tasks report it. */
  public static final String NAME = "modelLoadTime";

  /** Called by Spark, by class name. */
  public ModelLoadTimeMetric() {
    super(NAME, "time loading the model", TaskMetric::nanos);
  }
}
