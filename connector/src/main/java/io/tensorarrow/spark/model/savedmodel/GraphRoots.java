package io.tensorarrow.spark.model.savedmodel;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;

/**
 * Where running a graph begins, apart from its signatures, and which of its nodes stand for the
 * model's own files.
 *
 * @param restore the nodes that restore the variables, none if there are none
 * @param initialise the nodes to run afterwards
 * @param checkpoint the nodes that name the checkpoint
 * @param assets the nodes that name assets
 */
public record GraphRoots(
    List<String> restore, List<String> initialise, Set<String> checkpoint, Set<String> assets) {
  private static final List<String> INIT_COLLECTIONS =
      List.of("saved_model_main_op", "legacy_init_op");
  private static final String TABLE_INITIALIZERS = "table_initializer";

  /**
   * Finds the roots of a graph; the nodes that the SavedModel names need not exist.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_CORRUPT} if the list of assets
   *     can't be read
   */
  public static GraphRoots of(ModelGraph model) {
    MetaGraphDef proto = model.proto();
    SaverDef saver = proto.getSaverDef();
    boolean restores = !saver.getRestoreOpName().isEmpty();
    return new GraphRoots(
        restores ? List.of(saver.getRestoreOpName()) : List.of(),
        initialisers(proto),
        restores ? Set.of(TensorName.of(saver.getFilenameTensorName()).node()) : Set.of(),
        assets(model));
  }

  /** Returns all nodes that are run when the model is loaded. */
  List<String> loadingNodes() {
    return Stream.concat(restore.stream(), initialise.stream()).toList();
  }

  private static List<String> initialisers(MetaGraphDef proto) {
    SignatureDef init = proto.getSignatureDefMap().get(ModelGraph.INIT_SIGNATURE);
    if (init != null) {
      return init.getOutputsMap().values().stream()
          .map(info -> TensorName.of(info.getName()).node())
          .toList();
    }
    for (String collection : INIT_COLLECTIONS) {
      List<String> ops = nodeList(proto, collection);
      if (!ops.isEmpty()) {
        return List.of(ops.get(0));
      }
    }
    return nodeList(proto, TABLE_INITIALIZERS);
  }

  private static List<String> nodeList(MetaGraphDef proto, String collection) {
    CollectionDef def =
        proto.getCollectionDefOrDefault(collection, CollectionDef.getDefaultInstance());
    return def.getNodeList().getValueList().stream()
        .map(name -> TensorName.of(name).node())
        .toList();
  }

  private static Set<String> assets(ModelGraph model) {
    try {
      Set<String> nodes = new HashSet<>();
      for (AssetFileDef asset : CompletenessCheck.assets(model.proto())) {
        nodes.add(TensorName.of(asset.getTensorInfo().getName()).node());
      }
      return nodes;
    } catch (IOException e) {
      throw TensorArrowException.cannot(
              ErrorCode.TA_MODEL_CORRUPT, "load model '%s'", model.location())
          .found("a list of assets that can't be read")
          .causedBy(e)
          .expected("the list as saved");
    }
  }
}
