package io.tensorarrow.spark.model.savedmodel;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.testing.ChildJvm;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;
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
        SavedModelFile.read(TestModels.notBatched(temp)).graph(SERVE).signature(Optional.empty());
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
    edit(
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
    edit(model, graph -> graph.getMetaInfoDefBuilder().addTags("gpu"));
    SavedModelFile file = SavedModelFile.read(model);
    assertThat(file.tagSets()).containsExactly(List.of("gpu", "serve"));
    assertThat(file.graph(List.of("serve", "gpu")).tags()).containsExactly("gpu", "serve");
    assertError(ErrorCode.TA_TAGS_NOT_FOUND, () -> file.graph(SERVE))
        .contains("'serve'", "'gpu,serve'");
  }

  @Test
  void missingModelErrorNamesNearestExistingPath() {
    Path missing = temp.resolve("no/such/model");
    assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> SavedModelFile.read(missing))
        .contains("'" + missing + "'", "the local file system", "up to '" + temp + "'");
    Path below = TestModels.scale(temp).resolve("saved_model.pb/1");
    assertNotFound(below).contains("nothing there", "saved_model.pb'");
    assertNotFound(temp.resolve("n".repeat(300))).contains("nothing there");
    assertNotFound(temp.resolve("nnn/".repeat(2000))).contains("nothing there");
  }

  @Test
  void otherFilesAndFormatsAreNamedInError() throws IOException {
    Path scale = TestModels.scale(temp);
    assertNotFound(scale.resolve("saved_model.pb")).contains("'" + scale + "'");
    assertNotFound(Files.createFile(temp.resolve("model.h5"))).contains("Keras HDF5", "export");
    assertNotFound(Files.createFile(temp.resolve("model.keras"))).contains("Keras archive");
    assertNotFound(Files.createFile(temp.resolve("model.tflite"))).contains("TensorFlow Lite");
    assertNotFound(Files.createFile(temp.resolve("model.onnx"))).contains("ONNX");
    assertNotFound(Files.createFile(temp.resolve("model.bin"))).contains("found a file");
    assertNotFound(Files.createDirectory(temp.resolve("empty"))).contains("an empty directory");
    Path text = Files.createDirectory(temp.resolve("text"));
    Files.createFile(text.resolve("saved_model.pbtxt"));
    assertNotFound(text).contains("found saved_model.pbtxt", "expected saved_model.pb");
    Path other = Files.createDirectory(temp.resolve("other"));
    Files.createFile(other.resolve("readme"));
    assertNotFound(other).contains("without saved_model.pb");
  }

  @Test
  void incompleteProtoIsRefused() throws IOException {
    Path model = TestModels.scale(temp);
    Path file = model.resolve("saved_model.pb");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    assertCorrupt(model).contains("of " + bytes.length / 2 + " bytes", "no SavedModel");
    Files.writeString(file, "hello world");
    assertCorrupt(model).contains("no SavedModel");
    // A stray end of a group is where a lenient parser stops, without the rest.
    Files.write(file, bytes);
    Files.write(file, new byte[] {0x6c}, StandardOpenOption.APPEND);
    assertCorrupt(model).contains("no SavedModel");
    Files.write(file, new byte[0]);
    assertCorrupt(model).contains("empty saved_model.pb");
    Files.write(file, SavedModel.newBuilder().setSavedModelSchemaVersion(1).build().toByteArray());
    assertCorrupt(model).contains("without graphs");
    Files.delete(file);
    Files.createDirectory(file);
    assertCorrupt(model).contains("a directory named saved_model.pb");
  }

  @Test
  void tooLargeOrTooDeepProtoIsRefused() throws IOException {
    Path model = TestModels.scale(temp);
    Path file = model.resolve("saved_model.pb");
    Files.write(file, deeplyNested());
    assertCorrupt(model).contains("too many levels of nesting");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(3L << 30);
    }
    assertCorrupt(model).contains("3221225472 bytes", "at most 2147483639");
  }

  @Test
  void protoLargerThanMemoryIsRefusedUnread() throws IOException {
    Path versions = temp.resolve("versions");
    TestModels.scaleBy(versions.resolve("1"), 2);
    Path large = TestModels.scaleBy(versions.resolve("2"), 3);
    long memory = Runtime.getRuntime().maxMemory();
    long size = memory / 3 + 1;
    try (RandomAccessFile sparse =
        new RandomAccessFile(large.resolve("saved_model.pb").toFile(), "rw")) {
      sparse.setLength(size);
    }
    assertCorrupt(large)
        .contains(size + " bytes in saved_model.pb", "the " + memory + " bytes", "spark.driver");
    // An older version would be a silent surprise.
    assertError(
            ErrorCode.TA_MODEL_CORRUPT,
            () -> ModelVersions.read(ModelFiles.local(versions), "latest"))
        .contains("Cannot read model '" + large + "'");
  }

  @Test
  void missingOrTruncatedVariablesAreRefused() throws IOException {
    Path index = Path.of("variables/variables.index");
    Path data = Path.of("variables/variables.data-00000-of-00001");

    Path noIndex = TestModels.mlp(temp.resolve("1"));
    Files.delete(noIndex.resolve(index));
    assertCorrupt(noIndex).contains("no variables/variables.index");

    Path noData = TestModels.mlp(temp.resolve("2"));
    Files.delete(noData.resolve(data));
    assertCorrupt(noData).contains("no variables/variables.data-00000-of-00001");

    Path halfIndex = TestModels.mlp(temp.resolve("3"));
    byte[] bytes = Files.readAllBytes(halfIndex.resolve(index));
    Files.write(halfIndex.resolve(index), Arrays.copyOf(bytes, bytes.length / 2));
    assertCorrupt(halfIndex).contains(bytes.length / 2 + " bytes", "cut off");
    Files.write(halfIndex.resolve(index), new byte[0]);
    assertCorrupt(halfIndex).contains("0 bytes", "cut off");

    Path oneOfTwo = TestModels.mlp(temp.resolve("4"));
    Files.move(oneOfTwo.resolve(data), oneOfTwo.resolve("variables/variables.data-00000-of-00002"));
    assertCorrupt(oneOfTwo).contains("no variables/variables.data-00000-of-00001");

    Path halfData = TestModels.mlp(temp.resolve("5"));
    long whole = Files.size(halfData.resolve(data));
    Files.write(halfData.resolve(data), new byte[100]);
    assertCorrupt(halfData)
        .contains("100 bytes in variables/variables.data-00000-of-00001", "expected " + whole);
  }

  @Test
  void missingAssetsAndAssetsOutsideModelAreRefused() throws IOException {
    Path model = TestModels.table(temp);
    Files.delete(model.resolve("assets/values.txt"));
    assertCorrupt(model).contains("no assets/values.txt");
    edit(model, graph -> graph.getAssetFileDefBuilder(0).setFilename("../saved_model.pb"));
    assertCorrupt(model).contains("'../saved_model.pb'", "below 'assets'");
  }

  @Test
  void fingerprintChangesWithContentNotWithTimes() throws IOException {
    Path table = TestModels.table(temp);
    String before = SavedModelFile.read(table).fingerprint();
    assertThat(before).matches("sha256:[0-9a-f]{64}");
    Path asset = table.resolve("assets/values.txt");
    Files.setLastModifiedTime(asset, FileTime.fromMillis(0));
    assertThat(SavedModelFile.read(table).fingerprint()).isEqualTo(before);
    Files.writeString(asset, "10\n20\n31\n");
    assertThat(SavedModelFile.read(table).fingerprint()).isNotEqualTo(before);

    Path mlp = TestModels.mlp(temp);
    String original = SavedModelFile.read(mlp).fingerprint();
    Path data = mlp.resolve("variables/variables.data-00000-of-00001");
    Files.write(data, new byte[1], StandardOpenOption.APPEND);
    assertThat(SavedModelFile.read(mlp).fingerprint()).isNotEqualTo(original);
  }

  @Test
  void fingerprintCoversAssetsBehindLinksInsideTheModel() throws IOException {
    Path model = TestModels.table(temp);
    Path elsewhere = Files.move(model.resolve("assets"), model.resolve("..data"));
    Files.createSymbolicLink(model.resolve("assets"), Path.of("..data"));
    String before = SavedModelFile.read(model).fingerprint();
    Files.writeString(elsewhere.resolve("values.txt"), "10\n20\n31\n");
    assertThat(SavedModelFile.read(model).fingerprint()).isNotEqualTo(before);

    Files.createSymbolicLink(elsewhere.resolve("loop"), elsewhere);
    assertCorrupt(model).contains("loop");
  }

  @Test
  void modelDirectoryMayBeALink() throws IOException {
    Path model = TestModels.mlp(temp.resolve("real"));
    Path link = Files.createSymbolicLink(temp.resolve("current"), model);
    assertThat(SavedModelFile.read(link).fingerprint())
        .isEqualTo(SavedModelFile.read(model).fingerprint());
  }

  @Test
  void linksOutOfModelAreRefused() throws IOException {
    for (String name :
        List.of(
            "saved_model.pb",
            "variables/variables.index",
            "variables/variables.data-00000-of-00001",
            "variables")) {
      Path model = TestModels.mlp(temp.resolve(name.replace('/', '-')));
      Path moved = Files.move(model.resolve(name), temp.resolve("moved-" + name.replace('/', '-')));
      Files.createSymbolicLink(model.resolve(name), moved);
      assertCorrupt(model).contains(name, "a link that leads out of the model", "'cp -rL'");
    }
    Path model = TestModels.table(temp.resolve("t"));
    Path secret = Files.writeString(temp.resolve("secret"), "1\n2\n3\n");
    Files.delete(model.resolve("assets/values.txt"));
    Files.createSymbolicLink(model.resolve("assets/values.txt"), secret);
    assertCorrupt(model).contains("assets/values.txt", "a link that leads out of the model");
  }

  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void pipesAndDirectoriesInPlaceOfFilesAreRefused() throws Exception {
    Path model = TestModels.mlp(temp);
    pipe(model.resolve("variables/variables.index"));
    assertCorrupt(model).contains("variables.index", "expected a file");
    pipe(model.resolve("saved_model.pb"));
    assertCorrupt(model).contains("no file", "saved_model.pb", "expected a file");
  }

  @Test
  void malformedAssetNamesAreRefused() throws IOException {
    Path model = TestModels.table(temp);
    for (String name : List.of("", ".", "/etc/passwd", "a\0b")) {
      edit(model, graph -> graph.getAssetFileDefBuilder(0).setFilename(name));
      assertCorrupt(model).contains("the asset '" + name + "'", "below 'assets'");
    }
  }

  @Test
  void unsupportedSignatureLeavesOthersUsable() throws IOException {
    Path model = TestModels.scale(temp);
    edit(
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
    edit(model, graph -> graph.clearSignatureDef());
    ModelGraph graph = SavedModelFile.read(model).graph(SERVE);
    assertError(ErrorCode.TA_SIGNATURE_NOT_FOUND, () -> graph.signature(Optional.empty()))
        .contains("found none", "saved with signatures");
  }

  @Test
  void repeatedTagsCountOnce() throws IOException {
    Path model = TestModels.scale(temp);
    edit(model, graph -> graph.getMetaInfoDefBuilder().addTags("serve"));
    assertThat(SavedModelFile.read(model).graph(SERVE).tags()).containsExactly("serve");
  }

  @Test
  void copiesOfModelHaveSameFingerprint() {
    assertThat(SavedModelFile.read(TestModels.mlp(temp.resolve("a"))).fingerprint())
        .isEqualTo(SavedModelFile.read(TestModels.mlp(temp.resolve("b"))).fingerprint());
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

  private static AbstractStringAssert<?> assertNotFound(Path path) {
    return assertError(ErrorCode.TA_MODEL_NOT_FOUND, () -> SavedModelFile.read(path));
  }

  private static AbstractStringAssert<?> assertCorrupt(Path path) {
    return assertError(ErrorCode.TA_MODEL_CORRUPT, () -> SavedModelFile.read(path));
  }

  /** Nests function attributes in each other, deeper than TensorFlow itself would read. */
  private static byte[] deeplyNested() {
    AttrValue attr = AttrValue.getDefaultInstance();
    for (int i = 0; i < 200; i++) {
      NameAttrList function = NameAttrList.newBuilder().setName("f").putAttr("a", attr).build();
      attr = AttrValue.newBuilder().setFunc(function).build();
    }
    NodeDef node = NodeDef.newBuilder().putAttr("deep", attr).build();
    GraphDef graph = GraphDef.newBuilder().addNode(node).build();
    return SavedModel.newBuilder()
        .addMetaGraphs(MetaGraphDef.newBuilder().setGraphDef(graph))
        .build()
        .toByteArray();
  }

  private List<TensorSpec> outputsOf(TensorInfo.Builder output) throws IOException {
    Path model = TestModels.scale(temp);
    edit(model, graph -> graph.putSignatureDef("only", returning(output)));
    return SavedModelFile.read(model).graph(SERVE).signature(Optional.of("only")).outputs();
  }

  private static SignatureDef returning(TensorInfo.Builder output) {
    return SignatureDef.newBuilder().putOutputs("z", output.build()).build();
  }

  private static void pipe(Path file) throws IOException, InterruptedException {
    Files.delete(file);
    assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
  }

  private static void edit(Path model, Consumer<MetaGraphDef.Builder> change) throws IOException {
    Path file = model.resolve("saved_model.pb");
    SavedModel.Builder builder = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    change.accept(builder.getMetaGraphsBuilder(0));
    Files.write(file, builder.build().toByteArray());
  }
}
