package io.tensorarrow.spark.model.savedmodel;

import com.google.protobuf.InvalidProtocolBufferException;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;

/** Reads {@code saved_model.pb}, and says what is there instead if there is none. */
final class SavedModelProto {
  /** More than protocol buffers allow, and than a Java array can hold. */
  private static final long MAX_PROTO_BYTES = Integer.MAX_VALUE - 8L;

  private static final String AS_WRITTEN = "the file as TensorFlow wrote it";

  private static final Map<String, String> OTHER_FORMATS =
      Map.of(
          ".h5", "a Keras HDF5 file",
          ".hdf5", "a Keras HDF5 file",
          ".keras", "a Keras archive",
          ".tflite", "a TensorFlow Lite model",
          ".onnx", "an ONNX model",
          ".pbtxt", "a text proto");

  private SavedModelProto() {}

  /**
   * Reads the file.
   *
   * @throws InvalidModelException if there is no such file, or it can't be one
   * @throws IOException if it can't be read
   */
  static byte[] read(ModelFiles files) throws InvalidModelException, IOException {
    ModelEntry proto = find(files);
    if (proto.size() == 0) {
      throw InvalidModelException.corrupt("an empty " + SavedModelLayout.PROTO, AS_WRITTEN);
    }
    if (proto.size() > MAX_PROTO_BYTES) {
      throw InvalidModelException.corrupt(
          proto.size() + " bytes in " + SavedModelLayout.PROTO,
          "at most " + MAX_PROTO_BYTES + ", with weights in variables and not in constants");
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
      // Not an error of the model: no other version is taken instead.
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

  /** Returns the graphs, of which there is at least one. */
  static List<MetaGraphDef> parse(byte[] bytes) throws InvalidModelException {
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

  private static ModelEntry find(ModelFiles files) throws InvalidModelException, IOException {
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
}
