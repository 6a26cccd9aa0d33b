package io.tensorarrow.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.options.ReadOptions;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Signatures against tables; nothing is run. */
class SignatureBinderTest {
  private static final TensorSpec X = floats("x", -1);
  private static final TensorSpec Y = floats("y", -1);

  @AfterEach
  void namesMatchIgnoringCaseByDefault() {
    SQLConf.get().unsetConf("spark.sql.caseSensitive");
  }

  private static TensorSpec floats(String name, long... dims) {
    return new TensorSpec(name, DType.FLOAT32, TensorShape.of(dims));
  }

  private static TensorSpec sparse(String name, long... dims) {
    return new TensorSpec(name, DType.FLOAT32, TensorShape.of(dims), true);
  }

  private static ModelSignature signature(List<TensorSpec> inputs, List<TensorSpec> outputs) {
    return new ModelSignature("s", "", inputs, outputs);
  }

  private static InferenceSpec bind(
      ModelSignature signature, String columns, Map<String, String> options) {
    return bind(signature, StructType.fromDDL(columns), options);
  }

  private static InferenceSpec bind(
      ModelSignature signature, StructType columns, Map<String, String> options) {
    return new SignatureBinder(new ModelReference("/m", "f", List.of("serve")), signature, columns)
        .bind(ReadOptions.of(new CaseInsensitiveStringMap(options)));
  }

