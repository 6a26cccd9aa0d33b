package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.testing.CheckpointWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorSliceProto;

/** Variables that checkpoints list, without Spark. */
class ModelVariablesTest extends VariablesTestBase {
  @Test
  void variablesHaveNamesOfTensorFlow() {
    assertThat(names(ZOO.resolve("keras2_lstm")))
        .contains("lstm/lstm_cell/recurrent_kernel", "next/bias");
    assertThat(names(ZOO.resolve("v1_names"))).containsExactly("scope/scale.x");
    assertThat(names(ZOO.resolve("jax_graph"))).containsExactly("parameters/w", "parameters/b");
  }

  @Test
  void variablesSavedTwiceByKerasAreListedOnce() {
    assertThat(names(ZOO.resolve("keras3_mixed")))
        .containsExactly("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias");
    // A table's keys are no variable of any object, and are listed under their path.
    assertThat(names(ZOO.resolve("keras3_text")))
        .contains("_misc_assets/1/.ATTRIBUTES/table-keys")
        .noneMatch(name -> name.startsWith("_all_variables"));
    new CheckpointWriter()
        .add("variables/0" + VALUE, new float[] {1}, 1)
        .add("_all_variables/0" + VALUE, new float[] {2}, 1)
        .names(Map.of("variables/0" + VALUE, "w", "_all_variables/0" + VALUE, "w"))
        .write(dir);
    assertThat(names(dir)).containsExactly("variables/0", "_all_variables/0");
  }

  @Test
  void ambiguousNameIsReplacedByPath() {
    new CheckpointWriter()
        .add("first" + VALUE, new float[] {0}, 1)
        .add("second" + VALUE, new float[] {0}, 1)
        .add("third" + VALUE, new float[] {0}, 1)
        .add("fourth" + VALUE, new float[] {0}, 1)
        .add("größe" + VALUE, new float[] {0}, 1)
        .add("fünf" + VALUE, new float[] {0}, 1)
        .names(
            Map.of(
                "first" + VALUE, "Variable",
                "second" + VALUE, "Variable",
                "third" + VALUE, "first",
                "fourth" + VALUE, "dense/kernel",
                "fünf" + VALUE, "five",
                "nowhere" + VALUE, "lost"))
        .write(dir);
    assertThat(names(dir))
        .containsExactly("first", "second", "third", "dense/kernel", "größe", "five");
  }

  @Test
  void partsOutsideTheirVariableAreRefused() {
    long[] dims = {4, 3, 1};
    TensorSliceProto half = slice(dims, 0, 0, 2);
    TensorSliceProto other = slice(dims, 0, 3, 2);
    CheckpointWriter missing =
        new CheckpointWriter().addParted("w", DataType.DT_INT8, List.of(half), dims);
    missing.write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining(
            "found a part that is not there for 'w' in variables/variables.index");
    missing.addRaw(PartKey.of("w", half), DataType.DT_INT8, new byte[6], 2, 3, 1).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found parts that are not all of its shape [4, 3, 1]");
    missing
        .addParted("w", DataType.DT_INT8, List.of(half, other), dims)
        .addRaw(PartKey.of("w", other), DataType.DT_INT8, new byte[6], 2, 3, 1)
        .write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found a part outside of its shape [4, 3, 1]");
  }

  @Test
  void inconsistentIndexIsRefused() {
    CheckpointWriter writer = new CheckpointWriter().add("w", new float[] {1, 2}, 2);
    writer.change("w", entry -> entry.setSize(7)).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found 7 bytes for a shape that takes 8 for 'w'");
    writer.change("w", entry -> entry.getShapeBuilder().getDimBuilder(0).setSize(-1)).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir)).hasMessageContaining("an incomplete shape");
    TensorShapeProto.Dim huge = TensorShapeProto.Dim.newBuilder().setSize(1L << 40).build();
    writer.change("w", entry -> entry.getShapeBuilder().clear().addDim(huge).addDim(huge));
    writer.write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir)).hasMessageContaining("no memory holds");
  }

  @Test
  void bigEndianCheckpointIsRefused() {
    new CheckpointWriter().bigEndian().add("w", new float[] {1}, 1).write(dir);
    fails(ErrorCode.TA_UNSUPPORTED, () -> list(dir))
        .hasMessageContaining("found a checkpoint in big-endian; expected an uncompressed one");
  }

  @Test
  void malformedObjectGraphIsRefused() {
    new CheckpointWriter().addStrings("_CHECKPOINTABLE_OBJECT_GRAPH", List.of("hello")).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found no graph of objects");
    new CheckpointWriter().add("_CHECKPOINTABLE_OBJECT_GRAPH", new float[] {1}).write(dir);
    fails(ErrorCode.TA_MODEL_CORRUPT, () -> list(dir))
        .hasMessageContaining("found no graph of objects");
  }

  @Test
  void modelWithoutCheckpointHasNoVariables() {
    assertThat(list(dir)).isEmpty();
  }
}
