package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.GraphValidator;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.tensorflow.proto.MetaGraphDef;

/**
 * A SavedModel as its files describe it, checked for completeness. Reading it runs no native code,
 * so that a driver can do it without TensorFlow's libraries.
 *
 * <p>Immutable.
 */
public final class SavedModelFile {
  private final String location;
  private final Optional<Path> directory;
  private final List<MetaGraphDef> graphs;
  private final String fingerprint;
  private final ModelState state;

  private SavedModelFile(
      ModelFiles files, List<MetaGraphDef> graphs, String fingerprint, ModelState state) {
    this.location = files.location();
    this.directory = files.localDirectory();
    this.graphs = graphs;
    this.fingerprint = fingerprint;
    this.state = state;
  }

  /**
   * Reads and checks a SavedModel on this host.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @throws TensorArrowException as {@link #read(ModelFiles)}
   */
  public static SavedModelFile read(Path directory) {
    try (ModelFiles files = ModelFiles.local(directory)) {
      return read(files);
    }
  }

  /**
   * Reads and checks a SavedModel.
   *
   * @param files the directory that holds {@code saved_model.pb}; not needed any more afterwards
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if no SavedModel is
   *     there, with {@link ErrorCode#TA_MODEL_CORRUPT} if it is incomplete or can't be read, with
   *     {@link ErrorCode#TA_MODEL_FETCH} if a remote file system does not give it
   */
  public static SavedModelFile read(ModelFiles files) {
    try {
      return readComplete(files);
    } catch (InvalidModelException e) {
      throw e.of(files.location());
    } catch (IOException e) {
      throw files.unreadable(e);
    }
  }

  /**
   * Reads and checks a SavedModel.
   *
   * @throws InvalidModelException if it is incomplete
   * @throws IOException if that can't be found out
   */
  public static SavedModelFile readComplete(ModelFiles files)
      throws InvalidModelException, IOException {
    // Taken first: what changes meanwhile makes another state.
    ModelState state = ModelState.of(files);
    byte[] bytes = SavedModelProto.read(files);
    List<MetaGraphDef> graphs = SavedModelProto.parse(bytes);
    new CompletenessCheck(files).check(graphs);
    return new SavedModelFile(files, graphs, ModelFingerprint.of(files, bytes), state);
  }

  /** Returns how messages name the model's directory: an absolute path or a URI. */
  public String location() {
    return location;
  }

  /** Returns the tag set of each graph; the tags of a set are sorted, and so are the sets. */
  public List<List<String>> tagSets() {
    return graphs.stream()
        .map(ModelGraph::tags)
        .sorted(Comparator.comparing(tags -> String.join(",", tags)))
        .toList();
  }

  /**
   * Finds the graph with exactly these tags.
   *
   * @param tags the tag set in any order
   * @throws TensorArrowException with {@link ErrorCode#TA_TAGS_NOT_FOUND} if no graph has it, with
   *     {@link ErrorCode#TA_MODEL_UNSAFE_TO_LOAD} if it is malformed
   */
  public ModelGraph graph(Collection<String> tags) {
    List<String> requested = tags.stream().distinct().sorted().toList();
    MetaGraphDef proto =
        graphs.stream()
            .filter(graph -> ModelGraph.tags(graph).equals(requested))
            .findFirst()
            .orElseThrow(() -> noSuchTags(String.join(",", requested)));
    GraphValidator.check(location, proto);
    return new ModelGraph(location, directory, proto);
  }

  /**
   * Returns {@code sha256:<hex>} over the files that make the model; see {@code ModelFingerprint}
   * for what it covers.
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** Returns how the files looked when they were read. */
  public ModelState state() {
    return state;
  }

  private TensorArrowException noSuchTags(String requested) {
    List<String> known = tagSets().stream().map(set -> String.join(",", set)).toList();
    return TensorArrowException.cannot(
            ErrorCode.TA_TAGS_NOT_FOUND, "find tags '%s' in model '%s'", requested, location)
        .found("tag sets %s", Alternatives.closestFirst(requested, known))
        .expected("one of these");
  }
}
