package io.tensorarrow.spark.model;

import com.google.protobuf.InvalidProtocolBufferException;
import io.tensorarrow.spark.errors.Alternatives;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.safety.GraphValidator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
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

  private static final int LISTED_VERSIONS = 5;

  private static final Map<String, String> OTHER_FORMATS =
      Map.of(
          ".h5", "a Keras HDF5 file",
          ".hdf5", "a Keras HDF5 file",
          ".keras", "a Keras archive",
          ".tflite", "a TensorFlow Lite model",
          ".onnx", "an ONNX model",
          ".pbtxt", "a text proto");

  private final Path directory;
  private final List<MetaGraphDef> graphs;
  private final String fingerprint;

  private SavedModelFile(Path directory, List<MetaGraphDef> graphs, String fingerprint) {
    this.directory = directory;
    this.graphs = graphs;
    this.fingerprint = fingerprint;
  }

  /**
   * Reads and checks a SavedModel.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_NOT_FOUND} if no SavedModel lies
   *     there, with {@link ErrorCode#TA_MODEL_CORRUPT} if it can't be read or files are missing
   */
  public static SavedModelFile read(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    Path file = absolute.resolve(SavedModelLayout.PROTO);
    try {
      requireSavedModel(absolute, file);
      byte[] bytes = bytes(absolute, file);
      List<MetaGraphDef> graphs = parse(absolute, bytes);
      new CompletenessCheck(absolute).check(graphs);
      return new SavedModelFile(absolute, graphs, ModelFingerprint.of(absolute, bytes));
    } catch (AccessDeniedException e) {
      throw corrupt(
          absolute, "no permission to read " + e.getFile() + "; expected readable files", e);
    } catch (IOException e) {
      throw corrupt(absolute, e + "; expected readable files", e);
    } catch (UncheckedIOException e) {
      throw corrupt(absolute, e.getCause() + "; expected readable files", e);
    }
  }

  /** Returns the absolute directory. */
  public Path directory() {
    return directory;
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
    GraphValidator.check(directory, proto);
    return new ModelGraph(directory, proto);
  }

  /**
   * Returns {@code sha256:<hex>} over the files that make the model; see {@code ModelFingerprint}
   * for what it covers.
   */
  public String fingerprint() {
    return fingerprint;
  }

  private TensorArrowException noSuchTags(String wanted) {
    List<String> known = tagSets().stream().map(set -> String.join(",", set)).toList();
    return new TensorArrowException(
        ErrorCode.TA_TAGS_NOT_FOUND,
        "Cannot find tags '"
            + wanted
            + "' in model '"
            + directory
            + "': found tag sets "
            + Alternatives.closestFirst(wanted, known)
            + "; expected one of these");
  }

  private static void requireSavedModel(Path directory, Path file) throws IOException {
    if (Files.isRegularFile(file)) {
      return;
    }
    if (Files.exists(file)) {
      String kind = Files.isDirectory(file) ? "a directory" : "no file but something else";
      throw corrupt(directory, kind + " named " + file.getFileName() + "; expected a file", null);
    }
    if (!Files.exists(directory)) {
      Path existing = directory;
      while (existing.getParent() != null && !Files.exists(existing)) {
        existing = existing.getParent();
      }
      throw notFound(
          directory,
          "nothing there, the path exists up to '" + existing + "'",
          "a SavedModel directory");
    }
    if (!Files.isDirectory(directory)) {
      throw notADirectory(directory);
    }
    throw noSavedModelIn(directory);
  }

  private static TensorArrowException notADirectory(Path file) {
    String name = String.valueOf(file.getFileName());
    if (name.equals(SavedModelLayout.PROTO)) {
      return notFound(file, "a file", "the directory that holds it, '" + file.getParent() + "'");
    }
    String lower = name.toLowerCase(Locale.ROOT);
    return OTHER_FORMATS.entrySet().stream()
        .filter(format -> lower.endsWith(format.getKey()))
        .findFirst()
        .map(
            format ->
                notFound(
                    file,
                    format.getValue(),
                    "a SavedModel directory (model.export(path) or tf.saved_model.save write one)"))
        .orElseGet(() -> notFound(file, "a file", "a SavedModel directory"));
  }

  private static TensorArrowException noSavedModelIn(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> list = Files.list(directory)) {
      files = list.sorted().toList();
    }
    List<Path> versions =
        files.stream()
            .filter(f -> f.getFileName().toString().matches("[0-9]+"))
            .filter(f -> Files.isRegularFile(f.resolve(SavedModelLayout.PROTO)))
            .sorted(
                Comparator.comparingInt((Path f) -> f.getFileName().toString().length())
                    .thenComparing(f -> f)
                    .reversed())
            .toList();
    if (!versions.isEmpty()) {
      List<String> names = versions.stream().map(f -> "'" + f.getFileName() + "'").toList();
      String more = names.size() <= LISTED_VERSIONS ? "" : " and more";
      return notFound(
          directory,
          "a directory of numbered versions: "
              + String.join(", ", names.subList(0, Math.min(LISTED_VERSIONS, names.size())))
              + more,
          "the directory of one version, such as '" + versions.get(0) + "'");
    }
    if (files.isEmpty()) {
      return notFound(directory, "an empty directory", "a SavedModel directory");
    }
    for (String other : List.of("saved_model.pbtxt", "saved_model.cpb")) {
      if (Files.exists(directory.resolve(other))) {
        return notFound(
            directory, other, SavedModelLayout.PROTO + " (load and save it again with TensorFlow)");
      }
    }
    return notFound(
        directory, "a directory without " + SavedModelLayout.PROTO, "a SavedModel directory");
  }

  private static byte[] bytes(Path directory, Path file) throws IOException {
    long size = Files.size(file);
    if (size == 0) {
      throw corrupt(directory, "an empty " + SavedModelLayout.PROTO + copyAgain(), null);
    }
    if (size > LARGEST_PROTO) {
      throw corrupt(
          directory,
          size
              + " bytes in "
              + SavedModelLayout.PROTO
              + "; expected at most "
              + LARGEST_PROTO
              + " (keep weights in variables, not in constants)",
          null);
    }
    return Files.readAllBytes(file);
  }

  private static List<MetaGraphDef> parse(Path directory, byte[] bytes) throws IOException {
    List<MetaGraphDef> graphs;
    try {
      // The default limit on nesting is TensorFlow's own; it keeps a hostile file from exhausting
      // the stack.
      graphs = SavedModel.parseFrom(bytes).getMetaGraphsList();
    } catch (InvalidProtocolBufferException e) {
      throw corrupt(
          directory,
          "a "
              + SavedModelLayout.PROTO
              + " that is no SavedModel ("
              + e.getMessage()
              + ")"
              + copyAgain(),
          e);
    }
    if (graphs.isEmpty()) {
      throw corrupt(
          directory, "a " + SavedModelLayout.PROTO + " without graphs" + copyAgain(), null);
    }
    return graphs;
  }

  private static String copyAgain() {
    return "; expected the file as TensorFlow wrote it (copy or save the model again)";
  }

  private static TensorArrowException notFound(Path path, String found, String expected) {
    return new TensorArrowException(
        ErrorCode.TA_MODEL_NOT_FOUND,
        "Cannot read model '" + path + "': found " + found + "; expected " + expected);
  }

  private static TensorArrowException corrupt(
      Path directory, String foundAndExpected, @Nullable Throwable cause) {
    return new TensorArrowException(
        ErrorCode.TA_MODEL_CORRUPT,
        "Cannot read model '" + directory + "': found " + foundAndExpected,
        cause);
  }
}
