package io.tensorarrow.spark.model.savedmodel;

import com.google.protobuf.Any;
import io.tensorarrow.spark.model.store.ModelEntry;
import io.tensorarrow.spark.model.store.ModelFiles;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Checks that the files which a graph will read are there and not cut off, since TensorFlow notices
 * some of it only when a model runs.
 */
public final class CompletenessCheck {
  private static final Set<String> VARIABLE_OPS =
      Set.of("VarHandleOp", "VariableV2", "Variable", "AutoReloadVariable");
  private static final int MAX_INDEX_BYTES = 256 << 20;

  private final ModelFiles files;

  CompletenessCheck(ModelFiles files) {
    this.files = files;
  }

  /**
   * Checks the files.
   *
   * @param graphs all graphs of the SavedModel
   * @throws InvalidModelException if a file is missing, cut off or is elsewhere
   * @throws IOException if a file can't be read
   */
  void check(List<MetaGraphDef> graphs) throws InvalidModelException, IOException {
    Optional<ModelEntry> index = files.find(SavedModelLayout.INDEX);
    if (index.isPresent()) {
      requireFile(index.get());
      checkShards(shardSizes(index.get()));
    } else if (graphs.stream().anyMatch(CompletenessCheck::restoresVariables)) {
      throw InvalidModelException.corrupt(
          "no " + SavedModelLayout.INDEX, "the variables that the graph restores");
    }
    for (ModelEntry asset : files.filesBelow(SavedModelLayout.ASSETS)) {
      requireFile(asset);
    }
    for (MetaGraphDef graph : graphs) {
      for (AssetFileDef asset : assets(graph)) {
        checkAsset(asset.getFilename());
      }
    }
  }

  /** Checks that TensorFlow, which reads files by their path, would read one of the model's own. */
  public static void requireFile(ModelEntry entry) throws InvalidModelException {
    switch (entry.kind()) {
      case FILE -> {}
      case DIRECTORY ->
          throw InvalidModelException.corrupt("a directory named " + entry.name(), "a file");
      case OUTSIDE ->
          throw InvalidModelException.corrupt(
              entry.name() + " to be a link that leads out of the model's directory",
              "a file inside it, as 'cp -rL' makes it of links");
      case OTHER ->
          throw InvalidModelException.corrupt(
              "something that is no file named " + entry.name(), "a file");
    }
  }

  /**
   * Returns the files that the graph wants to find below {@code assets}; older models name them in
   * a collection.
   */
  public static List<AssetFileDef> assets(MetaGraphDef graph) throws IOException {
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

  private Optional<long[]> shardSizes(ModelEntry index) throws InvalidModelException, IOException {
    if (index.size() > MAX_INDEX_BYTES) {
      throw InvalidModelException.corrupt(
          index.size() + " bytes in " + index.name(), "at most " + MAX_INDEX_BYTES);
    }
    try (InputStream in = files.open(index.name())) {
      return CheckpointIndex.shardSizes(in.readNBytes(MAX_INDEX_BYTES));
    } catch (CheckpointIndex.MalformedException e) {
      throw InvalidModelException.corrupt(
          "a " + index.name() + " of " + index.size() + " bytes that is " + e.getMessage(),
          "the file as TensorFlow wrote it",
          e);
    }
  }

  private void checkShards(Optional<long[]> sizes) throws InvalidModelException, IOException {
    Map<String, ModelEntry> shards = new HashMap<>();
    for (ModelEntry shard : SavedModelLayout.shards(files)) {
      requireFile(shard);
      shards.put(shard.name(), shard);
    }
    if (sizes.isEmpty()) {
      return;
    }
    long[] minSizes = sizes.get();
    for (int i = 0; i < minSizes.length; i++) {
      String name = SavedModelLayout.shard(i, minSizes.length);
      ModelEntry shard = shards.get(name);
      if (shard == null) {
        throw InvalidModelException.corrupt(
            "no " + name, minSizes.length + " data file(s) next to variables.index");
      }
      if (shard.size() < minSizes[i]) {
        throw InvalidModelException.corrupt(
            shard.size() + " bytes in " + name, minSizes[i] + " by variables.index");
      }
    }
  }

  private void checkAsset(String name) throws InvalidModelException, IOException {
    if (!isBelow(name)) {
      throw InvalidModelException.corrupt(
          "the asset '" + name + "'", "a name of a file below 'assets'");
    }
    String path = SavedModelLayout.ASSETS + "/" + name;
    Optional<ModelEntry> asset = files.find(path);
    if (asset.isEmpty()) {
      throw InvalidModelException.corrupt("no " + path, "the file that the graph reads");
    }
    requireFile(asset.get());
  }

  private static boolean isBelow(String name) {
    return !name.contains("\0")
        && Arrays.stream(name.split("/", -1)).noneMatch(Set.of("", ".", "..")::contains);
  }
}
