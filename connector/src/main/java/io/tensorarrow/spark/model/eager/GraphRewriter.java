package io.tensorarrow.spark.model.eager;

import com.google.protobuf.ByteString;
import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.savedmodel.CompletenessCheck;
import io.tensorarrow.spark.model.savedmodel.GraphRoots;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.SavedModelLayout;
import io.tensorarrow.spark.model.savedmodel.SignatureTensors;
import io.tensorarrow.spark.model.savedmodel.TensorName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Makes a SavedModel's graph fit to be cut into functions: resources get explicit names, so that
 * all functions share them; file names become constants that point into the model's directory;
 * every output of a signature gets a node of its own.
 */
final class GraphRewriter {
  /**
   * Ops that keep state under a name, by default the node's, which inlining a function would
   * change.
   */
  private static final Set<String> RESOURCE_OPS =
      Set.of(
          "VarHandleOp",
          "HashTableV2",
          "MutableHashTableV2",
          "MutableHashTableOfTensorsV2",
          "MutableDenseHashTableV2",
          "VariableV2",
          "Variable");

  private static final String FETCH_PREFIX = "tensorarrow_fetch_";

  /**
   * The result.
   *
   * @param proto the graph to import, with its function library
   * @param outline what functions can be cut from it
   */
  record Rewritten(GraphDef proto, GraphOutline outline) {}

  private final ModelGraph model;
  private final MetaGraphDef proto;
  private final GraphRoots roots;
  private final GraphDef.Builder graph;
  private final Map<String, Integer> nodes = new HashMap<>();

  private GraphRewriter(ModelGraph model) {
    this.model = model;
    this.proto = model.proto();
    this.roots = GraphRoots.of(model);
    this.graph = proto.getGraphDef().toBuilder();
    for (int i = 0; i < graph.getNodeCount(); i++) {
      nodes.put(graph.getNode(i).getName(), i);
    }
  }

  /**
   * Rewrites a model's graph.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_CORRUPT} if the graph lacks nodes
   *     that the SavedModel names
   */
  static Rewritten rewrite(ModelGraph model) {
    return new GraphRewriter(model).rewrite();
  }

  private Rewritten rewrite() {
    nameResources();
    pointToAssets();
    List<String> restore = restoreOps();
    List<String> initialisers = known(roots.initialise());
    Map<String, GraphOutline.Function> functions = new TreeMap<>();
    ModelGraph.functions(proto)
        .forEach((name, signature) -> functions.put(name, function(signature)));
    GraphDef rewritten = graph.build();
    return new Rewritten(rewritten, new GraphOutline(rewritten, restore, initialisers, functions));
  }

  private void nameResources() {
    for (int i = 0; i < graph.getNodeCount(); i++) {
      NodeDef node = graph.getNode(i);
      if (RESOURCE_OPS.contains(node.getOp())
          && node.getAttrOrDefault("shared_name", AttrValue.getDefaultInstance())
              .getS()
              .isEmpty()) {
        AttrValue name = AttrValue.newBuilder().setS(node.getNameBytes()).build();
        graph.getNodeBuilder(i).putAttr("shared_name", name);
      }
    }
  }

  private void pointToAssets() {
    try {
      for (AssetFileDef asset : CompletenessCheck.assets(proto)) {
        Path file = SavedModelLayout.assets(model.directory()).resolve(asset.getFilename());
        setConstant(TensorName.of(asset.getTensorInfo().getName()).node(), file.toString());
      }
    } catch (IOException e) {
      throw cannotLoad()
          .found("a list of assets that can't be read")
          .causedBy(e)
          .expected("the list as saved");
    }
  }

  /**
   * Without a checkpoint there is nothing to restore: the completeness check saw that no variables
   * need it. Its name is set nevertheless, so that no initialiser finds another one.
   */
  private List<String> restoreOps() {
    String checkpoint = SavedModelLayout.checkpoint(model.directory()).toString();
    roots.checkpoint().forEach(node -> setConstant(node, checkpoint));
    return Files.exists(SavedModelLayout.index(model.directory()))
        ? known(roots.restore())
        : List.of();
  }

  /**
   * An Identity node for each output also covers outputs that are inputs, repeated outputs, and
   * TF1's reference variables.
   */
  private GraphOutline.Function function(SignatureDef signature) {
    List<TensorName> feeds = new ArrayList<>();
    for (TensorInfo info : SignatureTensors.dense(signature.getInputsMap()).values()) {
      feeds.add(tensor(info));
    }
    SortedMap<String, String> fetches = new TreeMap<>();
    SignatureTensors.dense(signature.getOutputsMap())
        .forEach((name, info) -> fetches.put(name, identity(tensor(info), info.getDtypeValue())));
    return new GraphOutline.Function(feeds, fetches);
  }

  private TensorName tensor(TensorInfo info) {
    if (SignatureTensors.dtype(info).isEmpty()) {
      return TensorName.NONE;
    }
    TensorName name = TensorName.of(info.getName());
    return new TensorName(known(name.node()), name.index());
  }

  private String identity(TensorName tensor, int dtype) {
    if (tensor.equals(TensorName.NONE)) {
      return "";
    }
    int number = nodes.size();
    String name = FETCH_PREFIX + number;
    while (nodes.containsKey(name)) {
      number++;
      name = FETCH_PREFIX + number;
    }
    nodes.put(name, graph.getNodeCount());
    graph.addNode(
        NodeDef.newBuilder()
            .setName(name)
            .setOp("Identity")
            .addInput(tensor.toString())
            .putAttr("T", AttrValue.newBuilder().setTypeValue(TensorName.plain(dtype)).build()));
    return name;
  }

  private void setConstant(String node, String value) {
    TensorProto tensor =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_STRING)
            .setTensorShape(TensorShapeProto.getDefaultInstance())
            .addStringVal(ByteString.copyFromUtf8(value))
            .build();
    graph.setNode(
        indexOf(node),
        NodeDef.newBuilder()
            .setName(node)
            .setOp("Const")
            .putAttr("dtype", AttrValue.newBuilder().setType(DataType.DT_STRING).build())
            .putAttr("value", AttrValue.newBuilder().setTensor(tensor).build()));
  }

  private List<String> known(List<String> names) {
    return names.stream().map(this::known).toList();
  }

  private String known(String node) {
    return graph.getNode(indexOf(node)).getName();
  }

  private int indexOf(String node) {
    Integer index = nodes.get(node);
    if (index == null) {
      throw cannotLoad()
          .found("no node '%s' in its graph", node)
          .expected("the graph as TensorFlow saved it");
    }
    return index;
  }

  private CannotMessage cannotLoad() {
    return TensorArrowException.cannot(
        ErrorCode.TA_MODEL_CORRUPT, "load model '%s'", model.location());
  }
}
