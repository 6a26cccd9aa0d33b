package io.tensorarrow.spark.model.safety;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/**
 * What has to be known of a node to find what it reaches.
 *
 * @param inputs its inputs as the graph spells them
 * @param callees the functions that it names, whether or not the library has them
 * @param passedOn the functions that it names for those functions to call
 * @param namesFile whether an attribute names a file
 * @param variable the name of the variable whose handle it is, empty if it may be any, or none if
 *     it is no handle
 */
record OpNode(
    String name,
    String op,
    List<String> inputs,
    List<String> callees,
    List<String> passedOn,
    boolean namesFile,
    Optional<String> variable) {
  private static final List<String> FILE_ATTRIBUTES = List.of("descriptor_source", "vocab_file");

  /** With these, constants and parsers say that they make handles. */
  private static final List<String> HANDLE_ATTRIBUTES = List.of("dtype", "out_type");

  static OpNode of(NodeDef def) {
    List<String> callees = new ArrayList<>();
    List<String> passedOn = new ArrayList<>();
    functionsIn(def.getAttrMap())
        .forEach(
            function -> {
              callees.add(function.getName());
              addNested(function, passedOn);
            });
    boolean namesFile =
        FILE_ATTRIBUTES.stream()
            .anyMatch(name -> isFile(def.getAttrOrDefault(name, AttrValue.getDefaultInstance())));
    return new OpNode(
        def.getName(),
        def.getOp(),
        List.copyOf(def.getInputList()),
        List.copyOf(callees),
        List.copyOf(passedOn),
        namesFile,
        variable(def));
  }

  private static Optional<String> variable(NodeDef def) {
    boolean isHandle = def.getOp().equals("VarHandleOp");
    boolean isConstantHandle =
        HANDLE_ATTRIBUTES.stream()
            .map(name -> def.getAttrOrDefault(name, AttrValue.getDefaultInstance()))
            .anyMatch(
                dtype ->
                    dtype.getType() == DataType.DT_RESOURCE
                        || (def.getOp().equals("Const") && isLeftToCallers(dtype)));
    return isHandle || isConstantHandle
        ? Optional.of(
            def.getAttrOrDefault("shared_name", AttrValue.getDefaultInstance())
                .getS()
                .toStringUtf8())
        : Optional.empty();
  }

  private static Stream<NameAttrList> functionsIn(Map<String, AttrValue> attributes) {
    return attributes.values().stream()
        .flatMap(
            value ->
                Stream.concat(Stream.of(value.getFunc()), value.getList().getFuncList().stream()))
        .filter(function -> !function.getName().isEmpty());
  }

  /** Recurses no deeper than protocol buffers let messages be nested. */
  private static void addNested(NameAttrList function, List<String> names) {
    functionsIn(function.getAttrMap())
        .forEach(
            nested -> {
              names.add(nested.getName());
              addNested(nested, names);
            });
  }

  /** A function's body may leave an attribute to its callers, who may name a file there. */
  private static boolean isFile(AttrValue value) {
    String text = value.getS().toStringUtf8();
    return isLeftToCallers(value)
        || (!text.isEmpty() && !text.equals("local://") && !text.startsWith("bytes://"));
  }

  private static boolean isLeftToCallers(AttrValue value) {
    return value.getValueCase() == AttrValue.ValueCase.PLACEHOLDER;
  }
}
