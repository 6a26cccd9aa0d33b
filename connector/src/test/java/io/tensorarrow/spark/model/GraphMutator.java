package io.tensorarrow.spark.model;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * Breaks graphs as a fault of a tool or an attacker would: each change is one that the protocol
 * buffers can hold, at a place where it matters. The same seed makes the same changes.
 */
public final class GraphMutator {
  private final RandomGraphValues values;
  private final NodeMutator nodeMutator;
  private final FunctionMutator functionMutator;
  private final MetaGraphDef.Builder meta;
  private final List<String> changes = new ArrayList<>();

  private GraphMutator(
      MetaGraphDef.Builder meta, List<String> operations, SplittableRandom random) {
    this.meta = meta;
    values = new RandomGraphValues(random, meta);
    nodeMutator = new NodeMutator(values, operations);
    functionMutator = new FunctionMutator(values, nodeMutator, meta);
  }

  /** One way to break a graph. */
  private enum Change {
    DROP_NODE,
    RENAME_NODE,
    DUPLICATE_NODE,
    REWIRE_INPUT,
    CHANGE_INDEX,
    DROP_INPUT,
    ADD_INPUT,
    SWAP_INPUTS,
    DROP_ATTRIBUTE,
    CHANGE_ATTRIBUTE,
    REPLACE_ATTRIBUTE,
    ADD_ATTRIBUTE,
    CHANGE_SHAPE,
    CHANGE_CONSTANT,
    CLOSE_CYCLE,
    SWAP_OPERATION,
    CHANGE_DEVICE,
    CHANGE_PARAMETER,
    CHANGE_RESULT,
    CHANGE_RETURN,
    CHANGE_FUNCTION,
    CHANGE_SIGNATURE,
    CHANGE_SAVER,
    CHANGE_ASSET,
    CHANGE_INITIALISER,
    CHANGE_VERSIONS
  }

  /**
   * Makes one to three changes.
   *
   * @param meta the graph to change
   * @param operations names of operations that exist
   * @return what was changed, for messages
   */
  public static String mutate(MetaGraphDef.Builder meta, List<String> operations, long seed) {
    GraphMutator mutator = new GraphMutator(meta, operations, new SplittableRandom(seed));
    int wanted = mutator.values.index(1, 4);
    // A change that does not apply to this graph is drawn again.
    for (int i = 0; mutator.changes.size() < wanted && i < 100; i++) {
      mutator.apply(mutator.values.pick(Change.values()));
    }
    return String.join(", ", mutator.changes);
  }

  private void apply(Change change) {
    int before = changes.size();
    switch (change) {
      case DROP_NODE, RENAME_NODE, DUPLICATE_NODE -> changeNodes(change);
      case REWIRE_INPUT,
          CHANGE_INDEX,
          DROP_INPUT,
          ADD_INPUT,
          SWAP_INPUTS,
          CLOSE_CYCLE,
          DROP_ATTRIBUTE,
          CHANGE_ATTRIBUTE,
          REPLACE_ATTRIBUTE,
          ADD_ATTRIBUTE,
          CHANGE_SHAPE,
          CHANGE_CONSTANT,
          SWAP_OPERATION,
          CHANGE_DEVICE ->
          changeNode(change);
      case CHANGE_PARAMETER, CHANGE_RESULT, CHANGE_RETURN, CHANGE_FUNCTION ->
          changeFunction(change);
      case CHANGE_SIGNATURE -> changeSignature();
      case CHANGE_SAVER -> changeSaver();
      case CHANGE_ASSET -> changeAsset();
      case CHANGE_INITIALISER -> changeInitialiser();
      case CHANGE_VERSIONS -> changeVersions();
    }
    if (changes.size() == before + 1) {
      changes.set(before, change + " " + changes.get(before));
    }
  }

  private void changed(String where) {
    changes.add(where);
  }

  /** Picks the graph itself, as -1, or one of its functions. */
  private int pickBody() {
    int functions = meta.getGraphDef().getLibrary().getFunctionCount();
    return functions == 0 || values.index(3) == 0 ? -1 : values.index(functions);
  }

  private List<NodeDef> nodes(int body) {
    GraphDef graph = meta.getGraphDef();
    return new ArrayList<>(
        body < 0 ? graph.getNodeList() : graph.getLibrary().getFunction(body).getNodeDefList());
  }

  private void setNodes(int body, List<NodeDef> nodes) {
    GraphDef.Builder graph = meta.getGraphDefBuilder();
    if (body < 0) {
      graph.clearNode().addAllNode(nodes);
    } else {
      graph.getLibraryBuilder().getFunctionBuilder(body).clearNodeDef().addAllNodeDef(nodes);
    }
  }

  private void changeNodes(Change change) {
    int body = pickBody();
    List<NodeDef> nodes = nodes(body);
    if (nodes.isEmpty()) {
      return;
    }
    int at = values.index(nodes.size());
    NodeDef node = nodes.get(at);
    if (change == Change.DROP_NODE) {
      nodes.remove(at);
    } else if (change == Change.RENAME_NODE) {
      String name = values.flag() ? values.pick(nodes).getName() : values.text();
      nodes.set(at, node.toBuilder().setName(name).build());
    } else {
      String name = values.flag() ? node.getName() : node.getName() + "_copy";
      nodes.add(values.index(nodes.size()), node.toBuilder().setName(name).build());
    }
    setNodes(body, nodes);
    changed(node.getName());
  }

