package io.tensorarrow.spark.model.savedmodel;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

class SavedModelFileTest {
  @TempDir Path temp;

  private static final List<String> SERVE = List.of("serve");

  @Test
  void signaturesAreReadWithInputsAndOutputs() {
    ModelGraph graph = SavedModelFile.read(TestModels.kinds(temp)).graph(SERVE);
    ModelSignature signature = graph.signature(Optional.empty());
    assertThat(graph.tags()).containsExactly("serve");
    assertThat(graph.tensorFlowVersion()).isEqualTo("2.18.0");
    assertThat(signature.name()).isEqualTo("serving_default");
    assertThat(signature.method()).isEqualTo("tensorflow/serving/predict");
    assertThat(signature.inputs())
        .containsExactly(
            new TensorSpec("d", DType.FLOAT64, TensorShape.of(-1)),
            new TensorSpec("f", DType.FLOAT32, TensorShape.of(-1, 4)),
            new TensorSpec("i", DType.INT32, TensorShape.of(-1, 2, 3)),
            new TensorSpec("l", DType.INT64, TensorShape.of(-1)));
    assertThat(signature.outputs())
        .contains(
            new TensorSpec("f_grid", DType.FLOAT32, TensorShape.of(-1, -1, -1)),
            new TensorSpec("l_single", DType.INT64, TensorShape.of(-1, 1)))
        .isSortedAccordingTo((a, b) -> a.name().compareTo(b.name()));
  }

  @Test
  void scalarsDifferFromUnknownRank() {
    ModelSignature signature =
        SavedModelFile.read(BatchModels.notBatched(temp)).graph(SERVE).signature(Optional.empty());
    assertThat(signature.outputs())
        .contains(
            new TensorSpec("total", DType.FLOAT32, TensorShape.of()),
            new TensorSpec("anything", DType.FLOAT32, TensorShape.unknownRank()));
  }

  @Test
  void initialiserIsNoSignature() {
    ModelGraph graph = SavedModelFile.read(TestModels.function(temp)).graph(SERVE);
    assertThat(graph.signatures())
        .extracting(ModelSignature::name)
        .containsExactly("serving_default");
  }

  @Test
  void signatureIsFoundByNameOrIfItIsTheOnlyOne() throws IOException {
    ModelGraph two = SavedModelFile.read(TestModels.twoSignatures(temp)).graph(SERVE);
    assertThat(two.signature(Optional.of("half")).name()).isEqualTo("half");
    assertError(ErrorCode.TA_SIGNATURE_NOT_FOUND, () -> two.signature(Optional.empty()))
        .contains("'double'", "'half'");
    assertError(ErrorCode.TA_SIGNATURE_NOT_FOUND, () -> two.signature(Optional.of("hafl")))
        .contains("'hafl'", "found 'half', 'double'");

    Path only = TestModels.scale(temp);
    SavedModelEdits.edit(
        only,
        graph ->
            graph
                .putSignatureDef("only", graph.getSignatureDefOrThrow("serving_default"))
                .removeSignatureDef("serving_default"));
    assertThat(SavedModelFile.read(only).graph(SERVE).signature(Optional.empty()).name())
        .isEqualTo("only");
  }

  @Test
  void graphIsFoundByItsTags() throws IOException {
    Path model = TestModels.scale(temp);
    SavedModelEdits.edit(model, graph -> graph.getMetaInfoDefBuilder().addTags("gpu"));
    SavedModelFile file = SavedModelFile.read(model);
    assertThat(file.tagSets()).containsExactly(List.of("gpu", "serve"));
    assertThat(file.graph(List.of("serve", "gpu")).tags()).containsExactly("gpu", "serve");
    assertError(ErrorCode.TA_TAGS_NOT_FOUND, () -> file.graph(SERVE))
        .contains("'serve'", "'gpu,serve'");
  }

  @Test
  void unsupportedSignatureLeavesOthersUsable() throws IOException {
    Path model = TestModels.scale(temp);
    SavedModelEdits.edit(
        model,
        graph ->
            graph
                .putSignatureDef("__saved_model_train_op", returning(TensorInfo.newBuilder()))
                .putSignatureDef("new", returning(TensorInfo.newBuilder().setDtypeValue(99))));
    ModelGraph graph = SavedModelFile.read(model).graph(SERVE);
    assertThat(graph.signatures())
        .extracting(ModelSignature::name)
        .containsExactly("new", "serving_default");
    assertThat(graph.signature(Optional.empty()).outputs()).hasSize(1);
    assertThat(graph.signature(Optional.of("new")).outputs())
        .containsExactly(new TensorSpec("z", DType.VARIANT, TensorShape.unknownRank()));
  }

