package io.tensorarrow.spark.model.eager;

import static io.tensorarrow.spark.testing.Tensors.close;

import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.ModelTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.file.Path;
import java.util.List;

/** What tests of calls share. */
abstract class EagerCallTestBase extends ModelTestBase {
  static final String SERVING = "serving_default";

  ModelLease lease(Path model) {
    return cache(1).acquire(reference(model), ONE_THREAD);
  }

  /** Runs a call, closes the feeds and returns the results. */
  static List<NativeTensor> run(EagerCall call, NativeTensor... feeds) {
    try {
      return call.run(List.of(feeds));
    } finally {
      close(List.of(feeds));
    }
  }
}
