package io.tensorarrow.spark.model;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;

/**
 * Breaks one node of a graph or function. Methods return whether the change applies to the node.
 *
 * <p>A body is the graph itself, as -1, or the index of a function.
 */
final class NodeMutator {
  private final RandomGraphValues values;
  private final List<String> operations;

  NodeMutator(RandomGraphValues values, List<String> operations) {
    this.values = values;
    this.operations = operations;
  }

  /** Replaces an input. */
  boolean rewire(NodeDef.Builder node, int body, List<NodeDef> nodes) {
    if (node.getInputCount() == 0) {
      return false;
    }
    node.setInput(values.index(node.getInputCount()), anyInput(body, nodes));
    return true;
  }

  /** Replaces the index of an input. */
  boolean changeIndex(NodeDef.Builder node) {
    if (node.getInputCount() == 0) {
      return false;
    }
    int at = values.index(node.getInputCount());
    String input = node.getInput(at);
    int colon = input.lastIndexOf(':');
    node.setInput(at, (colon < 0 ? input : input.substring(0, colon)) + ":" + values.number());
    return true;
  }

  /** Removes an input. */
  boolean dropInput(NodeDef.Builder node) {
    if (node.getInputCount() == 0) {
      return false;
    }
    List<String> inputs = new ArrayList<>(node.getInputList());
    inputs.remove(values.index(inputs.size()));
    node.clearInput().addAllInput(inputs);
    return true;
  }

  /** Inserts an input. */
  boolean addInput(NodeDef.Builder node, int body, List<NodeDef> nodes) {
    List<String> inputs = new ArrayList<>(node.getInputList());
    String input = values.flag() ? anyInput(body, nodes) : "^" + values.pick(nodes).getName();
    inputs.add(values.index(inputs.size() + 1), input);
    node.clearInput().addAllInput(inputs);
    return true;
  }

  /** Swaps two inputs. */
  boolean swapInputs(NodeDef.Builder node) {
    if (node.getInputCount() < 2) {
      return false;
    }
    int a = values.index(node.getInputCount());
    int b = values.index(node.getInputCount());
    String input = node.getInput(a);
    node.setInput(a, node.getInput(b)).setInput(b, input);
    return true;
  }

  /** Feeds the node from one that uses it. */
  boolean closeCycle(NodeDef.Builder node, int body, List<NodeDef> nodes) {
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
    NodeDef target = users.isEmpty() ? node.build() : values.pick(users);
    node.setInput(
        values.index(node.getInputCount()),
        values.flag() ? "^" + target.getName() : output(target, body));
    return true;
  }

  /** Removes an attribute. */
  boolean dropAttribute(NodeDef.Builder node) {
    if (node.getAttrCount() == 0) {
      return false;
    }
    node.removeAttr(values.pick(names(node)));
    return true;
  }

  boolean changeAttribute(NodeDef.Builder node, boolean replace) {
    if (node.getAttrCount() == 0) {
      return false;
    }
    String name = values.pick(names(node));
    AttrValue value = node.getAttrOrThrow(name);
    node.putAttr(name, replace ? values.anyValue() : values.sameKind(value));
    return true;
  }

  /** Adds an attribute, of another node or with a special name. */
  boolean addAttribute(NodeDef.Builder node, List<NodeDef> nodes) {
    NodeDef other = values.pick(nodes);
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
    if (values.flag() || other.getAttrCount() == 0) {
      node.putAttr(values.pick(special), values.anyValue());
    } else {
      String name = values.pick(names(other.toBuilder()));
      node.putAttr(name, other.getAttrOrThrow(name));
    }
    return true;
  }

  private static List<String> names(NodeDef.Builder node) {
    return node.getAttrMap().keySet().stream().sorted().toList();
  }

  /** Changes the first shape. */
  boolean changeShape(NodeDef.Builder node) {
    for (String name : names(node)) {
      AttrValue value = node.getAttrOrThrow(name);
      if (value.hasShape()) {
        node.putAttr(name, AttrValue.newBuilder().setShape(values.shape()).build());
        return true;
      }
      if (value.getList().getShapeCount() > 0) {
        AttrValue.Builder changed = value.toBuilder();
        changed.getListBuilder().setShape(0, values.shape());
        node.putAttr(name, changed.build());
        return true;
      }
      if (value.hasTensor()) {
        TensorProto tensor = value.getTensor().toBuilder().setTensorShape(values.shape()).build();
        node.putAttr(name, AttrValue.newBuilder().setTensor(tensor).build());
        return true;
      }
    }
    return false;
  }

  /** Changes the first constant. */
  boolean changeConstant(NodeDef.Builder node) {
    for (String name : names(node)) {
      AttrValue value = node.getAttrOrThrow(name);
      if (value.hasTensor()) {
        TensorProto tensor = values.constant(value.getTensor());
        node.putAttr(name, AttrValue.newBuilder().setTensor(tensor).build());
        return true;
      }
    }
    return false;
  }

  /** Replaces the operation. */
  boolean swapOperation(NodeDef.Builder node, List<NodeDef> nodes) {
    node.setOp(values.flag() ? values.pick(nodes).getOp() : values.pick(operations));
    return true;
  }

  /** Places the node on another device. */
  boolean changeDevice(NodeDef.Builder node) {
    node.setDevice(values.text());
    return true;
  }

  /** Writes what refers to a node's output: with the output's name inside functions. */
  String output(NodeDef node, int body) {
    String[] names = {"output", "z", "y", "value", "output_shapes", "tensors"};
    return body < 0
        ? values.index(3) == 0 ? node.getName() + ":" + values.index(3) : node.getName()
        : node.getName() + ":" + values.pick(names) + ":0";
  }

  private String anyInput(int body, List<NodeDef> nodes) {
    List<String> inputs =
        nodes.stream().flatMap(node -> node.getInputList().stream()).distinct().toList();
    return values.flag() && !inputs.isEmpty()
        ? values.pick(inputs)
        : values.index(5) == 0 ? values.text() : output(values.pick(nodes), body);
  }
}
