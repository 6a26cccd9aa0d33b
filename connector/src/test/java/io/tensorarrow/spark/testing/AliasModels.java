package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.shape;
import static io.tensorarrow.spark.testing.GraphWriter.text;
import static io.tensorarrow.spark.testing.GraphWriter.texts;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;

/**
 * SavedModels whose outputs share memory with what they are fed, with each other, or with what they
 * keep from call to call; like those of {@link TestModels}.
 */
public final class AliasModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType LONG = DataType.DT_INT64;
  private static final DataType STRING = DataType.DT_STRING;
  private static final String SERVING = "serving_default";

  private AliasModels() {}

  /** A tensor of a signature: its dtype, and its shape with the batch axis first. */
  // Nobody compares them.
  @SuppressWarnings("ArrayRecordComponent")
  public record Tensor(DataType dtype, long... shape) {}

  /**
   * Each input {@code name} to {@code name_out} and {@code name_again}, both of them the input
   * itself.
   *
   * @param directory the SavedModel's directory itself
   * @param inputs the inputs by name
   */
  public static Path echo(Path directory, Map<String, Tensor> inputs) {
    GraphWriter graph = new GraphWriter();
    Map<String, TensorInfo> feeds = new TreeMap<>();
    Map<String, TensorInfo> fetches = new TreeMap<>();
    inputs.forEach(
        (name, tensor) -> {
          graph.placeholder(name, tensor.dtype());
          graph.add(name + "_out", "Identity", tensor.dtype(), name);
          feeds.put(name, info(name + ":0", tensor.dtype(), tensor.shape()));
          fetches.put(name + "_out", info(name + "_out:0", tensor.dtype(), tensor.shape()));
          fetches.put(name + "_again", info(name + ":0", tensor.dtype(), tensor.shape()));
        });
    return graph.signature(SERVING, feeds, fetches).write(directory);
  }

  /**
   * {@code id} long (-1), {@code before} long (-1) and {@code text} string (-1) to {@code earlier}
   * string (-1): keeps each text under its id, and returns those that earlier calls kept under
   * {@code before}, else "none".
   */
  public static Path keepsTexts(Path parent) {
    Map<String, AttrValue> types = Map.of("Tin", type(LONG), "Tout", type(STRING));
    return new GraphWriter()
        .placeholder("id", LONG)
        .placeholder("before", LONG)
        .placeholder("text", STRING)
        .add(
            "table",
            "MutableHashTableV2",
            List.of(),
            Map.of("key_dtype", type(LONG), "value_dtype", type(STRING)))
        .constant("none", scalar("none"))
        .add("find", "LookupTableFindV2", List.of("table", "before", "none"), types)
        .add("keep", "LookupTableInsertV2", List.of("table", "id", "text", "^find"), types)
        .add("earlier", "Identity", List.of("find", "^keep"), Map.of("T", type(STRING)))
        .signature(
            SERVING,
            Map.of(
                "id", info("id:0", LONG, -1),
                "before", info("before:0", LONG, -1),
                "text", info("text:0", STRING, -1)),
            Map.of("earlier", info("earlier:0", STRING, -1)))
        .write(parent.resolve("keepsTexts"));
  }

  /**
   * {@code x} float (3) to {@code total} float (3): a variable to which each call adds {@code x},
   * and {@code same}, the same variable.
   *
   * @param resource whether the variable is a resource, as in TensorFlow 2, or a reference
   */
  public static Path total(Path parent, boolean resource) {
    GraphWriter graph =
        new GraphWriter()
            .placeholder("x", FLOAT)
            .constant("zero", GraphWriter.floatVector(0, 0, 0));
    Map<String, AttrValue> variable =
        Map.of("dtype", type(FLOAT), "shape", shape(3), "shared_name", text("variable"));
    Map<String, AttrValue> dtype = Map.of("dtype", type(FLOAT));
    if (resource) {
      graph
          .add("variable", "VarHandleOp", List.of(), variable)
          .add("initialise", "AssignVariableOp", List.of("variable", "zero"), dtype)
          .add("add", "AssignAddVariableOp", List.of("variable", "x"), dtype)
          .add("total", "ReadVariableOp", List.of("variable", "^add"), dtype);
    } else {
      graph
          .add("variable", "VariableV2", List.of(), variable)
          .add("initialise", "Assign", FLOAT, "variable", "zero")
          .add("total", "AssignAdd", FLOAT, "variable", "x");
    }
    graph.add("same", "Identity", FLOAT, "total");
    graph.meta.putCollectionDef(
        "saved_model_main_op",
        CollectionDef.newBuilder()
            .setNodeList(CollectionDef.NodeList.newBuilder().addValue("initialise"))
            .build());
    return graph
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, 3)),
            Map.of("total", info("total:0", FLOAT, 3), "same", info("same:0", FLOAT, 3)))
        .write(parent.resolve(resource ? "resourceTotal" : "referenceTotal"));
  }

  private static TensorProto scalar(String text) {
    return texts(text).toBuilder().setTensorShape(GraphWriter.dims()).build();
  }
}
