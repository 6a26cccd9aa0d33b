package io.tensorarrow.spark.model;

import com.google.protobuf.Any;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Checks that the files which a graph will read are there and not cut off, since TensorFlow notices
 * some of it only when a model runs.
 */
final class CompletenessCheck {
  private static final Set<String> VARIABLE_OPS =
      Set.of("VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable");
  private static final Pattern SHARD = Pattern.compile("variables\\.data-(\\d{5})-of-(\\d{5})");

  /**
   * The index is a table of LevelDB's kind: its last 48 bytes are a footer, which ends with this
   * number.
   */
  private static final long TABLE_MAGIC = 0xdb4775248b80fb57L;

  private static final int FOOTER_BYTES = 48;

  private final Path directory;

  CompletenessCheck(Path directory) {
    this.directory = directory;
  }

  /**
   * Checks the files.
   *
   * @param graphs all graphs of the SavedModel
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_CORRUPT} if a file is missing or
   *     cut off
   * @throws IOException if a file can't be read
   */
  void check(List<MetaGraphDef> graphs) throws IOException {
    boolean restores = graphs.stream().anyMatch(CompletenessCheck::restoresVariables);
    Path index = SavedModelLayout.index(directory);
    if (Files.exists(index)) {
      if (!Files.isRegularFile(index)) {
        throw corrupt("something else named variables/variables.index", "a file");
      }
      checkIndex(index);
      checkShards();
    } else if (restores) {
      throw corrupt("no variables/variables.index", "the variables that the graph restores");
    }
    for (MetaGraphDef graph : graphs) {
      for (AssetFileDef asset : assets(graph)) {
        checkAsset(asset.getFilename());
      }
    }
  }

  /**
   * Returns the files that the graph wants to find below {@code assets}; older models name them in
   * a collection.
   */
  static List<AssetFileDef> assets(MetaGraphDef graph) throws IOException {
    List<AssetFileDef> assets = new ArrayList<>(graph.getAssetFileDefList());
    if (assets.isEmpty() && graph.containsCollectionDef("saved_model_assets")) {
      for (Any any :
          graph.getCollectionDefOrThrow("saved_model_assets").getAnyList().getValueList()) {
        assets.add(AssetFileDef.parseFrom(any.getValue()));
      }
    }
    return assets;
  }

  private static boolean restoresVariables(MetaGraphDef graph) {
    return !graph.getSaverDef().getRestoreOpName().isEmpty()
        && nodes(graph.getGraphDef()).anyMatch(node -> VARIABLE_OPS.contains(node.getOp()));
  }

  private static Stream<NodeDef> nodes(GraphDef graph) {
    return Stream.concat(
        graph.getNodeList().stream(),
        graph.getLibrary().getFunctionList().stream().flatMap(f -> f.getNodeDefList().stream()));
  }

  private void checkIndex(Path index) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(index.toFile(), "r")) {
      long magic = 0;
      if (file.length() >= FOOTER_BYTES) {
        file.seek(file.length() - Long.BYTES);
        magic = Long.reverseBytes(file.readLong());
      }
      if (magic != TABLE_MAGIC) {
        throw corrupt(
            "a variables/variables.index of " + file.length() + " bytes that is cut off",
            "the file as TensorFlow wrote it");
      }
    }
  }

  private void checkShards() throws IOException {
    Set<String> found = new HashSet<>();
    int wanted = 1;
    for (Path shard : SavedModelLayout.shards(directory)) {
      Matcher name = SHARD.matcher(shard.getFileName().toString());
      if (name.matches()) {
        found.add(name.group());
        wanted = Math.max(wanted, Integer.parseInt(name.group(2)));
      }
    }
    for (int i = 0; i < wanted; i++) {
      String name = String.format("variables.data-%05d-of-%05d", i, wanted);
      if (!found.contains(name)) {
        throw corrupt("no variables/" + name, wanted + " data file(s) next to variables.index");
      }
    }
  }

  private void checkAsset(String name) {
    Path assets = SavedModelLayout.assets(directory);
    if (!isBelow(assets, name)) {
      throw corrupt("the asset '" + name + "'", "a name of a file below 'assets'");
    }
    if (!Files.exists(assets.resolve(name))) {
      throw corrupt("no assets/" + name, "the file that the graph reads");
    }
  }

  private static boolean isBelow(Path directory, String name) {
    try {
      Path file = directory.resolve(name).normalize();
      return file.startsWith(directory) && !file.equals(directory);
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private TensorArrowException corrupt(String found, String expected) {
    return new TensorArrowException(
        ErrorCode.TA_MODEL_CORRUPT,
        "Cannot read model '"
            + directory
            + "': found "
            + found
            + "; expected "
            + expected
            + " (copy or save the model again)");
  }
}
