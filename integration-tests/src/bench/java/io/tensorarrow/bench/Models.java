package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ExecutorModelCache;
import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The models of the benchmarks, loaded as an executor loads them. */
final class Models {
  static final int THREADS = Runtime.getRuntime().availableProcessors();

  private Models() {}

  /** Returns where a model is. */
  static Path directory(String name) {
    return Path.of(System.getProperty("bench.models"), name).toAbsolutePath().normalize();
  }

  /** Returns what the driver tells an executor about a model. */
  static ModelReference reference(String name) {
    Path directory = directory(name);
    return new ModelReference(
        directory.toString(), SavedModelFile.read(directory).fingerprint(), List.of("serve"));
  }

  /** Leases a model; the lease is owned by the caller. */
  static ModelLease lease(ModelReference model) {
    return lease(model, Optional.empty());
  }

  /**
   * Leases a model; the lease is owned by the caller. One model stays loaded, so that it is loaded
   * anew when another one was wanted in between.
   *
   * @param natives where TensorFlow's libraries are extracted, if not at the usual place
   */
  static ModelLease lease(ModelReference model, Optional<Path> natives) {
    ExecutorModelSettings settings =
        new ExecutorModelSettings(1, Long.MAX_VALUE, Duration.ofMinutes(10), natives);
    return ExecutorModelCache.get(settings).acquire(model, new ModelSettings(THREADS));
  }
}
