package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.UncheckedGraphs;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.testing.TestModels;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/** Which operations are refused, in which parts of a graph, and how {@code allowOps} names them. */
class OpPolicyTest extends OpPolicyTestBase {
  private static final NodeDef X = node("x", "Placeholder");

  @ParameterizedTest
  @CsvSource({
    "ReadFile, reads or writes files",
    "WriteFile, reads or writes files",
    "MatchingFiles, reads or writes files",
    "WholeFileReaderV2, reads or writes files",
    "ImmutableConst, reads or writes files",
    "TextLineDataset, reads or writes files",
    "SaveV2, writes a checkpoint",
    "RestoreV2, reads a checkpoint",
    "InitializeTableFromTextFileV2, fills a table from a file",
    "PyFunc, needs Python",
    "EagerPyFunc, needs Python",
    "DatasetFromGraph, a serialized program",
    "XlaCallModule, a serialized program",
    "XlaCustomCallV2, native code",
    "RemoteCall, other devices or processes",
    "CollectiveReduce, other devices or processes",
    "RpcClient, network",
    "DataServiceDatasetV4, network",
    "Print, prints",
    "PrintV2, prints",
    "WriteScalarSummary, event files",
    "DumpTensor, debugger",
    "AssignAddVariableOp, 'changes variables, which outlive the call (initialisers may)'",
    "AssignAdd, changes variables",
    "ResourceScatterUpdate, changes variables",
    "LookupTableInsertV2, 'changes tables, which outlive the call (initialisers may)'",
    "QueueDequeueV2, state that calls share",
    "MapStage, state that calls share",
    "BatchFunction, state that calls share",
    "InplaceUpdate, overwrites the tensor",
    "Abort, ends or configures the process",
    "TPUExecute, TPU",
    "_Send, only while it runs"
  })
  void operationsThatReachOutsideTensorsAreRefused(String op, String touches) {
    refuses(model(graph(X, node("bad", op, "x"), node("y", "Identity", "bad"))))
        .startsWith(
            "[TA_OP_NOT_ALLOWED] Cannot run signature 'serving_default' of model '"
                + dir.resolve("model")
                + "': found operation '"
                + op
                + "', which ")
        .contains(touches, "reached by serving_default > bad; expected", "allowOps='" + op + "'")
        .contains("spark.tensorarrow.allowOps.max");
    refuses(model(graph(X, node("bad", op), node("y", "Identity", "x", "^bad")))).contains(touches);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Assert",
        "RandomUniform",
        "StatefulUniform",
        "LookupTableFindV2",
        "HashTableV2",
        "MutableHashTableV2",
        "LookupTableExportV2",
        "VarHandleOp",
        "ReadVariableOp",
        "VarIsInitializedOp",
        "ResourceGather",
        "VariableV2",
        "IsVariableInitialized",
        "TemporaryVariable",
        "ParseExampleV2",
        "ParseTensor",
        "DecodeJpeg",
        "DecodeCSV",
        "DecodeProtoV2",
        "RegexReplace",
        "StringSplitV2",
        "UnicodeTranscode",
        "TensorArrayV3",
        "TensorArrayWriteV3",
        "TensorListReserve",
        "StackPushV2",
        "Switch",
        "Merge",
        "Enter",
        "LoopCond",
        "NoOp",
        "PlaceholderWithDefault",
        "CheckNumerics",
        "ScalarSummary",
        "ShardedFilename",
        "RaggedTensorToTensor",
        "TensorScatterUpdate",
        "DeviceIndex",
        "ReduceDataset",
        "OptionalFromValue",
        "DebugGradientIdentity",
        "FakeQuantWithMinMaxVars",
        "_FusedConv2D"
      })
  void operationsThatServingNeedsAreAllowed(String op) {
    passes(model(graph(X, node("good", op, "x"), node("y", "Identity", "good"))));
  }

  @Test
  void unreachedOperationsAreIgnored() {
    passes(model(graph(X, Y, node("save", "SaveV2", "x"), node("merge", "MergeV2Checkpoints"))));
    passes(model(withFunctions(graph(X, Y), function("unused", List.of(), node("f", "ReadFile")))));
    MetaGraphDef.Builder fedInTheMiddle =
        model(graph(node("file", "ReadFile"), node("x", "DecodeRaw", "file"), Y));
    passes(fedInTheMiddle);
  }

  @Test
  void operationsOfOtherSignaturesAreIgnored() {
    MetaGraphDef.Builder model =
        model(
            graph(
                X,
                Y,
                node("step", "AssignAddVariableOp", "x"),
                node("loss", "Identity", "x", "^step")));
    model.putSignatureDef("train", signature("x:0", "loss:0"));
    passes(model);
    Path directory = saved(model);
    TensorArrowException error =
        catchThrowableOfType(
            TensorArrowException.class,
            () ->
                UncheckedGraphs.read(directory, List.of("serve"))
                    .checkOps(List.of(), "train", OUTPUTS));
    assertThat(error)
        .hasMessageContaining("'AssignAddVariableOp'")
        .hasMessageContaining("train > step");
  }

  @Test
  void operationsOfUnfetchedOutputsAreIgnored() {
    MetaGraphDef.Builder model =
        model(graph(X, Y, node("log", "PrintV2", "x"), node("z", "Identity", "^log")));
    model.putSignatureDef(
        SERVING, signature("x:0", "y:0").toBuilder().putOutputs("z", tensor("z:0")).build());
    passes(model);
    Path directory = saved(model);
    assertThatCode(
            () ->
                UncheckedGraphs.read(directory, List.of("serve"))
                    .checkOps(List.of(), SERVING, List.of("y", "z")))
        .hasMessageContaining("'PrintV2'");
  }

  @Test
  void operationsOfOtherTagSetsAreIgnored() {
    MetaGraphDef.Builder training = model(graph(X, node("y", "WriteFile", "x")));
    training.getMetaInfoDefBuilder().clearTags().addTags("train");
    Path directory = saved(model(graph(X, Y)), training);

    UncheckedGraphs.read(directory, List.of("serve")).checkOps(List.of(), SERVING, OUTPUTS);
    assertThatCode(
            () ->
                UncheckedGraphs.read(directory, List.of("train"))
                    .checkOps(List.of(), SERVING, OUTPUTS))
        .hasMessageContaining("'WriteFile'");
  }

  @Test
  void errorNamesAllOperationsToAllow() {
    MetaGraphDef.Builder model =
        model(
            graph(
                X,
                node("r", "ReadFile", "x"),
                node("w", "WriteFile", "r"),
                node("y", "Identity", "r", "^w")));
    refuses(model).contains("allowOps='").containsAnyOf("ReadFile,WriteFile", "WriteFile,ReadFile");
    passes(model, "ReadFile", "WriteFile");
    assertThatCode(() -> check(model, "ReadFile")).hasMessageContaining("'WriteFile'");
  }

  @Test
  void attributesThatNameFilesAreRefused() {
    NodeDef decode = node("decode", "DecodeProtoV2", "x");
    NodeDef y = node("y", "Identity", "decode");
    passes(model(graph(X, y, text(decode, "descriptor_source", "local://"))));
    passes(model(graph(X, y, text(decode, "descriptor_source", "bytes://abc"))));
    refuses(model(graph(X, y, text(decode, "descriptor_source", "/etc/passwd"))))
        .contains("reads the file that its attribute names");
  }

  @Test
  void modelsOfTestsAndExamplesAreAllowed() {
    for (Path model :
        List.of(
            TestModels.scale(dir),
            TestModels.mlp(dir),
            TestModels.kinds(dir),
            TestModels.function(dir),
            TestModels.table(dir),
            TestModels.strings(dir),
            Path.of("../examples/models/digits"),
            Path.of("../integration-tests/src/test/resources/models/features"))) {
      var graph = SavedModelFile.read(model).graph(List.of("serve"));
      graph
          .signatures()
          .forEach(
              signature ->
                  graph.checkOps(
                      List.of(),
                      signature.name(),
                      signature.outputs().stream().map(output -> output.name()).toList()));
    }
  }
}
