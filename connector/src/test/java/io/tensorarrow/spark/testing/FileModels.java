package io.tensorarrow.spark.testing;

import static io.tensorarrow.spark.testing.GraphWriter.floats;
import static io.tensorarrow.spark.testing.GraphWriter.info;
import static io.tensorarrow.spark.testing.GraphWriter.texts;
import static io.tensorarrow.spark.testing.GraphWriter.type;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorProto;

/**
 * SavedModels that read or write files, which the check of operations refuses; like {@link
 * TestModels} otherwise.
 */
public final class FileModels {
  private static final DataType FLOAT = DataType.DT_FLOAT;
  private static final DataType INT = DataType.DT_INT32;
  private static final String SERVING = "serving_default";

  private FileModels() {}

  /**
   * {@code x} float (-1) to {@code y} float (-1): {@code x} plus the length of a file, which the
   * model reads at each call.
   *
   * @param file the file that it reads
   */
  public static Path readsFile(Path parent, Path file) {
    TensorProto name = texts(file.toString()).toBuilder().clearTensorShape().build();
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("name", name)
        .add("content", "ReadFile", List.of("name"), Map.of())
        .add("length", "StringLength", List.of("content"), Map.of())
        .add("more", "Cast", List.of("length"), Map.of("SrcT", type(INT), "DstT", type(FLOAT)))
        .add("y", "AddV2", FLOAT, "x", "more")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("readsFile"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1), {@code y = 2 x}; beside it a node that nothing
   * needs, whose shape is the content of a file.
   *
   * @param file the file
   */
  public static Path readsFileForNothing(Path parent, Path file) {
    return new GraphWriter()
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("y", "Mul", FLOAT, "x", "two")
        .constant("name", texts(file.toString()).toBuilder().clearTensorShape().build())
        .add("content", "ReadFile", List.of("name"), Map.of())
        .add("shape", "DecodeRaw", List.of("content"), Map.of("out_type", type(INT)))
        .add(
            "unused",
            "Reshape",
            List.of("x", "shape"),
            Map.of("T", type(FLOAT), "Tshape", type(INT)))
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("readsFileForNothing"));
  }

  /**
   * {@code x} float (-1) to {@code y} float (-1), {@code y = 2 x}, with an initialiser that writes
   * a file.
   *
   * @param file the file that it writes
   */
  public static Path writesFileWhenLoaded(Path parent, Path file) {
    GraphWriter graph = new GraphWriter();
    graph.constant("name", texts(file.toString()).toBuilder().clearTensorShape().build());
    graph.add("write", "WriteFile", List.of("name", "name"), Map.of());
    graph.meta.putCollectionDef(
        "legacy_init_op",
        CollectionDef.newBuilder()
            .setNodeList(CollectionDef.NodeList.newBuilder().addValue("write"))
            .build());
    return graph
        .placeholder("x", FLOAT)
        .constant("two", floats(2))
        .add("y", "Mul", FLOAT, "x", "two")
        .signature(
            SERVING, Map.of("x", info("x:0", FLOAT, -1)), Map.of("y", info("y:0", FLOAT, -1)))
        .write(parent.resolve("writesFileWhenLoaded"));
  }
}
