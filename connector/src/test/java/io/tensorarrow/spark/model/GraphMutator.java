package io.tensorarrow.spark.model;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Breaks graphs as a fault of a tool or an attacker would: each change is one that the protocol
 * buffers can hold, at a place where it matters. The same seed makes the same changes.
 */
public final class GraphMutator {
  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    255,
    -128,
    1 << 16,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 33,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };
  private static final String[] TEXTS = {"", "x", "a:0", "^x", "é\0", "/job:nowhere/device:CPU:9"};

  private final SplittableRandom random;
  private final List<String> operations;
  private final MetaGraphDef.Builder meta;
  private final List<String> changes = new ArrayList<>();

  private GraphMutator(
      MetaGraphDef.Builder meta, List<String> operations, SplittableRandom random) {
    this.meta = meta;
    this.operations = operations;
    this.random = random;
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
    int wanted = mutator.random.nextInt(1, 4);
    // A change that does not apply to this graph is drawn again.
    for (int i = 0; mutator.changes.size() < wanted && i < 100; i++) {
      mutator.apply(mutator.pick(Change.values()));
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
    return functions == 0 || random.nextInt(3) == 0 ? -1 : random.nextInt(functions);
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
    int at = random.nextInt(nodes.size());
    NodeDef node = nodes.get(at);
    if (change == Change.DROP_NODE) {
      nodes.remove(at);
    } else if (change == Change.RENAME_NODE) {
      String name = random.nextBoolean() ? pick(nodes).getName() : pick(TEXTS);
      nodes.set(at, node.toBuilder().setName(name).build());
    } else {
      String name = random.nextBoolean() ? node.getName() : node.getName() + "_copy";
      nodes.add(random.nextInt(nodes.size()), node.toBuilder().setName(name).build());
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
    int at = random.nextInt(nodes.size());
    NodeDef.Builder node = nodes.get(at).toBuilder();
    boolean done =
        switch (change) {
          case REWIRE_INPUT -> rewire(node, body, nodes);
          case CHANGE_INDEX -> changeIndex(node);
          case DROP_INPUT -> dropInput(node);
          case ADD_INPUT -> addInput(node, body, nodes);
          case SWAP_INPUTS -> swapInputs(node);
          case CLOSE_CYCLE -> closeCycle(node, body, nodes);
          case DROP_ATTRIBUTE -> dropAttribute(node);
          case CHANGE_ATTRIBUTE -> changeAttribute(node, false);
          case REPLACE_ATTRIBUTE -> changeAttribute(node, true);
          case ADD_ATTRIBUTE -> addAttribute(node, nodes);
          case CHANGE_SHAPE -> changeShape(node);
          case CHANGE_CONSTANT -> changeConstant(node);
          case SWAP_OPERATION -> swapOperation(node, nodes);
          case CHANGE_DEVICE -> {
            node.setDevice(pick(TEXTS));
            yield true;
          }
          default -> throw new IllegalArgumentException(change.toString());
        };
    if (done) {
      nodes.set(at, node.build());
      setNodes(body, nodes);
      changed(node.getName());
    }
  }

  /** Writes what refers to a node's output: with the output's name inside functions. */
  private String output(NodeDef node, int body) {
    String[] names = {"output", "z", "y", "value", "output_shapes", "tensors"};
    return body < 0
        ? random.nextInt(3) == 0 ? node.getName() + ":" + random.nextInt(3) : node.getName()
        : node.getName() + ":" + pick(names) + ":0";
  }

  private String anyInput(int body, List<NodeDef> nodes) {
    List<String> inputs =
        nodes.stream().flatMap(node -> node.getInputList().stream()).distinct().toList();
    return random.nextBoolean() && !inputs.isEmpty()
        ? pick(inputs)
        : random.nextInt(5) == 0 ? pick(TEXTS) : output(pick(nodes), body);
  }

  private boolean rewire(NodeDef.Builder node, int body, List<NodeDef> nodes) {
    if (node.getInputCount() == 0) {
      return false;
    }
    node.setInput(random.nextInt(node.getInputCount()), anyInput(body, nodes));
    return true;
  }

  private boolean changeIndex(NodeDef.Builder node) {
    if (node.getInputCount() == 0) {
      return false;
    }
    int at = random.nextInt(node.getInputCount());
    String input = node.getInput(at);
    int colon = input.lastIndexOf(':');
    node.setInput(at, (colon < 0 ? input : input.substring(0, colon)) + ":" + number());
    return true;
  }

  private boolean dropInput(NodeDef.Builder node) {
    if (node.getInputCount() == 0) {
      return false;
    }
    List<String> inputs = new ArrayList<>(node.getInputList());
    inputs.remove(random.nextInt(inputs.size()));
    node.clearInput().addAllInput(inputs);
    return true;
  }

  private boolean addInput(NodeDef.Builder node, int body, List<NodeDef> nodes) {
    List<String> inputs = new ArrayList<>(node.getInputList());
    String input = random.nextBoolean() ? anyInput(body, nodes) : "^" + pick(nodes).getName();
    inputs.add(random.nextInt(inputs.size() + 1), input);
    node.clearInput().addAllInput(inputs);
    return true;
  }

  private boolean swapInputs(NodeDef.Builder node) {
    if (node.getInputCount() < 2) {
      return false;
    }
    int a = random.nextInt(node.getInputCount());
    int b = random.nextInt(node.getInputCount());
    String input = node.getInput(a);
    node.setInput(a, node.getInput(b)).setInput(b, input);
    return true;
  }

  private boolean closeCycle(NodeDef.Builder node, int body, List<NodeDef> nodes) {
    if (node.getInputCount() == 0) {
      return false;
    }
    List<NodeDef> users =
        nodes.stream()
            .filter(
                user ->
                    user.getInputList().stream()
                        .anyMatch(input -> (input + ":").startsWith(node.getName() + ":")))
            .toList();
    NodeDef target = users.isEmpty() ? node.build() : pick(users);
    node.setInput(
        random.nextInt(node.getInputCount()),
        random.nextBoolean() ? "^" + target.getName() : output(target, body));
    return true;
  }

  private boolean dropAttribute(NodeDef.Builder node) {
    if (node.getAttrCount() == 0) {
      return false;
    }
    node.removeAttr(pick(names(node)));
    return true;
  }

  private boolean changeAttribute(NodeDef.Builder node, boolean replace) {
    if (node.getAttrCount() == 0) {
      return false;
    }
    String name = pick(names(node));
    AttrValue value = node.getAttrOrThrow(name);
    node.putAttr(name, replace ? anyValue() : sameKind(value));
    return true;
  }

  private boolean addAttribute(NodeDef.Builder node, List<NodeDef> nodes) {
    NodeDef other = pick(nodes);
    String[] special = {
      "_class",
      "_output_shapes",
      "_XlaMustCompile",
      "_input_shapes",
      "_noinline",
      "N",
      "T",
      "shared_name",
      "_execution_count",
      "_has_manual_control_dependencies",
      "config_proto"
    };
    if (random.nextBoolean() || other.getAttrCount() == 0) {
      node.putAttr(pick(special), anyValue());
    } else {
      String name = pick(names(other.toBuilder()));
      node.putAttr(name, other.getAttrOrThrow(name));
    }
    return true;
  }

  private static List<String> names(NodeDef.Builder node) {
    return node.getAttrMap().keySet().stream().sorted().toList();
  }

  private AttrValue sameKind(AttrValue value) {
    return switch (value.getValueCase()) {
      case S -> AttrValue.newBuilder().setS(ByteString.copyFromUtf8(pick(TEXTS))).build();
      case I -> AttrValue.newBuilder().setI(number()).build();
      case F -> AttrValue.newBuilder().setF(random.nextBoolean() ? Float.NaN : -1).build();
      case B -> AttrValue.newBuilder().setB(!value.getB()).build();
      case TYPE -> AttrValue.newBuilder().setTypeValue(type()).build();
      case SHAPE -> AttrValue.newBuilder().setShape(shape()).build();
      case TENSOR -> AttrValue.newBuilder().setTensor(constant(value.getTensor())).build();
      case FUNC -> AttrValue.newBuilder().setFunc(function()).build();
      case LIST -> list(value);
      case PLACEHOLDER, VALUE_NOT_SET -> anyValue();
    };
  }

  private AttrValue list(AttrValue value) {
    AttrValue.ListValue.Builder list = value.getList().toBuilder();
    switch (random.nextInt(4)) {
      case 0 -> list.clear();
      case 1 -> list.addTypeValue(type());
      case 2 -> {
        if (list.getTypeCount() > 0) {
          list.setTypeValue(random.nextInt(list.getTypeCount()), type());
        } else {
          list.addShape(shape());
        }
      }
      default -> list.mergeFrom(value.getList());
    }
    return AttrValue.newBuilder().setList(list).build();
  }

  private AttrValue anyValue() {
    AttrValue.Builder value = AttrValue.newBuilder();
    switch (random.nextInt(9)) {
      case 0 -> value.setS(ByteString.copyFromUtf8(pick(TEXTS)));
      case 1 -> value.setI(number());
      case 2 -> value.setF(1);
      case 3 -> value.setB(true);
      case 4 -> value.setTypeValue(type());
      case 5 -> value.setShape(shape());
      case 6 -> value.setFunc(function());
      case 7 -> value.setPlaceholder("T");
      default -> value.setList(AttrValue.ListValue.newBuilder().addShape(shape()));
    }
    return value.build();
  }

  private NameAttrList function() {
    List<FunctionDef> functions = meta.getGraphDef().getLibrary().getFunctionList();
    String name =
        functions.isEmpty() || random.nextInt(4) == 0
            ? pick(TEXTS)
            : pick(functions).getSignature().getName();
    return NameAttrList.newBuilder().setName(name).build();
  }

  private boolean changeShape(NodeDef.Builder node) {
    for (String name : names(node)) {
      AttrValue value = node.getAttrOrThrow(name);
      if (value.hasShape()) {
        node.putAttr(name, AttrValue.newBuilder().setShape(shape()).build());
        return true;
      }
      if (value.getList().getShapeCount() > 0) {
        AttrValue.Builder changed = value.toBuilder();
        changed.getListBuilder().setShape(0, shape());
        node.putAttr(name, changed.build());
        return true;
      }
      if (value.hasTensor()) {
        TensorProto tensor = value.getTensor().toBuilder().setTensorShape(shape()).build();
        node.putAttr(name, AttrValue.newBuilder().setTensor(tensor).build());
        return true;
      }
    }
    return false;
  }

  private boolean changeConstant(NodeDef.Builder node) {
    for (String name : names(node)) {
      AttrValue value = node.getAttrOrThrow(name);
      if (value.hasTensor()) {
        TensorProto tensor = constant(value.getTensor());
        node.putAttr(name, AttrValue.newBuilder().setTensor(tensor).build());
        return true;
      }
    }
    return false;
  }

  private TensorProto constant(TensorProto tensor) {
    TensorProto.Builder changed = tensor.toBuilder();
    switch (random.nextInt(6)) {
      case 0 -> changed.setDtypeValue(type());
      case 1 -> changed.setTensorContent(ByteString.copyFrom(new byte[random.nextInt(40)]));
      case 2 -> changed.clearFloatVal().clearIntVal().clearStringVal().clearTensorContent();
      case 3 -> changed.addFloatVal(1).addIntVal((int) number()).addInt64Val(number());
      case 4 -> changed.setTensorShape(shape());
      default -> {
        changed.clearTensorContent().clearIntVal().clearInt64Val();
        for (int i = 0; i < 3; i++) {
          changed.addIntVal((int) number()).addInt64Val(number());
        }
      }
    }
    return changed.build();
  }

  private boolean swapOperation(NodeDef.Builder node, List<NodeDef> nodes) {
    node.setOp(random.nextBoolean() ? pick(nodes).getOp() : pick(operations));
    return true;
  }

  private void changeFunction(Change change) {
    int count = meta.getGraphDef().getLibrary().getFunctionCount();
    if (count == 0) {
      return;
    }
    int at = random.nextInt(count);
    FunctionDef.Builder function =
        meta.getGraphDefBuilder().getLibraryBuilder().getFunctionBuilder(at);
    String name = function.getSignature().getName();
    boolean done =
        switch (change) {
          case CHANGE_PARAMETER -> changeParameter(function);
          case CHANGE_RESULT -> changeResult(function);
          case CHANGE_RETURN -> changeReturn(function);
          default -> changeLibrary(function, at);
        };
    if (done) {
      changed(name);
    }
  }

  private boolean changeParameter(FunctionDef.Builder function) {
    OpDef.Builder signature = function.getSignatureBuilder();
    if (random.nextInt(4) == 0) {
      function.putArgAttr((int) number(), FunctionDef.ArgAttrs.getDefaultInstance());
      function.putResourceArgUniqueId((int) number(), (int) number());
      return true;
    }
    if (signature.getInputArgCount() == 0 || random.nextInt(4) == 0) {
      signature.addInputArg(argument("new"));
      return true;
    }
    int at = random.nextInt(signature.getInputArgCount());
    if (random.nextBoolean()) {
      signature.setInputArg(at, argument(signature.getInputArg(at).getName()));
    } else {
      signature.removeInputArg(at);
    }
    return true;
  }

  private boolean changeResult(FunctionDef.Builder function) {
    OpDef.Builder signature = function.getSignatureBuilder();
    if (signature.getOutputArgCount() == 0 || random.nextInt(4) == 0) {
      signature.addOutputArg(argument("new"));
      return true;
    }
    int at = random.nextInt(signature.getOutputArgCount());
    if (random.nextBoolean()) {
      signature.setOutputArg(at, argument(signature.getOutputArg(at).getName()));
    } else {
      signature.removeOutputArg(at);
    }
    return true;
  }

  private OpDef.ArgDef argument(String name) {
    OpDef.ArgDef.Builder argument = OpDef.ArgDef.newBuilder().setName(name);
    switch (random.nextInt(5)) {
      case 0 -> argument.setTypeAttr("T");
      case 1 -> argument.setTypeListAttr("T");
      case 2 -> argument.setTypeValue(type()).setNumberAttr("N");
      default -> argument.setTypeValue(type());
    }
    return argument.build();
  }

  private boolean changeReturn(FunctionDef.Builder function) {
    List<String> results = function.getRetMap().keySet().stream().sorted().toList();
    if (results.isEmpty() || random.nextInt(4) == 0) {
      function.putControlRet("new", pick(TEXTS));
      return true;
    }
    String result = pick(results);
    switch (random.nextInt(3)) {
      case 0 -> function.removeRet(result);
      case 1 -> function.putRet(result, pick(TEXTS));
      default -> {
        List<NodeDef> nodes = function.getNodeDefList();
        if (nodes.isEmpty()) {
          return false;
        }
        function.putRet(result, output(pick(nodes), 0));
      }
    }
    return true;
  }

  private boolean changeLibrary(FunctionDef.Builder function, int at) {
    switch (random.nextInt(4)) {
      case 0 -> function.getSignatureBuilder().setName(pick(TEXTS));
      case 1 -> meta.getGraphDefBuilder().getLibraryBuilder().removeFunction(at);
      case 2 ->
          meta.getGraphDefBuilder().getLibraryBuilder().addFunction(function.build().toBuilder());
      default ->
          function.addNodeDef(
              NodeDef.newBuilder()
                  .setName("self")
                  .setOp(function.getSignature().getName())
                  .addAllInput(
                      function.getSignature().getInputArgList().stream()
                          .map(OpDef.ArgDef::getName)
                          .toList()));
    }
    return true;
  }

  private void changeSignature() {
    List<String> names = meta.getSignatureDefMap().keySet().stream().sorted().toList();
    if (names.isEmpty()) {
      return;
    }
    String name = pick(names);
    SignatureDef.Builder signature = meta.getSignatureDefOrThrow(name).toBuilder();
    boolean input = random.nextBoolean() && signature.getInputsCount() > 0;
    List<String> keys =
        (input ? signature.getInputsMap() : signature.getOutputsMap())
            .keySet().stream().sorted().toList();
    if (keys.isEmpty()) {
      return;
    }
    String key = pick(keys);
    TensorInfo.Builder info =
        (input ? signature.getInputsOrThrow(key) : signature.getOutputsOrThrow(key)).toBuilder();
    switch (random.nextInt(4)) {
      case 0 -> info.setName(pick(nodes(-1)).getName() + ":" + number());
      case 1 -> info.setName(random.nextBoolean() ? pick(TEXTS) : pick(nodes(-1)).getName() + ":0");
      case 2 -> info.setDtypeValue(type());
      default -> info.setTensorShape(shape());
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
    if (random.nextBoolean()) {
      meta.getSaverDefBuilder().setRestoreOpName(pick(nodes(-1)).getName());
    } else {
      meta.getSaverDefBuilder().setFilenameTensorName(pick(nodes(-1)).getName() + ":0");
    }
    changed("saver");
  }

  private void changeAsset() {
    TensorInfo info = TensorInfo.newBuilder().setName(pick(nodes(-1)).getName() + ":0").build();
    if (meta.getAssetFileDefCount() == 0) {
      return;
    }
    AssetFileDef asset = meta.getAssetFileDef(0).toBuilder().setTensorInfo(info).build();
    meta.setAssetFileDef(0, asset);
    changed(asset.getFilename());
  }

  private void changeInitialiser() {
    String node = pick(nodes(-1)).getName();
    if (random.nextBoolean()) {
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
    if (random.nextBoolean()) {
      meta.getGraphDefBuilder().getVersionsBuilder().setProducer((int) number());
    } else {
      meta.getGraphDefBuilder().getVersionsBuilder().setMinConsumer((int) number());
    }
    changed("versions");
  }

  private int type() {
    return switch (random.nextInt(6)) {
      case 0 -> DataType.DT_FLOAT_REF_VALUE;
      case 1 -> 0;
      case 2 -> 99;
      default -> random.nextInt(1, 31);
    };
  }

  private TensorShapeProto shape() {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    switch (random.nextInt(6)) {
      case 0 -> shape.setUnknownRank(true);
      case 1 -> {
        for (int i = 0; i < 300; i++) {
          shape.addDimBuilder().setSize(1);
        }
      }
      default -> {
        int rank = random.nextInt(5);
        for (int i = 0; i < rank; i++) {
          shape.addDimBuilder().setSize(number());
        }
      }
    }
    return shape.build();
  }

  private long number() {
    return NUMBERS[random.nextInt(NUMBERS.length)];
  }

  private <T> T pick(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private <T> T pick(T[] list) {
    return list[random.nextInt(list.length)];
  }
}