  @Test
  void sparseTensorsHaveThreeDenseParts() throws IOException {
    TensorInfo.CooSparse names =
        TensorInfo.CooSparse.newBuilder()
            .setIndicesTensorName("x:0")
            .setValuesTensorName("x:0")
            .setDenseShapeTensorName("x:0")
            .build();
    TensorInfo.Builder matrix =
        TensorInfo.newBuilder().setCooSparse(names).setDtype(DataType.DT_FLOAT);
    matrix.getTensorShapeBuilder().addDimBuilder().setSize(-1);
    matrix.getTensorShapeBuilder().addDimBuilder().setSize(5);
    assertThat(outputsOf(matrix))
        .containsExactly(new TensorSpec("z", DType.FLOAT32, TensorShape.of(-1, 5), true));
    assertThat(outputsOf(matrix).get(0).parts())
        .containsExactly(
            new TensorSpec("z/dense_shape", DType.INT64, TensorShape.of(2)),
            new TensorSpec("z/indices", DType.INT64, TensorShape.of(-1, 2)),
            new TensorSpec("z/values", DType.FLOAT32, TensorShape.of(-1)));
    matrix.getTensorShapeBuilder().clear().setUnknownRank(true);
    assertThat(outputsOf(matrix).get(0).parts())
        .containsExactly(
            new TensorSpec("z/dense_shape", DType.INT64, TensorShape.of(-1)),
            new TensorSpec("z/indices", DType.INT64, TensorShape.of(-1, -1)),
            new TensorSpec("z/values", DType.FLOAT32, TensorShape.of(-1)));
  }

  @Test
  void modelWithoutSignaturesIsAnError() throws IOException {
    Path model = TestModels.scale(temp);
    SavedModelEdits.edit(model, graph -> graph.clearSignatureDef());
    ModelGraph graph = SavedModelFile.read(model).graph(SERVE);
    assertError(ErrorCode.TA_SIGNATURE_NOT_FOUND, () -> graph.signature(Optional.empty()))
        .contains("found none", "saved with signatures");
  }

  @Test
  void repeatedTagsCountOnce() throws IOException {
    Path model = TestModels.scale(temp);
    SavedModelEdits.edit(model, graph -> graph.getMetaInfoDefBuilder().addTags("serve"));
    assertThat(SavedModelFile.read(model).graph(SERVE).tags()).containsExactly("serve");
  }

  @Test
  void readingModelLoadsNoNativeCode() throws Exception {
    Path model = TestModels.mlp(temp);
    Path classes = temp.resolve("classes.txt");
    ChildJvm.Result result =
        ChildJvm.run(
            List.of("-Xlog:class+load:file=" + classes), ReadProbe.class, model.toString());
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains(SavedModelFile.read(model).fingerprint());
    assertThat(result.output()).doesNotContain("libtensorflow");
    String loaded = Files.readString(classes);
    assertThat(loaded).contains("org.tensorflow.proto.SavedModel");
    assertThat(loaded).doesNotContain("org.bytedeco", "org.tensorflow.internal");
  }

  /** Reads a model and prints its fingerprint and the files that are mapped into the process. */
  static final class ReadProbe {
    private ReadProbe() {}

    public static void main(String[] args) throws IOException {
      SavedModelFile file = SavedModelFile.read(Path.of(args[0]));
      file.graph(SERVE).signatures();
      System.out.println(file.fingerprint());
      System.out.println(Files.readString(Path.of("/proc/self/maps")));
    }
  }

  private List<TensorSpec> outputsOf(TensorInfo.Builder output) throws IOException {
    Path model = TestModels.scale(temp);
    SavedModelEdits.edit(model, graph -> graph.putSignatureDef("only", returning(output)));
    return SavedModelFile.read(model).graph(SERVE).signature(Optional.of("only")).outputs();
  }

  private static SignatureDef returning(TensorInfo.Builder output) {
    return SignatureDef.newBuilder().putOutputs("z", output.build()).build();
  }
}
