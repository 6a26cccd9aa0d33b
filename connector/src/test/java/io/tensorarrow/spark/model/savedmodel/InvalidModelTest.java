package io.tensorarrow.spark.model.savedmodel;

import static io.tensorarrow.spark.model.ModelTestBase.assertError;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.model.store.ModelFiles;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/** Directories that are no SavedModel, or an incomplete or malformed one. */
class InvalidModelTest {
  @TempDir Path temp;

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
    SavedModelEdits.edit(
        model, graph -> graph.getAssetFileDefBuilder(0).setFilename("../saved_model.pb"));
    assertCorrupt(model).contains("'../saved_model.pb'", "below 'assets'");
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
      SavedModelEdits.edit(model, graph -> graph.getAssetFileDefBuilder(0).setFilename(name));
      assertCorrupt(model).contains("the asset '" + name + "'", "below 'assets'");
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

  private static void pipe(Path file) throws IOException, InterruptedException {
    Files.delete(file);
    assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
  }
}
