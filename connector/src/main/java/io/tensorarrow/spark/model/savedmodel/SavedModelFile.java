package io.tensorarrow.spark.model.savedmodel;

import com.google.protobuf.InvalidProtocolBufferException;
import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.GraphValidator;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;

/**
 * A SavedModel as its files describe it, checked for completeness. Reading it runs no native code,
 * so that a driver can do it without TensorFlow's libraries.
 *
 * <p>Immutable.
 */
public final class SavedModelFile {
  /** More than protocol buffers allow, and than a Java array can hold. */
  private static final long LARGEST_PROTO = Integer.MAX_VALUE - 8L;

  private static final String AS_WRITTEN = "the file as TensorFlow wrote it";

  private static final Map<String, String> OTHER_FORMATS =
      Map.of(
          ".h5", "a Keras HDF5 file",
          ".hdf5", "a Keras HDF5 file",
          ".keras", "a Keras archive",
          ".tflite", "a TensorFlow Lite model",
          ".onnx", "an ONNX model",
          ".pbtxt", "a text proto");

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
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if no SavedModel lies
   *     there, with {@link ErrorCode#TA_MODEL_CORRUPT} if it is incomplete or can't be read, with
   *     {@link ErrorCode#TA_MODEL_FETCH} if a remote file system does not give it
   */
  public static SavedModelFile read(ModelFiles files) {
    try {
      return readWhole(files);
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
  public static SavedModelFile readWhole(ModelFiles files)
      throws InvalidModelException, IOException {
    // Taken first: what changes meanwhile makes another state.
    ModelState state = ModelState.of(files);
    byte[] bytes = bytes(files, proto(files));
    List<MetaGraphDef> graphs = parse(bytes);
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
    List<String> wanted = tags.stream().distinct().sorted().toList();
    MetaGraphDef proto =
        graphs.stream()
            .filter(graph -> ModelGraph.tags(graph).equals(wanted))
            .findFirst()
            .orElseThrow(() -> noSuchTags(String.join(",", wanted)));
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

  private TensorArrowException noSuchTags(String wanted) {
    List<String> known = tagSets().stream().map(set -> String.join(",", set)).toList();
    return TensorArrowException.cannot(
            ErrorCode.TA_TAGS_NOT_FOUND, "find tags '%s' in model '%s'", wanted, location)
        .found("tag sets %s", Alternatives.closestFirst(wanted, known))
        .expected("one of these");
  }

  private static ModelEntry proto(ModelFiles files) throws InvalidModelException, IOException {
    Optional<ModelEntry> proto = files.find(SavedModelLayout.PROTO);
    if (proto.isPresent()) {
      CompletenessCheck.requireFile(proto.get());
      return proto.get();
    }
    Optional<ModelEntry> directory = files.find("");
    if (directory.isEmpty()) {
      throw InvalidModelException.notFound(
          "nothing there on "
              + files.fileSystem()
              + files
                  .nearestParent()
                  .map(p -> ", where the path exists up to '" + p + "'")
                  .orElse(""),
          "a SavedModel directory");
    }
    if (!directory.get().isDirectory()) {
      throw notADirectory(files.location());
    }
    throw noSavedModel(files.list());
  }

  private static InvalidModelException notADirectory(String file) {
    int slash = file.lastIndexOf('/');
    String name = file.substring(slash + 1);
    if (name.equals(SavedModelLayout.PROTO)) {
      return InvalidModelException.notFound(
          "a file", "the directory that holds it, '" + file.substring(0, slash) + "'");
    }
    String lower = name.toLowerCase(Locale.ROOT);
    return OTHER_FORMATS.entrySet().stream()
        .filter(format -> lower.endsWith(format.getKey()))
        .findFirst()
        .map(
            format ->
                InvalidModelException.notFound(
                    format.getValue(),
                    "a SavedModel directory (model.export(path) or tf.saved_model.save write one)"))
        .orElseGet(() -> InvalidModelException.notFound("a file", "a SavedModel directory"));
  }

  private static InvalidModelException noSavedModel(List<ModelEntry> entries) {
    if (entries.isEmpty()) {
      return InvalidModelException.notFound(
          "an empty directory", "a SavedModel directory, or one of numbered versions");
    }
    Set<String> names = entries.stream().map(ModelEntry::name).collect(Collectors.toSet());
    for (String other : List.of("saved_model.pbtxt", "saved_model.cpb")) {
      if (names.contains(other)) {
        return InvalidModelException.notFound(
            other, SavedModelLayout.PROTO + " (load and save it again with TensorFlow)");
      }
    }
    return InvalidModelException.notFound(
        "a directory without " + SavedModelLayout.PROTO + " and without numbered versions",
        "a SavedModel directory, or one of numbered versions");
  }

  private static byte[] bytes(ModelFiles files, ModelEntry proto)
      throws InvalidModelException, IOException {
    if (proto.size() == 0) {
      throw InvalidModelException.corrupt("an empty " + SavedModelLayout.PROTO, AS_WRITTEN);
    }
    if (proto.size() > LARGEST_PROTO) {
      throw InvalidModelException.corrupt(
          proto.size() + " bytes in " + SavedModelLayout.PROTO,
          "at most " + LARGEST_PROTO + ", with weights in variables and not in constants");
    }
    requireMemory(files, proto.size());
    try (InputStream in = files.open(proto.name())) {
      byte[] bytes = new byte[(int) proto.size()];
      int read = in.readNBytes(bytes, 0, bytes.length);
      if (read < bytes.length) {
        throw new IOException(
            read + " of " + proto.size() + " bytes of " + proto.name() + " could be read");
      }
      return bytes;
    }
  }

  /** The bytes are in memory as they were read and parsed, which takes a little more. */
  private static void requireMemory(ModelFiles files, long bytes) {
    long memory = Runtime.getRuntime().maxMemory();
    if (bytes > memory / 3) {
      // No fault of the model: no other version is taken instead.
      throw TensorArrowException.cannot(
              ErrorCode.TA_MODEL_CORRUPT, "read model '%s'", files.location())
          .found("%d bytes in %s", bytes, SavedModelLayout.PROTO)
          .expected(
              "at most a third of the %d bytes of memory that Java may use here (raise"
                  + " spark.driver.memory and spark.executor.memory, or save the weights as variables"
                  + " and not as constants)",
              memory);
    }
  }

  private static List<MetaGraphDef> parse(byte[] bytes) throws InvalidModelException {
    List<MetaGraphDef> graphs;
    try {
      // The default limit on nesting is TensorFlow's own; it keeps a hostile file from exhausting
      // the stack.
      graphs = SavedModel.parseFrom(bytes).getMetaGraphsList();
    } catch (InvalidProtocolBufferException e) {
      throw InvalidModelException.corrupt(
          "a "
              + SavedModelLayout.PROTO
              + " of "
              + bytes.length
              + " bytes that is no SavedModel ("
              + e.getMessage()
              + ")",
          AS_WRITTEN,
          e);
    }
    if (graphs.isEmpty()) {
      throw InvalidModelException.corrupt(
          "a " + SavedModelLayout.PROTO + " without graphs", AS_WRITTEN);
    }
    return graphs;
  }
}