  private void changeNode(Change change) {
    int body = pickBody();
    List<NodeDef> nodes = nodes(body);
    if (nodes.isEmpty()) {
      return;
    }
    int at = values.index(nodes.size());
    NodeDef.Builder node = nodes.get(at).toBuilder();
    boolean done =
        switch (change) {
          case REWIRE_INPUT -> nodeMutator.rewire(node, body, nodes);
          case CHANGE_INDEX -> nodeMutator.changeIndex(node);
          case DROP_INPUT -> nodeMutator.dropInput(node);
          case ADD_INPUT -> nodeMutator.addInput(node, body, nodes);
          case SWAP_INPUTS -> nodeMutator.swapInputs(node);
          case CLOSE_CYCLE -> nodeMutator.closeCycle(node, body, nodes);
          case DROP_ATTRIBUTE -> nodeMutator.dropAttribute(node);
          case CHANGE_ATTRIBUTE -> nodeMutator.changeAttribute(node, false);
          case REPLACE_ATTRIBUTE -> nodeMutator.changeAttribute(node, true);
          case ADD_ATTRIBUTE -> nodeMutator.addAttribute(node, nodes);
          case CHANGE_SHAPE -> nodeMutator.changeShape(node);
          case CHANGE_CONSTANT -> nodeMutator.changeConstant(node);
          case SWAP_OPERATION -> nodeMutator.swapOperation(node, nodes);
          case CHANGE_DEVICE -> nodeMutator.changeDevice(node);
          default -> throw new IllegalArgumentException(change.toString());
        };
    if (done) {
      nodes.set(at, node.build());
      setNodes(body, nodes);
      changed(node.getName());
    }
  }

  private void changeFunction(Change change) {
    int count = meta.getGraphDef().getLibrary().getFunctionCount();
    if (count == 0) {
      return;
    }
    int at = values.index(count);
    FunctionDef.Builder function =
        meta.getGraphDefBuilder().getLibraryBuilder().getFunctionBuilder(at);
    String name = function.getSignature().getName();
    boolean done =
        switch (change) {
          case CHANGE_PARAMETER -> functionMutator.changeParameter(function);
          case CHANGE_RESULT -> functionMutator.changeResult(function);
          case CHANGE_RETURN -> functionMutator.changeReturn(function);
          default -> functionMutator.changeLibrary(function, at);
        };
    if (done) {
      changed(name);
    }
  }

  private void changeSignature() {
    List<String> names = meta.getSignatureDefMap().keySet().stream().sorted().toList();
    if (names.isEmpty()) {
      return;
    }
    String name = values.pick(names);
    SignatureDef.Builder signature = meta.getSignatureDefOrThrow(name).toBuilder();
    boolean input = values.flag() && signature.getInputsCount() > 0;
    List<String> keys =
        (input ? signature.getInputsMap() : signature.getOutputsMap())
            .keySet().stream().sorted().toList();
    if (keys.isEmpty()) {
      return;
    }
    String key = values.pick(keys);
    TensorInfo.Builder info =
        (input ? signature.getInputsOrThrow(key) : signature.getOutputsOrThrow(key)).toBuilder();
    switch (values.index(4)) {
      case 0 -> info.setName(values.pick(nodes(-1)).getName() + ":" + values.number());
      case 1 ->
          info.setName(values.flag() ? values.text() : values.pick(nodes(-1)).getName() + ":0");
      case 2 -> info.setDtypeValue(values.type());
      default -> info.setTensorShape(values.shape());
    }
    if (input) {
      signature.putInputs(key, info.build());
    } else {
      signature.putOutputs(key, info.build());
    }
    meta.putSignatureDef(name, signature.build());
    changed(name + "/" + key);
  }

  private void changeSaver() {
    if (values.flag()) {
      meta.getSaverDefBuilder().setRestoreOpName(values.pick(nodes(-1)).getName());
    } else {
      meta.getSaverDefBuilder().setFilenameTensorName(values.pick(nodes(-1)).getName() + ":0");
    }
    changed("saver");
  }

  private void changeAsset() {
    TensorInfo info =
        TensorInfo.newBuilder().setName(values.pick(nodes(-1)).getName() + ":0").build();
    if (meta.getAssetFileDefCount() == 0) {
      return;
    }
    AssetFileDef asset = meta.getAssetFileDef(0).toBuilder().setTensorInfo(info).build();
    meta.setAssetFileDef(0, asset);
    changed(asset.getFilename());
  }

  private void changeInitialiser() {
    String node = values.pick(nodes(-1)).getName();
    if (values.flag()) {
      TensorInfo info = TensorInfo.newBuilder().setName(node).build();
      meta.putSignatureDef(
          "__saved_model_init_op",
          SignatureDef.newBuilder().putOutputs("__saved_model_init_op", info).build());
    } else {
      meta.putCollectionDef(
          "saved_model_main_op",
          CollectionDef.newBuilder()
              .setNodeList(CollectionDef.NodeList.newBuilder().addValue(node))
              .build());
    }
    changed(node);
  }

  private void changeVersions() {
    if (values.flag()) {
      meta.getGraphDefBuilder().getVersionsBuilder().setProducer((int) values.number());
    } else {
      meta.getGraphDefBuilder().getVersionsBuilder().setMinConsumer((int) values.number());
    }
    changed("versions");
  }
}
