package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.argument;
import static io.tensorarrow.spark.testing.GraphWriter.constantNode;
import static io.tensorarrow.spark.testing.GraphWriter.doubles;
import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.floatVector;
import static io.tensorarrow.spark.testing.GraphWriter.floats;
import static io.tensorarrow.spark.testing.GraphWriter.functionName;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.infoOfUnknownRank;
import static io.tensorarrow.spark.testing.GraphWriter.intVector;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.longs;
import static io.tensorarrow.spark.testing.GraphWriter.node;
import static io.tensorarrow.spark.testing.GraphWriter.number;
import static io.tensorarrow.spark.testing.GraphWriter.shape;
import static io.tensorarrow.spark.testing.GraphWriter.text;
import static io.tensorarrow.spark.testing.GraphWriter.texts;
import static io.tensorarrow.spark.testing.GraphWriter.type;
import static io.tensorarrow.spark.testing.GraphWriter.types;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.TensorInfo;

/**
 * SavedModels for tests, written without Python and without native code. Each method writes one
 * below {@code parent}, into a directory of the method's name, and returns that directory. Values
 * are easy to compute by hand. The tag set is {@code serve}.
 */
public final class TestModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType DOUBLE = DataType.DT_DOUBLE;
  private static final DataType INT = DataType.DT_INT32;
  private static final DataType LONG = DataType.DT_INT64;
  private static final DataType STRING = DataType.DT_STRING;
  private static final DataType RESOURCE = DataType.DT_RESOURCE;
  private static final String SERVING = "serving_default";
  private static final int MLP_INPUTS = 8;
  private static final int MLP_HIDDEN = 4;
  private static final int MLP_OUTPUTS = 3;

  private TestModels() {}

  /** {@code x} float (-1) to {@code y} float (-1): {@code y = 2 x}. No variables. */
  public static Path scale(Path parent) {
    return scaleBy(parent.resolve("scale"), 2);
  }

  /**
   * Like {@link #scale}, at a place and with a factor of one's own.
   *
   * @param directory the SavedModel's directory itself
   * @param factor what {@code x} is multiplied by
   */
  public static Path scaleBy(Path directory, float factor) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("factor", floats(factor))
        .add("y", "Mul", FLOAT, "x", "factor")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(directory);
  }

  /**
   * {@code x} float (-1, 8) to {@code probabilities} float (-1, 3): two dense layers with variables
   * from a checkpoint, restored by ops of the graph. {@link #mlpOf} computes the same in Java.
   */
  public static Path mlp(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    List<String> names = List.of("hidden/kernel", "hidden/bias", "output/kernel", "output/bias");
    graph.variable("hidden/kernel", MLP_INPUTS, MLP_HIDDEN);
    graph.variable("hidden/bias", MLP_HIDDEN);
    graph.variable("output/kernel", MLP_HIDDEN, MLP_OUTPUTS);
    graph.variable("output/bias", MLP_OUTPUTS);
    matMul(graph, "hidden/product", "x", "hidden/kernel/read");
    graph.add("hidden/sum", "BiasAdd", FLOAT, "hidden/product", "hidden/bias/read");
    graph.add("hidden/relu", "Relu", FLOAT, "hidden/sum");
    matMul(graph, "output/product", "hidden/relu", "output/kernel/read");
    graph.add("logits", "BiasAdd", FLOAT, "output/product", "output/bias/read");
    graph.add("probabilities", "Softmax", FLOAT, "logits");
    graph.restore(names);
    graph.signature(
        SERVING,
        Map.of("x", info("x:0", FLOAT, -1, MLP_INPUTS)),
        Map.of("probabilities", info("probabilities:0", FLOAT, -1, MLP_OUTPUTS)));
    Path directory = graph.write(parent.resolve("mlp"));
    new CheckpointWriter()
        .add("hidden/kernel", hiddenKernel(), MLP_INPUTS, MLP_HIDDEN)
        .add("hidden/bias", bias(MLP_HIDDEN), MLP_HIDDEN)
        .add("output/kernel", outputKernel(), MLP_HIDDEN, MLP_OUTPUTS)
        .add("output/bias", bias(MLP_OUTPUTS), MLP_OUTPUTS)
        .write(directory);
    return directory;
  }

  /**
   * Computes what {@link #mlp} returns for one row.
   *
   * @param row 8 values
   * @return 3 probabilities
   */
  public static float[] mlpOf(float[] row) {
    float[] hidden = dense(row, hiddenKernel(), bias(MLP_HIDDEN));
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = Math.max(0, hidden[i]);
    }
    float[] logits = dense(hidden, outputKernel(), bias(MLP_OUTPUTS));
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    float[] probabilities = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = (float) (Math.exp(logits[i]) / sum);
    }
    return probabilities;
  }

  /**
   * Several dtypes and ranks. Inputs: {@code f} float (-1, 4), {@code d} double (-1), {@code i} int
   * (-1, 2, 3), {@code l} long (-1). Outputs:
   *
   * <ul>
   *   <li>{@code f_sum} float (-1): the sum of a row of {@code f}
   *   <li>{@code f_open} float (-1, -1): {@code f} itself, with an open inner dimension
   *   <li>{@code f_square} float (-1, 2, 2): {@code f} reshaped
   *   <li>{@code f_grid} float (-1, -1, -1): the same with two open inner dimensions
   *   <li>{@code d_half} double (-1): {@code d / 2}
   *   <li>{@code i_next} int (-1, 2, 3): {@code i + 1}
   *   <li>{@code l_negative} long (-1): {@code -l}
   *   <li>{@code l_single} long (-1, 1): {@code l} with an inner dimension of 1
   * </ul>
   */
  public static Path kinds(Path parent) {
    GraphWriter graph = new GraphWriter();
    graph.placeholder("f", FLOAT).placeholder("d", DOUBLE);
    graph.placeholder("i", INT).placeholder("l", LONG);
    graph.constant("axis", ints(1));
    Map<String, AttrValue> sum =
        Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false));
    graph.add("f_sum", "Sum", List.of("f", "axis"), sum);
    graph.add("f_open", "Identity", FLOAT, "f");
    reshape(graph, "f_square", "f", FLOAT, -1, 2, 2);
    graph.constant("half", doubles(0.5)).add("d_half", "Mul", DOUBLE, "d", "half");
    graph.constant("one", ints(1)).add("i_next", "AddV2", INT, "i", "one");
    graph.add("l_negative", "Neg", LONG, "l");
    reshape(graph, "l_single", "l", LONG, -1, 1);
    return graph
        .signature(
            SERVING,
            Map.of(
                "f", info("f:0", FLOAT, -1, 4),
                "d", info("d:0", DOUBLE, -1),
                "i", info("i:0", INT, -1, 2, 3),
                "l", info("l:0", LONG, -1)),
            Map.of(
                "f_sum", info("f_sum:0", FLOAT, -1),
                "f_open", info("f_open:0", FLOAT, -1, -1),
                "f_square", info("f_square:0", FLOAT, -1, 2, 2),
                "f_grid", info("f_square:0", FLOAT, -1, -1, -1),
                "d_half", info("d_half:0", DOUBLE, -1),
                "i_next", info("i_next:0", INT, -1, 2, 3),
                "l_negative", info("l_negative:0", LONG, -1),
                "l_single", info("l_single:0", LONG, -1, 1)))
        .write(parent.resolve("kinds"));
  }

  /**
   * Signatures {@code double} ({@code y = 2 x}) and {@code half} ({@code y = x / 2}), both float
   * (-1); no default signature.
   */
  public static Path twoSignatures(Path parent) {
    Map<String, TensorInfo> x = Map.of("x", info("x:0", FLOAT, -1));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("doubled", "Mul", FLOAT, "x", "two")
        .add("halved", "RealDiv", FLOAT, "x", "two")
        .signature("double", x, Map.of("y", info("doubled:0", FLOAT, -1)))
        .signature("half", x, Map.of("y", info("halved:0", FLOAT, -1)))
        .write(parent.resolve("twoSignatures"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1): {@code y = 3 x}, as TensorFlow 2 saves it: a
   * function of the library reads the variable 3, another restores it, and the initialiser is among
   * the signatures.
   */
  public static Path function(Path parent) {
    GraphWriter graph = new GraphWriter();
    graph.function(
        FunctionDef.newBuilder()
            .setSignature(
                OpDef.newBuilder()
                    .setName("__inference_scale")
                    .addInputArg(argument("x", FLOAT))
                    .addInputArg(argument("weight", RESOURCE))
                    .addOutputArg(argument("y", FLOAT))
                    .setIsStateful(true))
            .addNodeDef(
                node("read", "ReadVariableOp", List.of("weight"), Map.of("dtype", type(FLOAT))))
            .addNodeDef(
                node("product", "Mul", List.of("x", "read:value:0"), Map.of("T", type(FLOAT))))
            .putRet("y", "product:z:0")
            .build());
    graph.function(
        FunctionDef.newBuilder()
            .setSignature(
                OpDef.newBuilder()
                    .setName("__inference_restore")
                    .addInputArg(argument("prefix", STRING))
                    .addInputArg(argument("weight", RESOURCE))
                    .addOutputArg(argument("done", STRING))
                    .setIsStateful(true)
                    .addControlOutput("assign"))
            .addNodeDef(constantNode("names", texts("weight")))
            .addNodeDef(constantNode("slices", texts("")))
            .addNodeDef(
                node(
                    "restore",
                    "RestoreV2",
                    List.of("prefix", "names:output:0", "slices:output:0"),
                    Map.of("dtypes", types(FLOAT))))
            .addNodeDef(
                node(
                    "assign",
                    "AssignVariableOp",
                    List.of("weight", "restore:tensors:0"),
                    Map.of("dtype", type(FLOAT))))
            .addNodeDef(
                node("done", "Identity", List.of("prefix", "^assign"), Map.of("T", type(STRING))))
            .putRet("done", "done:output:0")
            .putControlRet("assign", "assign")
            .build());
    graph.add(
        "weight",
        "VarHandleOp",
        List.of(),
        Map.of("dtype", type(FLOAT), "shape", shape(), "shared_name", text("weight")));
    graph.placeholder("serving_default_x", FLOAT).placeholder("saver_filename", STRING);
    call(graph, "StatefulPartitionedCall", "__inference_scale", "serving_default_x", FLOAT);
    call(graph, "StatefulPartitionedCall_1", "__inference_restore", "saver_filename", STRING);
    graph.add("NoOp", "NoOp", List.of(), Map.of());
    graph.meta.setSaverDef(
        SaverDef.newBuilder()
            .setFilenameTensorName("saver_filename:0")
            .setRestoreOpName("StatefulPartitionedCall_1")
            .setVersion(SaverDef.CheckpointFormatVersion.V2));
    graph.signature(
        "__saved_model_init_op",
        Map.of(),
        Map.of("__saved_model_init_op", infoOfUnknownRank("NoOp", DataType.DT_INVALID)));
    graph.signature(
        SERVING,
        Map.of("x", info("serving_default_x:0", FLOAT, -1)),
        Map.of("y", info("StatefulPartitionedCall:0", FLOAT, -1)));
    Path directory = graph.write(parent.resolve("function"));
    new CheckpointWriter().add("weight", new float[] {3}).write(directory);
    return directory;
  }

  /**
   * {@code id} long (-1) to {@code value} long (-1): line {@code id} of an asset with the lines 10,
   * 20, 30; else -1.
   */
  public static Path table(Path parent) {
    GraphWriter graph = new GraphWriter().placeholder("id", LONG);
    graph.constant("file", texts("/nowhere/values.txt"));
    graph.constant("otherwise", longs(-1));
    graph.add(
        "table",
        "HashTableV2",
        List.of(),
        Map.of("key_dtype", type(LONG), "value_dtype", type(LONG)));
    graph.add(
        "fill",
        "InitializeTableFromTextFileV2",
        List.of("table", "file"),
        Map.of("key_index", number(-1), "value_index", number(0), "vocab_size", number(-1)));
    graph.add("initialise", "NoOp", List.of("^fill"), Map.of());
    graph.add(
        "value",
        "LookupTableFindV2",
        List.of("table", "id", "otherwise"),
        Map.of("Tin", type(LONG), "Tout", type(LONG)));
    graph.meta.addAssetFileDef(
        AssetFileDef.newBuilder()
            .setFilename("values.txt")
            .setTensorInfo(TensorInfo.newBuilder().setName("file:0")));
    graph.meta.putCollectionDef(
        "saved_model_main_op",
        CollectionDef.newBuilder()
            .setNodeList(CollectionDef.NodeList.newBuilder().addValue("initialise"))
            .build());
    graph.signature(
        SERVING, Map.of("id", info("id:0", LONG, -1)), Map.of("value", info("value:0", LONG, -1)));
    Path directory = graph.write(parent.resolve("table"));
    write(directory.resolve("assets/values.txt"), "10\n20\n30\n");
    return directory;
  }

  /**
   * {@code x} float (-1, ...) to {@code total} float (-1): the sum of a row.
   *
   * @param rowDims the dimensions of a row of {@code x}, -1 for an open one
   */
  public static Path totals(Path parent, long... rowDims) {
    long[] shape = new long[rowDims.length + 1];
    shape[0] = -1;
    System.arraycopy(rowDims, 0, shape, 1, rowDims.length);
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("axes", intVector(IntStream.rangeClosed(1, rowDims.length).toArray()))
        .add(
            "total",
            "Sum",
            List.of("x", "axes"),
            Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false)))
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, shape)),
            Map.of("total", info("total:0", FLOAT, -1)))
        .write(parent.resolve("totals"));
  }

  /** {@code text} string (-1) to {@code length} int (-1). */
  public static Path strings(Path parent) {
    return new GraphWriter()
        .placeholder("text", STRING)
        .add("length", "StringLength", List.of("text"), Map.of())
        .signature(
            SERVING,
            Map.of("text", info("text:0", STRING, -1)),
            Map.of("length", info("length:0", INT, -1)))
        .write(parent.resolve("strings"));
  }

  /**
   * Names of every kind, all tensors float (-1). Inputs {@code a.b}, {@code `,=` }, {@code n} and
   * {@code N}; output {@code s.um} is {@code a.b + 10 `,=` + 100 n + 1000 N}, {@code 名/前 [0]} is
   * {@code n} and {@code `q`} is {@code N}.
   */
  public static Path oddNames(Path parent) {
    return new GraphWriter()
        .placeholder("i0", FLOAT)
        .placeholder("i1", FLOAT)
        .placeholder("i2", FLOAT)
        .placeholder("i3", FLOAT)
        .constant("ten", floats(10))
        .constant("hundred", floats(100))
        .constant("thousand", floats(1000))
        .add("m1", "Mul", FLOAT, "i1", "ten")
        .add("m2", "Mul", FLOAT, "i2", "hundred")
        .add("m3", "Mul", FLOAT, "i3", "thousand")
        .add("s1", "AddV2", FLOAT, "i0", "m1")
        .add("s2", "AddV2", FLOAT, "s1", "m2")
        .add("s3", "AddV2", FLOAT, "s2", "m3")
        .signature(
            SERVING,
            Map.of(
                "a.b", info("i0:0", FLOAT, -1),
                "`,=` ", info("i1:0", FLOAT, -1),
                "n", info("i2:0", FLOAT, -1),
                "N", info("i3:0", FLOAT, -1)),
            Map.of(
                "s.um", info("s3:0", FLOAT, -1),
                "名/前 [0]", info("i2:0", FLOAT, -1),
                "`q`", info("i3:0", FLOAT, -1)))
        .write(parent.resolve("oddNames"));
  }

  /** {@code x} float (-1) to {@code count} outputs {@code y0}, {@code y1} ..., all {@code 2 x}. */
  public static Path manyOutputs(Path parent, int count) {
    Map<String, TensorInfo> outputs =
        IntStream.range(0, count)
            .boxed()
            .collect(Collectors.toMap(i -> "y" + i, i -> info("y:0", FLOAT, -1)));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("y", "Mul", FLOAT, "x", "two")
        .signature(SERVING, Map.of("x", info("x:0", FLOAT, -1)), outputs)
        .write(parent.resolve("manyOutputs"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1): {@code y = x}, by way of a constant and a
   * variable of a megabyte each.
   */
  public static Path heavy(Path parent) {
    int elements = 1 << 18;
    GraphWriter graph = new GraphWriter().placeholder("x", FLOAT);
    graph.constant("many", floatVector(new float[elements]));
    graph.variable("weight", elements);
    graph.constant("axis", ints(0));
    Map<String, AttrValue> sum =
        Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false));
    graph.add("both", "AddV2", FLOAT, "many", "weight/read");
    graph.add("nothing", "Sum", List.of("both", "axis"), sum);
    graph.add("y", "AddV2", FLOAT, "x", "nothing");
    graph.restore(List.of("weight"));
    graph.signature(
        SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)));
    Path directory = graph.write(parent.resolve("heavy"));
    new CheckpointWriter().add("weight", new float[elements], elements).write(directory);
    return directory;
  }

  private static void matMul(GraphWriter graph, String name, String a, String b) {
    graph.add(name, "MatMul", FLOAT, a, b);
  }

  private static void reshape(
      GraphWriter graph, String name, String input, DataType type, int... dims) {
    graph.constant(name + "/dims", intVector(dims));
    graph.add(
        name,
        "Reshape",
        List.of(input, name + "/dims"),
        Map.of("T", type(type), "Tshape", type(INT)));
  }

  private static void call(
      GraphWriter graph, String name, String function, String input, DataType type) {
    graph.add(
        name,
        "StatefulPartitionedCall",
        List.of(input, "weight"),
        Map.of("Tin", types(type, RESOURCE), "Tout", types(type), "f", functionName(function)));
  }

  private static float[] hiddenKernel() {
    float[] kernel = new float[MLP_INPUTS * MLP_HIDDEN];
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] = (i % 5 - 2) / 4f;
    }
    return kernel;
  }

  private static float[] outputKernel() {
    float[] kernel = new float[MLP_HIDDEN * MLP_OUTPUTS];
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] = (i % 7 - 3) / 2f;
    }
    return kernel;
  }

  private static float[] bias(int size) {
    float[] bias = new float[size];
    for (int i = 0; i < size; i++) {
      bias[i] = i / 8f;
    }
    return bias;
  }

  private static float[] dense(float[] row, float[] kernel, float[] bias) {
    float[] result = bias.clone();
    for (int i = 0; i < row.length; i++) {
      for (int j = 0; j < result.length; j++) {
        result[j] += row[i] * kernel[i * result.length + j];
      }
    }
    return result;
  }

  private static void write(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
