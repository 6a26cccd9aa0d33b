package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.OpPolicy;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Loads the model that a query was planned with, on the host that runs the task. */
final class ModelLoader {
  private final Optional<Path> nativesDirectory;

  ModelLoader(Optional<Path> nativesDirectory) {
    this.nativesDirectory = nativesDirectory;
  }

  /**
   * Loads a model.
   *
   * @param cancelled whether loading shall end; asked by another thread, several times a second
   * @return the model, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if it is not on this
   *     host, {@link ErrorCode#TA_MODEL_CHANGED} if it is another one, {@link
   *     ErrorCode#TA_MODEL_CORRUPT}, {@link ErrorCode#TA_TAGS_NOT_FOUND}, {@link
   *     ErrorCode#TA_OP_NOT_ALLOWED}, {@link ErrorCode#TA_OP_UNKNOWN}, {@link ErrorCode#TA_NATIVES}
   *     or {@link ErrorCode#TA_MODEL_LOAD} if it can't be loaded
   * @throws java.util.concurrent.CancellationException if {@code cancelled} became true while
   *     TensorFlow loaded it
   */
  EagerModel load(ModelReference reference, ModelSettings settings, BooleanSupplier cancelled) {
    Path directory = Path.of(reference.directory());
    if (!Files.isDirectory(directory)) {
      throw new TensorArrowException(
          ErrorCode.TA_MODEL_NOT_FOUND,
          "Cannot load model '"
              + directory
              + "' on host '"
              + host()
              + "': found no such directory there; expected it under the same path on every host (put it on"
              + " a file system that all hosts share, or copy it to each; remote models are not"
              + " covered yet)");
    }
    SavedModelFile file = SavedModelFile.read(directory);
    if (!file.fingerprint().equals(reference.fingerprint())) {
      throw new TensorArrowException(
          ErrorCode.TA_MODEL_CHANGED,
          "Cannot load model '"
              + directory
              + "' on host '"
              + host()
              + "': found fingerprint "
              + file.fingerprint()
              + "; expected "
              + reference.fingerprint()
              + ", as when the query was planned (put a new version into a directory of its own, or run"
              + " the query again)");
    }
    ModelGraph graph = file.graph(reference.tags());
    OpPolicy policy = graph.opPolicy(reference.allowedOps());
    policy.checkInitialisers();
    Natives.ensureLoaded(nativesDirectory);
    return EagerModel.load(graph, settings, policy, cancelled);
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      // The name only helps to find the host; its absence must not hide the fault.
      return "unknown";
    }
  }
}
