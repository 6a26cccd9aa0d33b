package io.tensorarrow.spark.model.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GetAllOpList;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_GraphVersions;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewBuffer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewGraph;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;

import com.google.protobuf.InvalidProtocolBufferException;
import io.tensorarrow.spark.model.natives.NativeLibraries;
import io.tensorarrow.spark.model.safety.OpKind.Reach;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpList;
import org.tensorflow.proto.VersionDef;

/** The table of operations, held against the bundled TensorFlow. */
class OpTableTest {
  private static final Map<String, OpDef> REGISTERED = new TreeMap<>();

  @BeforeAll
  static void readRegisteredOperations() throws InvalidProtocolBufferException {
    NativeLibraries.ensureLoaded(Optional.empty());
    TF_Buffer buffer = TF_GetAllOpList();
    try {
      OpList.parseFrom(buffer.dataAsByteBuffer())
          .getOpList()
          .forEach(op -> REGISTERED.put(op.getName(), op));
    } finally {
      TF_DeleteBuffer(buffer);
    }
  }

  private static boolean isFree(OpDef op) {
    return OpTable.find(op.getName()).orElseThrow().reach() == Reach.ANYONE;
  }

  private static SortedSet<String> names(Predicate<OpDef> wanted) {
    return REGISTERED.values().stream()
        .filter(wanted)
        .map(OpDef::getName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static OpDef.ArgDef firstInput(String op) {
    return Objects.requireNonNull(REGISTERED.get(op)).getInputArg(0);
  }

  @Test
  void eachRegisteredOperationIsClassifiedOnce() {
    assertThat(new TreeSet<>(OpTable.operations())).isEqualTo(new TreeSet<>(REGISTERED.keySet()));
  }

  @Test
  void tableFileIsSorted() throws IOException {
    try (InputStream file = OpTable.class.getResourceAsStream("ops.tsv")) {
      List<String> names =
          new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.startsWith("#"))
              .map(line -> line.substring(0, line.indexOf('\t')))
              .toList();
      assertThat(names).isSorted().hasSize(REGISTERED.size());
    }
  }

  @Test
  void graphVersionIsThatOfBundledTensorFlow() throws InvalidProtocolBufferException {
    TF_Graph graph = TF_NewGraph();
    TF_Buffer buffer = TF_NewBuffer();
    TF_Status status = TF_NewStatus();
    try {
      TF_GraphVersions(graph, buffer, status);
      assertThat(VersionDef.parseFrom(buffer.dataAsByteBuffer()).getProducer())
          .isEqualTo(OpTable.GRAPH_VERSION);
    } finally {
      TF_DeleteStatus(status);
      TF_DeleteBuffer(buffer);
      TF_DeleteGraph(graph);
    }
  }

  /** TensorFlow's own flag is no verdict, but whoever has it and computes is worth a look. */
  @Test
  void statefulOperationsAreNotClassifiedAsComputing() {
    assertThat(
            names(
                op ->
                    op.getIsStateful()
                        && OpTable.find(op.getName()).orElseThrow() == OpKind.COMPUTE))
        .containsExactly(
            "CheckNumerics",
            "CheckNumericsV2",
            "CudnnRNN",
            "CudnnRNNBackprop",
            "CudnnRNNBackpropV2",
            "CudnnRNNBackpropV3",
            "CudnnRNNV2",
            "CudnnRNNV3",
            "DeepCopy",
            "Empty",
            "GuaranteeConst",
            "XlaDequantize");
  }

  @Test
  void operationsWithFileOrAddressAreRestricted() {
    Predicate<String> telling =
        name ->
            name.matches(
                "(?i).*(file|path|directory|address|url|target|uri|prefix|logdir|driver|descriptor_source|memory_region).*");
    assertThat(
            names(
                op ->
                    isFree(op)
                        && (op.getInputArgList().stream()
                                .anyMatch(arg -> telling.test(arg.getName()))
                            || op.getAttrList().stream()
                                .anyMatch(
                                    attr ->
                                        attr.getType().contains("string")
                                            && telling.test(attr.getName())))))
        // Their targets are class numbers.
        .containsExactly("InTopK", "InTopKV2");
  }

  @Test
  void operationsThatChangeReferencesAreRestricted() {
    assertThat(
            names(
                op ->
                    isFree(op)
                        && op.getInputArgList().stream().anyMatch(OpDef.ArgDef::getIsRef)
                        && !op.getName().matches("Ref.*|Stack.*|TensorArray.*|LookupTable.*")))
        .containsExactly(
            "DebugGradientRefIdentity", "DestroyTemporaryVariable", "IsVariableInitialized");
  }

  /** Internal and TPU operations can't be imported or have no kernel to be evaluated with. */
  @Test
  void operationsEvaluatedOnImportCanBeDisarmed() {
    TreeSet<String> disarmed = new TreeSet<>(ConstantFoldingGuard.FIRST_INPUTS.keySet());
    disarmed.addAll(ConstantFoldingGuard.FIRST_INPUTS_OF_TYPE_T);
    disarmed.add(ConstantFoldingGuard.CONSTANT_FROM_FILE);
    assertThat(
            names(
                op -> {
                  OpKind kind = OpTable.find(op.getName()).orElseThrow();
                  return (kind.reach() == Reach.NOBODY || kind.reach() == Reach.WITHOUT_FILE)
                      && !List.of(OpKind.INTERNAL, OpKind.TPU, OpKind.SHARED, OpKind.DISTRIBUTED)
                          .contains(kind)
                      && !op.getIsStateful()
                      && op.getOutputArgCount() > 0
                      && op.getInputArgList().stream()
                          .noneMatch(arg -> arg.getIsRef() || arg.getType() == DataType.DT_VARIANT)
                      && !List.of(
                              "PyFuncStateless",
                              "MlirPassthroughOp",
                              "XlaCustomCall",
                              "XlaCustomCallV2")
                          .contains(op.getName());
                }))
        .isEqualTo(disarmed);
    ConstantFoldingGuard.FIRST_INPUTS.forEach(
        (op, type) -> assertThat(firstInput(op).getType()).as(op).isEqualTo(type));
    ConstantFoldingGuard.FIRST_INPUTS_OF_TYPE_T.forEach(
        op -> assertThat(firstInput(op).getTypeAttr()).as(op).isEqualTo("T"));
  }
}
