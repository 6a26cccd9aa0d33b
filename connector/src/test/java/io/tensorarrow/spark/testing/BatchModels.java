package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.flag;
import static io.tensorarrow.spark.testing.GraphWriter.floats;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.infoOfUnknownRank;
import static io.tensorarrow.spark.testing.GraphWriter.intVector;
import static io.tensorarrow.spark.testing.GraphWriter.ints;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;

/**
 * SavedModels whose outputs or batches do not have the size of the batch that they are fed; like
 * {@link TestModels} otherwise.
 */
public final class BatchModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType INT = DataType.DT_INT32;
  private static final String SERVING = "serving_default";

  private BatchModels() {}

  /**
   * {@code x} float (-1) to {@code y} float (-1), {@code y = 2 x}, and outputs that are no columns:
   * {@code total} () the sum, {@code three} (3) the constant 1, 2, 3, {@code anything} of unknown
   * rank, {@code x} itself.
   */
  public static Path notBatched(Path parent) {
    Map<String, AttrValue> sum =
        Map.of("T", type(FLOAT), "Tidx", type(INT), "keep_dims", flag(false));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("y", "Mul", FLOAT, "x", "two")
        .constant("axis", ints(0))
        .add("total", "Sum", List.of("x", "axis"), sum)
        .constant("three", intVector(1, 2, 3))
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, -1)),
            Map.of(
                "y", info("y:0", FLOAT, -1),
                "total", info("total:0", FLOAT),
                "three", info("three:0", INT, 3),
                "anything", infoOfUnknownRank("x:0", FLOAT)))
        .write(parent.resolve("notBatched"));
  }

  /**
   * {@code x} float (-1) to {@code y}, said to be float (-1), but the first row is missing in it.
   */
  public static Path wrongBatch(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("begin", intVector(1))
        .constant("size", intVector(-1))
        .add(
            "y",
            "Slice",
            List.of("x", "begin", "size"),
            Map.of("T", type(FLOAT), "Index", type(INT)))
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("wrongBatch"));
  }

  /**
   * {@code x} float (4) to {@code y} float (4): {@code y = 2 x}; the batch can't have another size
   * than 4 by the signature.
   */
  public static Path fixedBatch(Path parent) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("y", "Mul", FLOAT, "x", "two")
        .signature(SERVING, Map.of("x", info("x:0", FLOAT, 4)), Map.of("y", info("y:0", FLOAT, 4)))
        .write(parent.resolve("fixedBatch"));
  }

  /**
   * Batches of exactly 3 rows: {@code x} float (3, 2) and {@code s} float (3). Outputs:
   *
   * <ul>
   *   <li>{@code twice} float (3, 2): {@code 2 x}
   *   <li>{@code next} float (-1): {@code s + 1}
   *   <li>{@code deviation} float (3): {@code s} less the batch's first, so that rows know of each
   *       other
   *   <li>{@code less} float (-1): {@code s} without its first row, one too few
   *   <li>{@code pair} float (2): fixed to another size than the batch
   * </ul>
   */
  public static Path threeRows(Path parent) {
    Map<String, AttrValue> slice = Map.of("T", type(FLOAT), "Index", type(INT));
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .placeholder("s", FLOAT)
        .constant("two", floats(2))
        .constant("one", floats(1))
        .add("twice", "Mul", FLOAT, "x", "two")
        .add("next", "AddV2", FLOAT, "s", "one")
        .constant("zeroth", intVector(0))
        .constant("single", intVector(1))
        .constant("second", intVector(1))
        .constant("rest", intVector(-1))
        .add("first", "Slice", List.of("s", "zeroth", "single"), slice)
        .add("deviation", "Sub", FLOAT, "s", "first")
        .add("less", "Slice", List.of("s", "second", "rest"), slice)
        .signature(
            SERVING,
            Map.of("x", info("x:0", FLOAT, 3, 2), "s", info("s:0", FLOAT, 3)),
            Map.of(
                "twice", info("twice:0", FLOAT, 3, 2),
                "next", info("next:0", FLOAT, -1),
                "deviation", info("deviation:0", FLOAT, 3),
                "less", info("less:0", FLOAT, -1),
                "pair", info("less:0", FLOAT, 2)))
        .write(parent.resolve("threeRows"));
  }
}
