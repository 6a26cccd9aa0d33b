package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.infoOfUnknownRank;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;

/** SavedModels with sparse inputs and outputs, like those of {@link TestModels}. */
public final class SparseModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType LONG = DataType.DT_INT64;
  private static final String SERVING = "serving_default";

  private SparseModels() {}

  /**
   * {@code x}, sparse, to {@code dense}, in which {@code absent} stands wherever {@code x} has
   * nothing. TensorFlow checks that indices are inside of the dense shape, in row-major order and
   * none of them twice.
   *
   * @param directory the SavedModel's directory itself
   * @param absent a scalar; its dtype is that of {@code x}
   * @param shape the shape of both, with the batch axis first
   */
  public static Path dense(Path directory, TensorProto absent, long... shape) {
    DataType dtype = absent.getDtype();
    return toDense(absent)
        .signature(
            SERVING,
            Map.of("x", sparse(info("", dtype, shape))),
            Map.of("dense", info("dense:0", dtype, shape)))
        .write(directory);
  }

  /**
   * Like {@link #dense} of float, with absent as -1; {@code x} is of unknown rank and {@code dense}
   * said to be (-1, -1).
   */
  public static Path unknownRank(Path parent) {
    return toDense(GraphWriter.floats(-1))
        .signature(
            SERVING,
            Map.of("x", sparse(infoOfUnknownRank("", FLOAT))),
            Map.of("dense", info("dense:0", FLOAT, -1, -1)))
        .write(parent.resolve("unknownRank"));
  }

  /**
   * {@code x} sparse float (-1, 3) and {@code x.y} float (-1) to {@code product} float (-1, 2),
   * which is {@code x} times ((1, 10), (2, 20), (3, 30)), {@code next} float (-1), which is {@code
   * x.y + 1}, and {@code echo} sparse float (-1, 3), which is {@code x}.
   */
  public static Path product(Path parent) {
    TensorProto kernel =
        TensorProto.newBuilder()
            .setDtype(FLOAT)
            .setTensorShape(GraphWriter.dims(3, 2))
            .addAllFloatVal(List.of(1f, 10f, 2f, 20f, 3f, 30f))
            .build();
    Map<String, AttrValue> attributes =
        Map.of(
            "T", type(FLOAT),
            "Tindices", type(LONG),
            "adjoint_a", flag(false),
            "adjoint_b", flag(false));
    return parts(FLOAT)
        .placeholder("other", FLOAT)
        .constant("kernel", kernel)
        .constant("one", GraphWriter.floats(1))
        .add(
            "product",
            "SparseTensorDenseMatMul",
            List.of("x/indices", "x/values", "x/shape", "kernel"),
            attributes)
        .add("next", "AddV2", FLOAT, "other", "one")
        .signature(
            SERVING,
            Map.of("x", sparse(info("", FLOAT, -1, 3)), "x.y", info("other:0", FLOAT, -1)),
            Map.of(
                "product", info("product:0", FLOAT, -1, 2),
                "next", info("next:0", FLOAT, -1),
                "echo", sparse(info("", FLOAT, -1, 3))))
        .write(parent.resolve("product"));
  }

  private static GraphWriter toDense(TensorProto absent) {
    return parts(absent.getDtype())
        .constant("absent", absent)
        .add(
            "dense",
            "SparseToDense",
            List.of("x/indices", "x/shape", "x/values", "absent"),
            Map.of(
                "T", type(absent.getDtype()),
                "Tindices", type(LONG),
                "validate_indices", flag(true)));
  }

  private static GraphWriter parts(DataType dtype) {
    return new GraphWriter()
        .placeholder("x/indices", LONG)
        .placeholder("x/values", dtype)
        .placeholder("x/shape", LONG);
  }

  private static TensorInfo sparse(TensorInfo info) {
    return info.toBuilder()
        .setCooSparse(
            TensorInfo.CooSparse.newBuilder()
                .setIndicesTensorName("x/indices:0")
                .setValuesTensorName("x/values:0")
                .setDenseShapeTensorName("x/shape:0"))
        .build();
  }
}
