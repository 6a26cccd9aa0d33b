package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.floats;
import static io.tensorarrow.spark.testing.GraphWriter.functionName;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.node;
import static io.tensorarrow.spark.testing.GraphWriter.number;
import static io.tensorarrow.spark.testing.GraphWriter.shape;
import static io.tensorarrow.spark.testing.GraphWriter.text;
import static io.tensorarrow.spark.testing.GraphWriter.type;
import static io.tensorarrow.spark.testing.GraphWriter.types;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SaverDef;

/**
 * SavedModels with loops, branches and old kinds of variables, like those of {@link TestModels}.
 */
public final class ControlFlowModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType INT = DataType.DT_INT32;
  private static final String SERVING = "serving_default";

  private ControlFlowModels() {}

  /**
   * {@code x} float (-1) to {@code y} float (-1): {@code y = 32 x}, doubled five times by a loop as
   * TensorFlow 1 writes it.
   */
  public static Path loop(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    graph.constant("zero", ints(0));
    enter(graph, "enter/i", INT, "zero");
    enter(graph, "enter/x", FLOAT, "x");
    merge(graph, "merge/i", INT, "enter/i", "next/i");
    merge(graph, "merge/x", FLOAT, "enter/x", "next/x");
    graph.add("five", "Const", List.of("^merge/i"), constant(5));
    graph.add("less", "Less", INT, "merge/i", "five");
    graph.add("cond", "LoopCond", List.of("less"), Map.of());
    graph.add("switch/i", "Switch", INT, "merge/i", "cond");
    graph.add("switch/x", "Switch", FLOAT, "merge/x", "cond");
    graph.add("body/i", "Identity", INT, "switch/i:1");
    graph.add("body/x", "Identity", FLOAT, "switch/x:1");
    graph.add("one", "Const", List.of("^body/i"), constant(1));
    graph.add("body/next", "AddV2", INT, "body/i", "one");
    graph.add("body/twice", "AddV2", FLOAT, "body/x", "body/x");
    graph.add("next/i", "NextIteration", INT, "body/next");
    graph.add("next/x", "NextIteration", FLOAT, "body/twice");
    graph.add("y", "Exit", FLOAT, "switch/x");
    return graph
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("loop"));
  }

  /**
   * {@code x} float () to {@code y} float (): {@code x} is doubled until it is 100 or more, by a
   * loop of functions, if it is positive, else negated.
   */
  public static Path branches(Path parent) {
    GraphWriter graph = new GraphWriter();
    graph.function(
        function("is_less", "r", DataType.DT_BOOL)
            .addNodeDef(node("limit", "Const", List.of(), floatConstant(100)))
            .addNodeDef(
                node("less", "Less", List.of("a", "limit:output:0"), Map.of("T", type(FLOAT))))
            .putRet("r", "less:z:0")
            .build());
    graph.function(
        function("twice", "r", FLOAT)
            .addNodeDef(node("sum", "AddV2", List.of("a", "a"), Map.of("T", type(FLOAT))))
            .putRet("r", "sum:z:0")
            .build());
    graph.function(
        function("grow", "r", FLOAT)
            .addNodeDef(
                node(
                    "loop",
                    "StatelessWhile",
                    List.of("a"),
                    Map.of(
                        "T", types(FLOAT),
                        "cond", functionName("is_less"),
                        "body", functionName("twice"),
                        "parallel_iterations", number(10))))
            .putRet("r", "loop:output:0")
            .build());
    graph.function(
        function("negate", "r", FLOAT)
            .addNodeDef(node("negative", "Neg", List.of("a"), Map.of("T", type(FLOAT))))
            .putRet("r", "negative:y:0")
            .build());
    graph.placeholder("x", FLOAT).constant("zero", floats(0));
    graph.add("positive", "Greater", FLOAT, "x", "zero");
    graph.add(
        "y",
        "StatelessIf",
        List.of("positive", "x"),
        Map.of(
            "Tcond", type(DataType.DT_BOOL),
            "Tin", types(FLOAT),
            "Tout", types(FLOAT),
            "then_branch", functionName("grow"),
            "else_branch", functionName("negate")));
    return graph
        .signature(SERVING, Map.of("x", info("x:0", FLOAT)), Map.of("y", info("y:0", FLOAT)))
        .write(parent.resolve("branches"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1) and {@code state} float (): {@code y = 4 x}, with
   * a variable that TensorFlow 1 passes by reference.
   */
  public static Path reference(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    graph.add(
        "weight",
        "VariableV2",
        List.of(),
        Map.of("dtype", type(FLOAT), "shape", shape(), "shared_name", text("")));
    graph.add("weight/read", "Identity", FLOAT, "weight");
    graph.add("y", "Mul", FLOAT, "x", "weight/read");
    graph.placeholder("saver_filename", DataType.DT_STRING);
    graph.constant("names", GraphWriter.texts("weight"));
    graph.constant("slices", GraphWriter.texts(""));
    graph.add(
        "restore",
        "RestoreV2",
        List.of("saver_filename", "names", "slices"),
        Map.of("dtypes", types(FLOAT)));
    graph.add(
        "assign",
        "Assign",
        List.of("weight", "restore"),
        Map.of("T", type(FLOAT), "validate_shape", flag(true), "use_locking", flag(true)));
    graph.add("restore_all", "NoOp", List.of("^assign"), Map.of());
    graph.meta.setSaverDef(
        SaverDef.newBuilder()
            .setFilenameTensorName("saver_filename:0")
            .setRestoreOpName("restore_all")
            .setVersion(SaverDef.CheckpointFormatVersion.V2));
    graph.signature(
        SERVING,
        Map.of("x", info("x:0", FLOAT, -1)),
        Map.of("y", info("y:0", FLOAT, -1), "state", info("weight:0", FLOAT)));
    Path directory = graph.write(parent.resolve("reference"));
    new CheckpointWriter().add("weight", new float[] {4}).write(directory);
    return directory;
  }

  private static void enter(GraphWriter graph, String name, DataType type, String input) {
    graph.add(
        name, "Enter", List.of(input), Map.of("T", type(type), "frame_name", text("doubling")));
  }

  private static void merge(
      GraphWriter graph, String name, DataType type, String first, String next) {
    graph.add(name, "Merge", List.of(first, next), Map.of("T", type(type), "N", number(2)));
  }

  private static Map<String, AttrValue> constant(int value) {
    return Map.of("dtype", type(INT), "value", GraphWriter.tensor(ints(value)));
  }

  private static Map<String, AttrValue> floatConstant(float value) {
    return Map.of("dtype", type(FLOAT), "value", GraphWriter.tensor(floats(value)));
  }

  /** Begins a function of a float {@code a}. */
  private static FunctionDef.Builder function(String name, String result, DataType type) {
    return FunctionDef.newBuilder()
        .setSignature(
            OpDef.newBuilder()
                .setName(name)
                .addInputArg(argument("a", FLOAT))
                .addOutputArg(argument(result, type)));
  }

  private static OpDef.ArgDef argument(String name, DataType type) {
    return OpDef.ArgDef.newBuilder().setName(name).setType(type).build();
  }
}
