package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;

/** SavedModels that return constants; like {@link TestModels} otherwise. */
public final class ConstantModels {
  private static final DataType INT = DataType.DT_INT32;
  private static final DataType LONG = DataType.DT_INT64;
  private static final String SERVING = "serving_default";

  private ConstantModels() {}

  /**
   * {@code id} long (-1) to the {@code id}-th rows of constants: whatever bytes a tensor of any
   * dtype may hold.
   *
   * @param directory the SavedModel's directory itself
   * @param outputs the outputs by name
   */
  public static Path rowsOf(Path directory, Map<String, Rows> outputs) {
    GraphWriter graph = new GraphWriter().placeholder("id", LONG).constant("axis", ints(0));
    Map<String, TensorInfo> infos = new TreeMap<>();
    outputs.forEach(
        (name, rows) -> {
          DataType held = rows.values.getDtype();
          graph.constant(name + "/rows", rows.values);
          graph.add(
              name + "/row",
              "GatherV2",
              List.of(name + "/rows", "id", "axis"),
              Map.of("Tparams", type(held), "Tindices", type(LONG), "Taxis", type(INT)));
          boolean same = rows.dtype == held;
          graph.add(
              name,
              same ? "Identity" : "Cast",
              List.of(name + "/row"),
              same
                  ? Map.of("T", type(held))
                  : Map.of("SrcT", type(held), "DstT", type(rows.dtype)));
          infos.put(name, info(name + ":0", rows.dtype, rows.shape));
        });
    return graph.signature(SERVING, Map.of("id", info("id:0", LONG, -1)), infos).write(directory);
  }

  /**
   * The rows of one output.
   *
   * @param values the constant, rows first
   * @param dtype what it is cast to, for dtypes that TensorFlow can't gather
   * @param shape the shape that the signature declares, the batch axis first
   */
  // Nobody compares them.
  @SuppressWarnings("ArrayRecordComponent")
  public record Rows(TensorProto values, DataType dtype, long... shape) {}
}
