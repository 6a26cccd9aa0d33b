package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.testing.BatchModels;
import io.tensorarrow.spark.testing.FailingModels;
import io.tensorarrow.spark.testing.FileModels;
import io.tensorarrow.spark.testing.SparkTestBase;
import io.tensorarrow.spark.testing.SparseModels;
import io.tensorarrow.spark.testing.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/** What {@code inspect} tells of models, in Java and in SQL. */
class InspectTest extends SparkTestBase {
  private static final String ALLOWED = "spark.tensorarrow.allowOps.max";

  @TempDir Path dir;

  private static DataFrameReader reader(Path model) {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", model.toString())
        .option("inspect", "true");
  }

  private static Dataset<Row> inspect(Path model) {
    return reader(model).load();
  }

  private static void edit(Path model, Consumer<SavedModel.Builder> change) throws IOException {
    Path file = model.resolve("saved_model.pb");
    SavedModel.Builder proto = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    change.accept(proto);
    Files.write(file, proto.build().toByteArray());
  }

  /** Adds a second graph to a model, of which the tags and the signature's name differ. */
  private static void addGraph(Path model) throws IOException {
    edit(
        model,
        proto -> {
          MetaGraphDef.Builder second = proto.getMetaGraphs(0).toBuilder();
          second.getMetaInfoDefBuilder().clearTags().addTags("tpu").addTags("serve");
          second.putSignatureDef("fast", second.getSignatureDefOrThrow("serving_default"));
          second.removeSignatureDef("serving_default");
          proto.addMetaGraphs(second);
        });
  }

  @Test
  void eachTensorOfASignatureIsARow() throws IOException {
    Dataset<Row> rows = inspect(TestModels.mlp(dir));

    assertThat(rows.schema().toDDL())
        .isEqualTo(
            "tags STRING NOT NULL,signature STRING NOT NULL,direction STRING NOT NULL,"
                + "tensor STRING NOT NULL,dtype STRING NOT NULL,shape ARRAY<BIGINT>,"
                + "encoding STRING NOT NULL,refused STRING");
    assertThat(rows.collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[serve,serving_default,input,x,float32,WrappedArray(-1, 8),dense,null]",
            "[serve,serving_default,output,probabilities,float32,WrappedArray(-1, 3),dense,null]");
  }

  @Test
  void everySignatureIsListedAndCanBeQueried() throws IOException {
    Dataset<Row> rows = inspect(TestModels.twoSignatures(dir));

    assertThat(rows.select("signature").distinct().count()).isEqualTo(2);
    assertThat(rows.where("direction = 'input' and size(shape) = 1").count()).isPositive();
  }

  @Test
  void unknownRankIsNullShapeAndScalarIsEmptyShape() throws IOException {
    assertThat(inspect(BatchModels.notBatched(dir)).where("direction = 'output'").collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[serve,serving_default,output,anything,float32,null,dense,null]",
            "[serve,serving_default,output,three,int32,WrappedArray(3),dense,null]",
            "[serve,serving_default,output,total,float32,WrappedArray(),dense,null]",
            "[serve,serving_default,output,y,float32,WrappedArray(-1),dense,null]");
  }

  @Test
  void everyDtypeHasItsNameInNumPy() throws IOException {
    String numpy =
        "float32 float64 int32 uint8 int16 int8 str complex64 int64 bool qint8 quint8 qint32"
            + " bfloat16 qint16 quint16 uint16 complex128 float16 resource variant uint32 uint64"
            + " float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz int4"
            + " uint4";
    SignatureDef.Builder signature = SignatureDef.newBuilder();
    List<String> expected = new ArrayList<>();
    for (String name : numpy.split(" ", -1)) {
      // TensorFlow numbers them from 1.
      int number = 1 + expected.size();
      signature.putInputs(
          "t%02d".formatted(number),
          TensorInfo.newBuilder().setName("x:0").setDtypeValue(number).build());
      expected.add("[t%02d,%s]".formatted(number, name));
    }
    assertThat(expected).hasSize(30);
    Path model = TestModels.scale(dir);
    edit(model, proto -> proto.getMetaGraphsBuilder(0).putSignatureDef("all", signature.build()));

    assertThat(inspect(model).where("signature = 'all'").select("tensor", "dtype").collectAsList())
        .extracting(Row::toString)
        .containsExactlyElementsOf(expected);
  }

  @Test
  void sparseTensorIsOneRowWithItsDenseShape() {
    assertThat(inspect(SparseModels.product(dir)).collectAsList())
        .extracting(Row::toString)
        .containsExactly(
            "[serve,serving_default,input,x,float32,WrappedArray(-1, 3),sparse,null]",
            "[serve,serving_default,input,x.y,float32,WrappedArray(-1),dense,null]",
            "[serve,serving_default,output,echo,float32,WrappedArray(-1, 3),sparse,null]",
            "[serve,serving_default,output,next,float32,WrappedArray(-1),dense,null]",
            "[serve,serving_default,output,product,float32,WrappedArray(-1, 2),dense,null]");
    assertThat(inspect(SparseModels.unknownRank(dir)).where("shape is null").collectAsList())
        .extracting(Row::toString)
        .containsExactly("[serve,serving_default,input,x,float32,null,sparse,null]");
  }

