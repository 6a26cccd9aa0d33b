package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ExecutorModelSettings;
import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.ModelSettings;
import io.tensorarrow.spark.model.SavedModelFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The models of the benchmarks, loaded as an executor loads them. */
final class Models {
  static final int THREADS = Runtime.getRuntime().availableProcessors();

  /** One place, so that a model is loaded anew when another one was wanted in between. */
  private static final ExecutorModelSettings CACHE =
      new ExecutorModelSettings(1, Long.MAX_VALUE, Duration.ofMinutes(10), Optional.empty());

  private Models() {}

  /** Returns where a model lies. */
  static Path directory(String name) {
    return Path.of(System.getProperty("bench.models"), name).toAbsolutePath().normalize();
  }

  /** Leases a model; the lease is owned by the caller. */
  static ModelLease lease(String name) {
    Path directory = directory(name);
    ModelReference model =
        new ModelReference(
            directory.toString(), SavedModelFile.read(directory).fingerprint(), List.of("serve"));
    return ModelCache.forExecutor(CACHE).acquire(model, new ModelSettings(THREADS));
  }
}
