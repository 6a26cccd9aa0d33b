package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.floatVector;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.intVector;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.number;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;

/** SavedModels that put everything else to the test; like {@link TestModels} otherwise. */
public final class OddModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType INT = DataType.DT_INT32;
  private static final String SERVING = "serving_default";

  private OddModels() {}

  /**
   * A tensor of a signature.
   *
   * @param dtype its dtype
   * @param dims its shape, -1 where unknown
   */
  // Nobody compares them.
  @SuppressWarnings("ArrayRecordComponent")
  public record Tensor(DataType dtype, long... dims) {}

  /**
   * Every input comes out again, as an output named {@code same_<input>}.
   *
   * @param directory the SavedModel's directory itself
   * @param inputs the inputs by name
   */
  public static Path same(Path directory, Map<String, Tensor> inputs) {
    GraphWriter graph = new GraphWriter();
    Map<String, TensorInfo> in = new TreeMap<>();
    Map<String, TensorInfo> out = new TreeMap<>();
    inputs.forEach(
        (name, tensor) -> {
          String node = "input" + in.size();
          graph.placeholder(node, tensor.dtype);
          graph.add("of_" + node, "Identity", tensor.dtype, node);
          in.put(name, info(node + ":0", tensor.dtype, tensor.dims));
          out.put("same_" + name, info("of_" + node + ":0", tensor.dtype, tensor.dims));
        });
    return graph.signature(SERVING, in, out).write(directory);
  }

  /**
   * {@code x} float (-1, 2) to outputs that are not what the signature says:
   *
   * <ul>
   *   <li>{@code fine} (-1, 2): {@code x}, as it says
   *   <li>{@code scalar}, said to be (-1): the sum of all, of shape ()
   *   <li>{@code reduced}, said to be (-1, 2): the sums over the rows, of shape (2)
   *   <li>{@code transposed}, said to be (-1, 2): {@code x} of shape (2, rows)
   *   <li>{@code flat}, said to be (-1): the elements of {@code x}, twice as many as rows
   *   <li>{@code wider}, said to be (-1, 3): {@code x}
   *   <li>{@code deeper}, said to be (-1, 2): {@code x} of shape (rows, 2, 1)
   *   <li>{@code shallower}, said to be (-1, 2): the sums of the rows, of shape (rows)
   *   <li>{@code batches}, said to be (-1, 2): {@code x} of shape (1, rows, 2)
   * </ul>
   */
  public static Path misdeclared(Path parent) {
    Map<String, AttrValue> sum =
        Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false));
    Map<String, AttrValue> reshape = Map.of("T", type(FLOAT), "Tshape", type(INT));
    Map<String, AttrValue> expand = Map.of("T", type(FLOAT), "Tdim", type(INT));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("fine", "Identity", FLOAT, "x")
        .constant("zero", ints(0))
        .constant("one", ints(1))
        .constant("both", intVector(0, 1))
        .constant("turned", intVector(1, 0))
        .constant("line", intVector(-1))
        .constant("last", ints(2))
        .add("scalar", "Sum", List.of("x", "both"), sum)
        .add("reduced", "Sum", List.of("x", "zero"), sum)
        .add(
            "transposed",
            "Transpose",
            List.of("x", "turned"),
            Map.of("T", type(FLOAT), "Tperm", type(INT)))
        .add("flat", "Reshape", List.of("x", "line"), reshape)
        .add("deeper", "ExpandDims", List.of("x", "last"), expand)
        .add("shallower", "Sum", List.of("x", "one"), sum)
        .add("batches", "ExpandDims", List.of("x", "zero"), expand)
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, -1, 2)),
            Map.of(
                "fine", info("fine:0", FLOAT, -1, 2),
                "scalar", info("scalar:0", FLOAT, -1),
                "reduced", info("reduced:0", FLOAT, -1, 2),
                "transposed", info("transposed:0", FLOAT, -1, 2),
                "flat", info("flat:0", FLOAT, -1),
                "wider", info("fine:0", FLOAT, -1, 3),
                "deeper", info("deeper:0", FLOAT, -1, 2),
                "shallower", info("shallower:0", FLOAT, -1, 2),
                "batches", info("batches:0", FLOAT, -1, 2)))
        .write(parent.resolve("misdeclared"));
  }

  /** {@code x} float (-1) to {@code y}, said to be int (-1): {@code x}, which is float. */
  public static Path anotherDtype(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("y", "Identity", FLOAT, "x")
        .signature(SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", INT, -1)))
        .write(parent.resolve("anotherDtype"));
  }

  /** Inputs {@code x0}, {@code x1} and so on, float (-1), and {@code sum} float (-1). */
  public static Path manyInputs(Path parent, int count) {
    GraphWriter graph = new GraphWriter();
    List<String> names = new ArrayList<>();
    Map<String, TensorInfo> inputs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      graph.placeholder("x" + i, FLOAT);
      names.add("x" + i);
      inputs.put("x" + i, info("x" + i + ":0", FLOAT, -1));
    }
    return graph
        .add("sum", "AddN", names, Map.of("T", type(FLOAT), "N", number(count)))
        .signature(SERVING, inputs, Map.of("sum", info("sum:0", FLOAT, -1)))
        .write(parent.resolve("manyInputs"));
  }

  /** Inputs {@code a} and {@code b} float (-1) are one tensor; {@code y} float (-1) is it. */
  public static Path oneTensorTwice(Path parent) {
    TensorInfo x = info("x:0", FLOAT, -1);
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("y", "Identity", FLOAT, "x")
        .signature(SERVING, Map.of("a", x, "b", x), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("oneTensorTwice"));
  }

  /** No input; {@code y}, said to be float (-1), is always 1, 2, 3. */
  public static Path withoutInputs(Path parent) {
    return new GraphWriter()
        .constant("y", floatVector(1, 2, 3))
        .signature(SERVING, Map.of(), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("withoutInputs"));
  }

  /** {@code x} float (-1) to {@code y} float (-1) and {@code Y} float (-1), both {@code x}. */
  public static Path twinOutputs(Path parent) {
    TensorInfo y = info("y:0", FLOAT, -1);
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("y", "Identity", FLOAT, "x")
        .signature(SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", y, "Y", y))
        .write(parent.resolve("twinOutputs"));
  }

  /** {@code x} float (-1), but the graph wants (4): {@code y = x + (1, 2, 3, 4)}. */
  public static Path narrowerThanDeclared(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("four", floatVector(1, 2, 3, 4))
        .add("y", "AddV2", FLOAT, "x", "four")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("narrowerThanDeclared"));
  }

  /** {@code x} float (-1) to {@code y} float (-1): {@code x} and a random number in [0, 1). */
  public static Path random(Path parent) {
    return new GraphWriter()
        .placeholder("x", DataType.DT_FLOAT)
        .add(
            "shape",
            "Shape",
            List.of("x"),
            Map.of("T", type(DataType.DT_FLOAT), "out_type", type(DataType.DT_INT32)))
        .add(
            "noise",
            "RandomUniform",
            List.of("shape"),
            Map.of("T", type(DataType.DT_INT32), "dtype", type(DataType.DT_FLOAT)))
        .add("y", "AddV2", DataType.DT_FLOAT, "x", "noise")
        .signature(
            "serving_default",
            Map.of("x", info("x:0", DataType.DT_FLOAT, -1)),
            Map.of("y", info("y:0", DataType.DT_FLOAT, -1)))
        .write(parent.resolve("random"));
  }

  /** A graph that computes {@code 2 x}, but no signature says so. */
  public static Path withoutSignatures(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .add("y", "AddV2", FLOAT, "x", "x")
        .write(parent.resolve("withoutSignatures"));
  }
}
