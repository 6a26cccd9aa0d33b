package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.model.ExecutorModelCache;
import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.options.ExecutorSettings;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkConf;

/** Leases models from the executor's cache, with the settings of its process. Thread-safe. */
final class ExecutorModels {
  private ExecutorModels() {}

  /**
   * Leases a model, and loads it if no task did so before.
   *
   * @param spec names the model and what it may do
   * @param cancelled whether the task was killed, so that loading, waiting and the lease's calls
   *     must end; asked by any thread, several times a second
   * @return the lease, to be closed by the caller
   * @throws io.tensorarrow.spark.errors.TensorArrowException if the model can't be loaded, or with
   *     {@code TA_OPTION_INVALID} if this executor does not allow its operations
   * @throws java.util.concurrent.CancellationException if {@code cancelled} says so meanwhile
   */
  static ModelLease acquire(InferenceSpec spec, BooleanSupplier cancelled) {
    SparkConf conf = ExecutorSettings.confOfProcess();
    ExecutorSettings settings = ExecutorSettings.of(conf);
    settings.checkAllowed(spec.model().allowedOps());
    int cores = cores(conf);
    ModelSettings threads = new ModelSettings(spec.threads() > 0 ? spec.threads() : cores, cores);
    return ExecutorModelCache.get(modelSettings(settings))
        .acquire(spec.model(), threads, cancelled);
  }

  private static ExecutorModelSettings modelSettings(ExecutorSettings settings) {
    return new ExecutorModelSettings(
        settings.cacheModels(),
        settings.cacheBytes(),
        settings.cacheIdleTime(),
        settings.nativesDirectory(),
        settings.modelsDirectory());
  }

  /** Returns the executor's cores: Spark sets it only where it differs from the default. */
  private static int cores(SparkConf conf) {
    String master = conf.get("spark.master", "");
    boolean oneByDefault = master.startsWith("yarn") || master.startsWith("k8s");
    return conf.getInt(
        "spark.executor.cores", oneByDefault ? 1 : Runtime.getRuntime().availableProcessors());
  }
}