  private static String fed(String columns, String inputs) {
    return bind(signature(List.of(X), List.of(Y)), columns, Map.of("inputs", inputs))
        .inputs()
        .get(0)
        .column()
        .parts()
        .toString();
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> binding(
      ModelSignature signature, String columns, Map<String, String> options, ErrorCode code) {
    return assertThatThrownBy(() -> bind(signature, columns, options))
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageStartingWith("[" + code + "] Cannot ");
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> feeding(
      String columns, String inputs) {
    return binding(
        signature(List.of(X), List.of(Y)),
        columns,
        Map.of("inputs", inputs),
        ErrorCode.TA_INPUT_MISMATCH);
  }

  @Test
  void columnNameWithDotsWinsOverStructField() {
    String table =
        "`a.b` float, a struct<b: float, `c.d`: float, e: struct<f: float>>, `b``c` float";

    assertThat(fed(table, "x=a.b")).isEqualTo("[a.b]");
    assertThat(fed(table, "x=A.B")).isEqualTo("[a.b]");
    assertThat(fed(table, "x=`a.b`")).isEqualTo("[a.b]");
    assertThat(fed(table, "x=`a`.b")).isEqualTo("[a, b]");
    assertThat(fed(table, "x=a.`c.d`")).isEqualTo("[a, c.d]");
    assertThat(fed(table, "x=a.e.f")).isEqualTo("[a, e, f]");
    assertThat(fed(table, "x=A.E.F")).isEqualTo("[a, e, f]");
    assertThat(fed(table, "x=`b``c`")).isEqualTo("[b`c]");
    assertThat(fed(table, "{\"x\": [\"a\", \"b\"]}")).isEqualTo("[a, b]");
    assertThat(fed(table, "{\"x\": [\"a.b\"]}")).isEqualTo("[a.b]");
    assertThat(fed(table, "{\"x\": \"a.`c.d`\"}")).isEqualTo("[a, c.d]");
  }

  @Test
  void namesThatDifferInCaseAreAmbiguousUnlessSparkIsCaseSensitive() {
    feeding("v float, V float, s struct<w: float, W: float>", "x=v")
        .hasMessageContaining("ambiguous: {'x' float32 (-1,) (columns 'v', 'V')}");
    feeding("v float, s struct<w: float, W: float>", "x=s.w")
        .hasMessageContaining("(columns 's.w', 's.W')");

    SQLConf.get().setConfString("spark.sql.caseSensitive", "true");
    assertThat(fed("v float, V float", "x=V")).isEqualTo("[V]");
    assertThat(fed("s struct<w: float, W: float>", "x=s.W")).isEqualTo("[s, W]");
    feeding("v float", "x=V").hasMessageContaining("no column 'V' (did you mean 'v'?)");
  }

  @Test
  void missingFieldIsReportedBelowItsLastExistingParent() {
    String table = "pixels array<float>, features struct<pixels: float, label: int>";

    feeding(table, "x=pixel").hasMessageContaining("no column 'pixel' (did you mean 'pixels'?)");
    feeding(table, "x=feature.pixels")
        .hasMessageContaining("no column 'feature.pixels' (did you mean 'features'?)");
    feeding(table, "x=features.pixls")
        .hasMessageContaining("no field 'pixls' in column 'features' (did you mean 'pixels'?)");
    feeding(table, "x=features.label.a")
        .hasMessageContaining(
            "no field 'a' in column 'features.label' of type int, which is no struct");
    feeding(table, "x=`features.pixels`").hasMessageContaining("no column 'features.pixels'");
  }

  @Test
  void exactTensorNameWinsOverOneOfOtherCase() {
    ModelSignature cased = signature(List.of(floats("n", -1), floats("N", -1)), List.of(Y));
    InferenceSpec spec = bind(cased, "a float, b float", Map.of("inputs", "N=a, n=b"));
    assertThat(spec.inputs().stream().map(f -> f.tensor().name() + "<-" + f.column()))
        .containsExactly("n<-b", "N<-a");

    ModelSignature more = signature(List.of(floats("ab", -1), floats("Ab", -1)), List.of(X, Y));
    binding(more, "a float", Map.of("inputs", "AB=a"), ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("ambiguous: {'AB' ('ab' float32 (-1,), 'Ab' float32 (-1,))}");

    assertThat(
            bind(signature(List.of(X), List.of(Y)), "x float", Map.of("outputs", "Y=b"))
                .outputs()
                .get(0)
                .tensor())
        .isEqualTo(Y);
  }

  @Test
  void sparseOutputsAreSkippedOrRefusedIfNamed() {
    ModelSignature sparse = signature(List.of(X), List.of(sparse("v", -1, 5), Y));

    assertThat(bind(sparse, "x float", Map.of()).outputs().stream().map(f -> f.tensor().name()))
        .containsExactly("y");
    binding(sparse, "x float", Map.of("outputs", "v"), ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining(
            "Cannot fetch tensor 'v' sparse float32 (-1, 5): found a sparse tensor, which has no line for each row (tf.sparse.to_dense in the signature gives it them)");
    binding(sparse, "x float", Map.of("outputs", "v/values"), ErrorCode.TA_OUTPUT_MISMATCH)
        .hasMessageContaining("extra: {'v/values'");
    binding(
            signature(List.of(X), List.of(sparse("v", -1, 5))),
            "x float",
            Map.of(),
            ErrorCode.TA_OUTPUT_MISMATCH)
        .hasMessageContaining("none that gives a value for each row: {'v' sparse float32");
  }

  @Test
  void sparseInputsAreFedFromTheColumnOfTheirName() {
    ModelSignature sparse = signature(List.of(sparse("v", -1, 5), X), List.of(Y));

    InferenceSpec spec = bind(sparse, "x float, V map<int, float>", Map.of());
    assertThat(spec.inputs().stream().map(f -> f.tensor() + "<-" + f.column()))
        .containsExactly("'v' sparse float32 (-1, 5)<-V", "'x' float32 (-1,)<-x");
    assertThat(spec.batch().rows()).isEqualTo(1024);
    binding(sparse, "x float, v map<string, float>", Map.of(), ErrorCode.TA_INPUT_TYPE)
        .hasMessageContaining(
            "Cannot feed column 'v' to tensor 'v' sparse float32 (-1, 5): found type map<string,float>");
    binding(
            sparse,
            "x float, w array<float>",
            Map.of("inputs", "v/values=w"),
            ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("missing: {'v' sparse float32 (-1, 5)");
  }

  @Test
  void autoBatchRowsCountStoredSparseElements() {
    ModelSignature wide = signature(List.of(sparse("v", -1, 1 << 18)), List.of(Y));

    assertThat(bind(wide, "v array<float>", Map.of()).batch().rows()).isEqualTo(1024);
    // 64 values of 4 bytes with 2 indices, and an output of 4 bytes.
    assertThat(bind(wide, "v array<float>", Map.of("batchBytes", "12839")).batch().rows())
        .isEqualTo(9);
  }

  @Test
  void fixedBatchOfSparseInputSetsBatchRows() {
    ModelSignature fixed =
        signature(List.of(sparse("v", 32, 5), floats("a", 32)), List.of(floats("y", 32)));

    assertThat(bind(fixed, "v array<float>, a float", Map.of()).batch().rows()).isEqualTo(32);
    binding(
            signature(List.of(sparse("v", 32, 5), X), List.of(Y)),
            "v array<float>, x float",
            Map.of(),
            ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining(
            "first dimensions that differ in 'v' sparse float32 (32, 5), 'x' float32 (-1,)");
  }

  @Test
  void fixedBatchSizeComesFromInputs() {
    ModelSignature fixed =
        signature(
            List.of(floats("a", 32, 10), floats("b", 32)),
            List.of(floats("y", 32), floats("z", -1, 4), floats("ten", 10), floats("scalar")));
    InferenceSpec spec = bind(fixed, "a array<float>, b float", Map.of("batchBytes", "1"));

    assertThat(spec.batch().rows()).isEqualTo(32);
    assertThat(spec.batch().fixed()).isTrue();
    assertThat(spec.outputs().stream().map(f -> f.tensor().name())).containsExactly("y", "z");
    assertThat(bind(fixed, "a array<float>, b float", Map.of("batchRows", "32")).batch().rows())
        .isEqualTo(32);
    binding(
            fixed,
            "a array<float>, b float",
            Map.of("outputs", "ten"),
            ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining(
            "'ten' float32 (10,): found shape (10,), whose first dimension is fixed to another size than the batch's 32");
  }

  @Test
  void inputsWithDifferentBatchSizesAreNamedInError() {
    for (TensorSpec other : List.of(floats("b", -1), floats("b", 8, 2))) {
      binding(
              signature(List.of(floats("a", 32, 10), other), List.of(floats("y", 32))),
              "a array<float>, b array<float>",
              Map.of("inputs", other.shape().isBatched() ? "b=a.b" : "b=b"),
              other.shape().isBatched()
                  ? ErrorCode.TA_INPUT_MISMATCH
                  : ErrorCode.TA_TENSOR_UNSUPPORTED)
          .hasMessageContaining(
              "found first dimensions that differ in 'a' float32 (32, 10), " + other);
    }
  }

  @Test
  void unsupportedFixedBatchSizeIsRefused() {
    for (long size : new long[] {0, (1L << 20) + 1, Long.MAX_VALUE}) {
      binding(
              signature(List.of(floats("x", size)), List.of(floats("y", size))),
              "x float",
              Map.of(),
              ErrorCode.TA_TENSOR_UNSUPPORTED)
          .hasMessageContaining(
              "found a batch of " + size + " rows in 'x' float32 (" + size + ",)");
    }
  }

  @Test
  void inputsWithoutABatchAxisAreNamed() {
    binding(
            signature(List.of(X, floats("rate")), List.of(Y)),
            "x float, rate float",
            Map.of(),
            ErrorCode.TA_TENSOR_UNSUPPORTED)
        .hasMessageContaining("Cannot feed tensor 'rate' float32 (): found shape ()");
  }

  @Test
  void longColumnListIsTruncatedInError() {
    List<TensorSpec> inputs =
        IntStream.range(0, 500).mapToObj(i -> floats("input" + i, -1)).toList();
    String columns =
        String.join(", ", IntStream.range(0, 3000).mapToObj(i -> "column" + i + " float").toList());

    binding(
            signature(inputs, List.of(Y)),
            columns,
            Map.of(
                "outputs",
                String.join(",", IntStream.range(0, 50).mapToObj(i -> "z" + i).toList())),
            ErrorCode.TA_INPUT_MISMATCH)
        .hasMessageContaining("and 480 more}; sent: {")
        .hasMessageContaining("and 2980 more}; expected {")
        .hasMessageContaining("and 30 more}")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(10_000));
  }

  @Test
  void mistypedInputsAreReportedTogetherUpToALimit() {
    List<TensorSpec> inputs = IntStream.range(0, 30).mapToObj(i -> floats("i" + i, -1)).toList();
    String columns =
        String.join(", ", IntStream.range(0, 30).mapToObj(i -> "i" + i + " date").toList());

    binding(signature(inputs, List.of(Y)), columns, Map.of(), ErrorCode.TA_INPUT_TYPE)
        .hasMessageStartingWith(
            "[TA_INPUT_TYPE] Cannot feed signature 's': found mistyped: {column 'i0' to tensor 'i0' float32 (-1,): found type date; expected elements of type ")
        .hasMessageContaining("column 'i19' to tensor")
        .hasMessageContaining(" and 10 more}; sent: {'i0' date, ");
  }

  @Test
  void duplicateSourceColumnsAreRefused() {
    StructType twice =
        new StructType()
            .add("x", DataTypes.FloatType)
            .add("id", DataTypes.LongType)
            .add("id", DataTypes.LongType);
    assertThatThrownBy(() -> bind(signature(List.of(X), List.of(Y)), twice, Map.of()))
        .hasMessage(
            "[TA_COLUMN_CLASH] Cannot read the source's column 'id': found two columns of that name;"
                + " expected a name of its own for each");
    assertThat(bind(signature(List.of(X), List.of(Y)), "x float, id long, Id long", Map.of()))
        .isNotNull();
  }

  @Test
  void outputNamesMustDifferFromInputsAndEachOther() {
    ModelSignature two = signature(List.of(X), List.of(Y, floats("z", -1)));

    binding(two, "x float, Y int", Map.of(), ErrorCode.TA_COLUMN_CLASH)
        .hasMessageContaining("Cannot add column 'y' for output 'y': found input column 'Y'")
        .hasMessageContaining("outputs='y=y_out'");
    binding(two, "x float", Map.of("outputs", "y=a, z=A"), ErrorCode.TA_COLUMN_CLASH)
        .hasMessageContaining(
            "Cannot add column 'A' for output 'z': found output 'y' of that name");
    SQLConf.get().setConfString("spark.sql.caseSensitive", "true");
    assertThat(bind(two, "x float, Y int", Map.of()).outputs()).hasSize(2);
  }

  @Test
  void autoBatchRowsCountStringsAndUnknownDimensions() {
    TensorSpec text = new TensorSpec("t", DType.STRING, TensorShape.of(-1, -1));
    ModelSignature wide = signature(List.of(X), List.of(text));

    // Four bytes, and 64 strings of 64 bytes.
    assertThat(bind(wide, "x float", Map.of("batchBytes", "41000")).batch().rows()).isEqualTo(10);
    ModelSignature huge = signature(List.of(X), List.of(floats("y", -1, 1000, 1000, 100)));
    assertThat(bind(huge, "x float", Map.of()).batch().rows()).isEqualTo(1);
  }
}
