package io.tensorarrow.spark.model;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.host.HostName;
import io.tensorarrow.spark.host.LocalName;
import io.tensorarrow.spark.model.eager.EagerModel;
import io.tensorarrow.spark.model.eager.ModelSettings;
import io.tensorarrow.spark.model.eager.TensorFlowStatus;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import io.tensorarrow.spark.model.natives.NativesDirectory;
import io.tensorarrow.spark.model.safety.OpPolicy;
import io.tensorarrow.spark.model.savedmodel.InvalidModelException;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.model.store.ModelCopies;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.model.store.ModelLocation;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Loads the model that a query was planned with, on the host that runs the task. */
public final class ModelLoader {
  private final Optional<Path> nativesDirectory;
  private final ModelCopies copies;

  /**
   * Makes a loader with the settings of this process.
   *
   * @param nativesDirectory where TensorFlow's libraries are extracted, if not at the usual place
   * @param modelsDirectory where remote models are copied to, if not next to the libraries
   */
  public ModelLoader(Optional<Path> nativesDirectory, Optional<Path> modelsDirectory) {
    this.nativesDirectory = nativesDirectory;
    this.copies =
        new ModelCopies(
            modelsDirectory.orElseGet(
                () -> NativesDirectory.of(nativesDirectory).base().resolve("models")));
  }

  /** Copies remote models next to the libraries. */
  public ModelLoader(Optional<Path> nativesDirectory) {
    this(nativesDirectory, Optional.empty());
  }

  /**
   * Loads a model.
   *
   * @param cancelled whether loading must end; asked by another thread, several times a second
   * @return the model, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if it is not on this
   *     host, {@link ErrorCode#TA_MODEL_CHANGED} if it is another one, {@link
   *     ErrorCode#TA_MODEL_FETCH} if it can't be copied to this host, {@link
   *     ErrorCode#TA_MODEL_CORRUPT}, {@link ErrorCode#TA_TAGS_NOT_FOUND}, {@link
   *     ErrorCode#TA_OP_NOT_ALLOWED}, {@link ErrorCode#TA_OP_UNKNOWN}, {@link ErrorCode#TA_NATIVES}
   *     or {@link ErrorCode#TA_MODEL_LOAD} if it can't be loaded
   * @throws java.util.concurrent.CancellationException if {@code cancelled} became true while
   *     TensorFlow loaded it
   */
  public EagerModel load(
      ModelReference reference, ModelSettings settings, BooleanSupplier cancelled) {
    if (reference.access().isRemote()) {
      return loadCopy(reference, settings, cancelled);
    }
    Path directory = directory(reference.directory());
    if (!Files.isDirectory(directory)) {
      throw missing(reference.directory());
    }
    SavedModelFile file = checked(SavedModelFile.read(directory), reference);
    return loadUnchanged(reference, () -> load(file, reference, settings, cancelled));
  }

  private EagerModel loadCopy(
      ModelReference reference, ModelSettings settings, BooleanSupplier cancelled) {
    String name = reference.fingerprint().replace(':', '-');
    try {
      return copies.use(
          name,
          reference.directory(),
          () -> original(reference),
          copy -> checkedCopy(copy, reference),
          file -> load(file, reference, settings, cancelled));
    } catch (TensorArrowException e) {
      if (e.code() == ErrorCode.TA_MODEL_LOAD && TensorFlowStatus.tellsDamage(e.reason())) {
        // Only TensorFlow checks the large files of a copy. The original may be undamaged.
        copies.discard(name);
      }
      throw e;
    }
  }

  /**
   * Loads a model that is where anybody may write. TensorFlow reads its variables and assets by
   * itself, after they were checked.
   */
  static EagerModel loadUnchanged(ModelReference reference, Supplier<EagerModel> loading) {
    EagerModel model = loading.get();
    try {
      checked(SavedModelFile.read(Path.of(reference.directory())), reference);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
    return model;
  }

  /**
   * Returns the path of a model on this host.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if this process can't
   *     write its name
   */
  public static Path directory(String directory) {
    try {
      return LocalName.of(directory);
    } catch (FileSystemException e) {
      throw cannotLoad(ErrorCode.TA_MODEL_NOT_FOUND, directory)
          .found("%s", LocalName.unencodable())
          .causedBy(e)
          .expected("%s", LocalName.EXPECTED);
    }
  }

  /** Says that a local model is not on this host. */
  public static TensorArrowException missing(String directory) {
    return cannotLoad(ErrorCode.TA_MODEL_NOT_FOUND, directory)
        .found("no such directory there")
        .expected(
            "it under the same path on every host (put it on a file system with a URI, such as hdfs"
                + " or s3a, on a disk that all hosts share, or copy it to each)");
  }

  private static CannotMessage cannotLoad(ErrorCode code, String directory) {
    return TensorArrowException.cannot(
        code, "load model '%s' on host '%s'", directory, HostName.get());
  }

  private EagerModel load(
      SavedModelFile file,
      ModelReference reference,
      ModelSettings settings,
      BooleanSupplier cancelled) {
    ModelGraph graph = file.graph(reference.tags());
    OpPolicy policy = graph.opPolicy(reference.allowedOps());
    policy.checkInitialisers();
    NativeLibraries.ensureLoaded(nativesDirectory);
    return EagerModel.load(graph, settings, policy, cancelled);
  }

  private static ModelCopies.Original original(ModelReference reference) {
    ModelFiles files =
        ModelLocation.open(reference.directory(), reference.access().configuration());
    try {
      // Before anything large is copied.
      checked(SavedModelFile.read(files), reference);
      return new ModelCopies.Original(files, SavedModelLayout.files(files));
    } catch (IOException e) {
      files.close();
      throw files.unreadable(e);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  /** Reads a copy; returns empty if it was altered. */
  private static Optional<SavedModelFile> checkedCopy(Path copy, ModelReference reference) {
    try (ModelFiles files = ModelFiles.copy(copy, reference.directory())) {
      return Optional.of(SavedModelFile.readComplete(files))
          .filter(file -> file.fingerprint().equals(reference.fingerprint()));
    } catch (InvalidModelException e) {
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static SavedModelFile checked(SavedModelFile file, ModelReference reference) {
    if (!file.fingerprint().equals(reference.fingerprint())) {
      throw cannotLoad(ErrorCode.TA_MODEL_CHANGED, reference.directory())
          .found("fingerprint %s", file.fingerprint())
          .expected(
              "%s, as when the query was planned (put a new version into a directory of its own, or"
                  + " run the query again)",
              reference.fingerprint());
    }
    return file;
  }
}