  @Test
  void everyGraphIsListedUnlessTagsChooseOne() throws IOException {
    Path model = TestModels.scale(dir);
    addGraph(model);

    assertThat(inspect(model).select("tags", "signature").distinct().collectAsList())
        .extracting(Row::toString)
        .containsExactlyInAnyOrder("[serve,serving_default]", "[serve,tpu,fast]");
    for (String tags : new String[] {"tpu, serve", "serve,tpu"}) {
      assertThat(reader(model).option("tags", tags).load().collectAsList())
          .extracting(Row::toString)
          .containsExactly(
              "[serve,tpu,fast,input,x,float32,WrappedArray(-1),dense,null]",
              "[serve,tpu,fast,output,y,float32,WrappedArray(-1),dense,null]");
    }
    assertThatThrownBy(() -> reader(model).option("tags", "tpu").load())
        .hasMessageStartingWith("[TA_TAGS_NOT_FOUND] Cannot find tags 'tpu' in model '")
        .hasMessageEndingWith("found tag sets 'serve', 'serve,tpu'; expected one of these");
  }

  @Test
  void refusedOutputHasItsErrorInColumnRefused() throws IOException {
    Path model = FileModels.readsFile(dir, Files.writeString(dir.resolve("secret"), "12345"));
    edit(
        model,
        proto ->
            proto
                .getMetaGraphsBuilder(0)
                .putSignatureDef(
                    "serving_default",
                    proto.getMetaGraphs(0).getSignatureDefOrThrow("serving_default").toBuilder()
                        .putOutputs(
                            "same",
                            TensorInfo.newBuilder()
                                .setName("x:0")
                                .setDtype(DataType.DT_FLOAT)
                                .build())
                        .build()));

    assertThat(inspect(model).where("refused is null").select("tensor").collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly("x", "same");
    assertThat(inspect(model).where("tensor = 'y'").select("refused").first().getString(0))
        .startsWith("[TA_OP_NOT_ALLOWED] Cannot run signature 'serving_default' of model '")
        .contains("'ReadFile'", "serving_default > content");
    spark().sparkContext().conf().set(ALLOWED, "ReadFile");
    try {
      assertThat(
              reader(model).option("allowOps", "ReadFile").load().where("refused is null").count())
          .isEqualTo(3);
    } finally {
      spark().sparkContext().conf().remove(ALLOWED);
    }
  }

  @Test
  void modelThatMayNotLoadHasItsErrorAtEveryOutput() {
    Path written = dir.resolve("written");
    Dataset<Row> rows = inspect(FileModels.writesFileWhenLoaded(dir, written));

    assertThat(rows.where("direction = 'output'").select("refused").first().getString(0))
        .startsWith("[TA_OP_NOT_ALLOWED] Cannot load model '")
        .contains("initialiser > write");
    assertThat(rows.where("direction = 'input'").select("refused").first().isNullAt(0)).isTrue();
    assertThat(
            inspect(FailingModels.unknownOp(dir)).where("refused is not null").first().getString(7))
        .startsWith("[TA_OP_UNKNOWN] Cannot run signature 'serving_default'");
  }

  @Test
  void malformedGraphIsAnError() throws IOException {
    Path model = TestModels.scale(dir);
    edit(
        model,
        proto -> {
          MetaGraphDef.Builder graph = proto.getMetaGraphsBuilder(0);
          graph.getGraphDefBuilder().addNode(graph.getGraphDef().getNode(0));
        });
    assertThatThrownBy(() -> inspect(model)).hasMessageStartingWith("[TA_MODEL_UNSAFE_TO_LOAD]");
  }

  @Test
  void twoTensorsOfOneNameAreAnError() throws IOException {
    Path model = SparseModels.product(dir);
    edit(
        model,
        proto -> {
          MetaGraphDef.Builder graph = proto.getMetaGraphsBuilder(0);
          TensorInfo other =
              graph.getSignatureDefOrThrow("serving_default").getInputsOrThrow("x.y");
          graph.putSignatureDef(
              "serving_default",
              graph.getSignatureDefOrThrow("serving_default").toBuilder()
                  .putInputs("x/values", other)
                  .build());
        });
    String reason =
        "[TA_TENSOR_UNSUPPORTED] Cannot use tensor 'x/values': found a part of a sparse tensor of"
            + " that name as well";
    assertThat(inspect(model).where("direction = 'output'").first().getString(7))
        .startsWith(reason);
    String table = dir.resolve("table").toString();
    spark().sql("select array(1f) x, 1f `x.y`, 1f `x/values`").write().parquet(table);
    assertThatThrownBy(
            () -> spark().read().format("tensorflow").option("model", model.toString()).load(table))
        .hasMessageStartingWith(reason);
  }

  @Test
  void modelWithoutSignaturesHasNoRows() throws IOException {
    Path model = TestModels.scale(dir);
    edit(model, proto -> proto.getMetaGraphsBuilder(0).clearSignatureDef());
    assertThat(inspect(model).count()).isZero();
  }

  @Test
  void inspectWorksInSql() throws IOException {
    Path model = TestModels.twoSignatures(dir);
    spark()
        .sql(
            "create temporary view signatures using tensorflow options (model '"
                + model
                + "', inspect 'true')");
    try {
      assertThat(
              spark()
                  .sql(
                      "select signature, tensor from signatures where direction = 'output' and"
                          + " refused is null and encoding = 'dense' order by signature")
                  .collectAsList())
          .extracting(Row::toString)
          .containsExactly("[double,y]", "[half,y]");
    } finally {
      spark().catalog().dropTempView("signatures");
    }
  }
}
