package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.argument;
import static io.tensorarrow.spark.testing.GraphWriter.constantNode;
import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.floatVector;
import static io.tensorarrow.spark.testing.GraphWriter.floats;
import static io.tensorarrow.spark.testing.GraphWriter.functionName;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.intVector;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.node;
import static io.tensorarrow.spark.testing.GraphWriter.number;
import static io.tensorarrow.spark.testing.GraphWriter.shape;
import static io.tensorarrow.spark.testing.GraphWriter.type;
import static io.tensorarrow.spark.testing.GraphWriter.types;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.OpDef;

/** SavedModels that can not be loaded or run, or never end; like {@link TestModels} otherwise. */
public final class FailingModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType INT = DataType.DT_INT32;
  private static final DataType LONG = DataType.DT_INT64;
  private static final String SERVING = "serving_default";

  private FailingModels() {}

  /**
   * {@code x} int (-1) to {@code y} int (-1): {@code y = 100 / x}, which fails if an {@code x} is
   * 0.
   */
  public static Path failing(Path parent) {
    return new GraphWriter()
        .placeholder("x", INT)
        .constant("hundred", ints(100))
        .add("y", "Div", INT, "hundred", "x")
        .signature(SERVING, Map.of("x", info("x:0", INT, -1)), Map.of("y", info("y:0", INT, -1)))
        .write(parent.resolve("failing"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1) by an operation that TensorFlow does not have,
   * {@code MadeUpOperation}.
   */
  public static Path unknownOp(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("y", "MadeUpOperation", FLOAT, "x")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("unknownOp"));
  }

  /**
   * {@code x} float (-1) to {@code bucket} int (-1) by an operation that TensorFlow 2.18 still
   * knows, but can't run any more, {@code BoostedTreesBucketize}.
   */
  public static Path removedKernel(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("boundaries", floatVector(1, 2, 3))
        .add(
            "bucket",
            "BoostedTreesBucketize",
            List.of("x", "boundaries"),
            Map.of("num_features", number(1)))
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, -1)),
            Map.of("bucket", info("bucket:0", INT, -1)))
        .write(parent.resolve("removedKernel"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1), but its variable is never restored, as when it
   * has a second handle.
   */
  public static Path unrestored(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    graph.variable("weight");
    return graph
        .add("y", "Mul", FLOAT, "x", "weight/read")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("unrestored"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1), but its variable is one of TensorFlow 1 that
   * nothing initialises.
   */
  public static Path uninitialised(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("weight", "VariableV2", List.of(), Map.of("dtype", type(FLOAT), "shape", shape()))
        .add("read", "Identity", FLOAT, "weight")
        .add("y", "Mul", FLOAT, "x", "read")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("uninitialised"));
  }

  /**
   * {@code x} float (-1) to {@code y}, said to be float (-1), but of as many elements as the
   * largest {@code x} says, and each of them that: 2^42 are more memory than any machine has.
   */
  public static Path huge(Path parent) {
    Map<String, AttrValue> max =
        Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("axis", ints(0))
        .add("largest", "Max", List.of("x", "axis"), max)
        .add("rows", "Cast", List.of("largest"), Map.of("SrcT", type(FLOAT), "DstT", type(LONG)))
        .constant("zero", ints(0))
        .add("dims", "ExpandDims", List.of("rows", "zero"), Map.of("T", type(LONG)))
        .add(
            "y",
            "Fill",
            List.of("dims", "largest"),
            Map.of("T", type(FLOAT), "index_type", type(LONG)))
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("huge"));
  }

  /** {@code x} float (-1) to {@code y} float (-1): {@code x} itself, never if one is negative. */
  public static Path endless(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    endlessLoop(graph, "y", "x");
    return graph
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("endless"));
  }

  /** {@code x} float (-1) to {@code y} float (-1): {@code y = 2 x}; its initialiser never ends. */
  public static Path endlessInitialiser(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT).constant("two", floats(2));
    graph.add("y", "Mul", FLOAT, "x", "two");
    graph.constant("negative", floatVector(-1));
    endlessLoop(graph, "loop", "negative");
    graph.add("initialise", "NoOp", List.of("^loop"), Map.of());
    graph.meta.putCollectionDef(
        "saved_model_main_op",
        CollectionDef.newBuilder()
            .setNodeList(CollectionDef.NodeList.newBuilder().addValue("initialise"))
            .build());
    return graph
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("endlessInitialiser"));
  }

  /** Repeats an identity while the smallest element is negative. */
  private static void endlessLoop(GraphWriter graph, String name, String input) {
    graph.function(
        FunctionDef.newBuilder()
            .setSignature(
                OpDef.newBuilder()
                    .setName("any_negative")
                    .addInputArg(argument("x", FLOAT))
                    .addOutputArg(argument("more", DataType.DT_BOOL)))
            .addNodeDef(constantNode("zero", floats(0)))
            .addNodeDef(
                node("negative", "Less", List.of("x", "zero:output:0"), Map.of("T", type(FLOAT))))
            .addNodeDef(constantNode("axis", intVector(0)))
            .addNodeDef(
                node(
                    "any",
                    "Any",
                    List.of("negative:z:0", "axis:output:0"),
                    Map.of("Tidx", type(INT), "keep_dims", flag(false))))
            .putRet("more", "any:output:0")
            .build());
    graph.function(
        FunctionDef.newBuilder()
            .setSignature(
                OpDef.newBuilder()
                    .setName("same")
                    .addInputArg(argument("x", FLOAT))
                    .addOutputArg(argument("y", FLOAT)))
            .addNodeDef(node("copy", "Identity", List.of("x"), Map.of("T", type(FLOAT))))
            .putRet("y", "copy:output:0")
            .build());
    graph.add(
        name,
        "While",
        List.of(input),
        Map.of(
            "T", types(FLOAT), "cond", functionName("any_negative"), "body", functionName("same")));
  }
}
