package io.tensorarrow.spark.model.eager;

import static io.tensorarrow.spark.testing.Tensors.close;
import static io.tensorarrow.spark.testing.Tensors.floats;
import static io.tensorarrow.spark.testing.Tensors.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

class EagerCallErrorsTest extends EagerCallTestBase {
  @Test
  void failedCallQuotesModelAndNextCallWorks() {
    Path model = FailingModels.failing(temp);
    try (ModelLease lease = lease(model);
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      for (int i = 0; i < 100; i++) {
        assertError(ErrorCode.TA_MODEL_RUN, () -> run(call, ints(new int[] {5, 0}, 2)))
            .contains("division by zero", model.toString(), "'serving_default'", "expected");
      }
      List<NativeTensor> y = run(call, ints(new int[] {5}, 1));
      assertThat(ints(y.get(0))).containsExactly(20);
      close(y);
    }
  }

  @Test
  void unrestoredVariableErrorNamesRemedy() {
    try (ModelLease lease = lease(FailingModels.unrestored(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertError(ErrorCode.TA_MODEL_RUN, () -> run(call, floats(new float[] {1}, 1)))
          .contains(
              "weight",
              "Keras 3",
              "tf.Module",
              "tf.saved_model.save",
              "save it with model.export(), or track variable.value");
    }
    try (ModelLease lease = lease(FailingModels.uninitialised(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertError(ErrorCode.TA_MODEL_RUN, () -> run(call, floats(new float[] {1}, 1)))
          .contains("weight", "every variable restored or initialised");
    }
  }

  @Test
  void outOfMemoryErrorNamesRemedyAndNextCallWorks() {
    try (ModelLease lease = lease(FailingModels.huge(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      for (int i = 0; i < 3; i++) {
        assertError(ErrorCode.TA_MODEL_RUN, () -> run(call, floats(new float[] {1L << 42}, 1)))
            .contains(
                "[4398046511104]", "float", "lower batchRows", "spark.executor.memoryOverhead");
        List<NativeTensor> y = run(call, floats(new float[] {3}, 1));
        assertThat(floats(y.get(0))).containsExactly(3, 3, 3);
        close(y);
      }
    }
  }

  @Test
  void missingKernelErrorNamesOperation() {
    try (ModelLease lease = lease(FailingModels.removedKernel(temp));
        EagerCall call = lease.newCall(SERVING, List.of("bucket"))) {
      assertError(ErrorCode.TA_MODEL_RUN, () -> run(call, floats(new float[] {1}, 1)))
          .contains("BoostedTreesBucketize", "TensorFlow 2.18 has a kernel for on CPUs");
    }
  }

  @Test
  void feedsOfOtherDtypeOrNumberAreRefused() {
    try (ModelLease lease = lease(TestModels.scale(temp));
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertError(ErrorCode.TA_INPUT_TYPE, () -> run(call, ints(new int[] {1}, 1)))
          .contains("found int32 (1,)", "expected 'x' float32 (-1,)");
      assertThatThrownBy(() -> run(call)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void unknownSignaturesAndOutputsAreRefused() {
    try (ModelLease lease = lease(TestModels.kinds(temp))) {
      assertError(
              ErrorCode.TA_SIGNATURE_NOT_FOUND, () -> lease.newCall("serving", List.of("f_sum")))
          .contains("'serving'", "'serving_default'");
      assertError(ErrorCode.TA_OUTPUT_MISMATCH, () -> lease.newCall(SERVING, List.of("f_som")))
          .contains("'f_som'", "found outputs 'f_sum'");
      assertError(
              ErrorCode.TA_OUTPUT_MISMATCH, () -> lease.newCall(SERVING, List.of("f_sum", "f_sum")))
          .contains("'f_sum'", "twice");
    }
  }

  @Test
  void closedLeaseAndCallAreRefused() {
    ModelLease lease = lease(TestModels.scale(temp));
    EagerCall call = lease.newCall(SERVING, List.of("y"));
    lease.close();
    lease.close();
    assertThatThrownBy(() -> lease.newCall(SERVING, List.of("y")))
        .isInstanceOf(IllegalStateException.class);
    close(run(call, floats(new float[] {1}, 1)));
    call.close();
    call.close();
    assertThatThrownBy(() -> run(call, floats(new float[] {1}, 1)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void unsupportedSignatureLeavesOthersUsable() throws IOException {
    Path model = TestModels.scale(temp);
    Path file = model.resolve("saved_model.pb");
    SavedModel.Builder proto = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    TensorInfo newer = TensorInfo.newBuilder().setName("y:0").setDtypeValue(99).build();
    proto
        .getMetaGraphsBuilder(0)
        .putSignatureDef("new", SignatureDef.newBuilder().putOutputs("z", newer).build());
    Files.write(file, proto.build().toByteArray());
    try (ModelLease lease = lease(model);
        EagerCall call = lease.newCall(SERVING, List.of("y"))) {
      assertError(ErrorCode.TA_TENSOR_UNSUPPORTED, () -> lease.newCall("new", List.of("z")))
          .contains("'z'", "no plain tensor");
      List<NativeTensor> y = run(call, floats(new float[] {1}, 1));
      assertThat(floats(y.get(0))).containsExactly(2);
      close(y);
    }
  }
}
