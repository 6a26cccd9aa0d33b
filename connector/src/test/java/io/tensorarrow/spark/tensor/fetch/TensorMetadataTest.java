package io.tensorarrow.spark.tensor.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.junit.jupiter.api.Test;

/** What columns say of tensors is read as it was written, and never trusted. */
final class TensorMetadataTest {
  private static final TensorSpec SPEC =
      new TensorSpec("t", DType.BFLOAT16, TensorShape.of(-1, -1, 3));
  private static final StructField COLUMN =
      TensorColumns.field(SPEC, "c", "m", "1.2.3", ColumnTypes.DEFAULT);
  private static final Field FIELD = Field.notNullable("c", new ArrowType.Binary());

  @Test
  void metadataOfColumnAreReadAsWritten() {
    TensorMetadata tensor = TensorMetadata.of(COLUMN).orElseThrow();

    assertThat(tensor)
        .isEqualTo(
            new TensorMetadata(
                DType.BFLOAT16,
                List.of(-1L, 3L),
                Optional.of("t"),
                Optional.of("m"),
                Optional.of("1.2.3")));
    assertThat(tensor.spec("t")).isEqualTo(SPEC);
    assertThat(tensor.writeTo(new MetadataBuilder()).build()).isEqualTo(COLUMN.metadata());
  }

  @Test
  void metadataSurviveJson() {
    Metadata parsed = Metadata.fromJson(COLUMN.metadata().json());

    assertThat(TensorMetadata.of(parsed)).isEqualTo(TensorMetadata.of(COLUMN));
  }

  @Test
  void originOfAnotherTypeIsIgnored() {
    TensorMetadata tensor =
        TensorMetadata.of(
                Metadata.fromJson(
                    "{\"tensor.dtype\": \"float32\", \"tensor.shape\": [2], \"tensor.name\": 3,"
                        + " \"tensor.model\": null}"))
            .orElseThrow();

    assertThat(tensor).isEqualTo(new TensorMetadata(DType.FLOAT32, 2));
  }

  @Test
  void metadataOfOthersAreNoTensors() {
    assertThat(TensorMetadata.of(Metadata.empty())).isEmpty();
    assertThat(
            TensorMetadata.of(
                Metadata.fromJson("{\"tensor.dtype\": \"float99\", \"tensor.shape\": [2]}")))
        .isEmpty();
    assertThat(
            TensorMetadata.of(
                Metadata.fromJson("{\"tensor.dtype\": \"float32\", \"tensor.shape\": \"2\"}")))
        .isEmpty();
    assertThat(TensorMetadata.of(Metadata.fromJson("{\"tensor.dtype\": 7, \"tensor.shape\": [2]}")))
        .isEmpty();
    assertThat(TensorMetadata.of(Metadata.fromJson("{\"tensor.dtype\": \"float32\"}"))).isEmpty();
  }

  @Test
  void arrowFieldIsLabelledWithDtypeShapeAndVersion() {
    assertThat(TensorMetadata.labelled(FIELD, COLUMN.metadata(), false).getMetadata())
        .isEqualTo(
            Map.of(
                "tensor.dtype", "bfloat16",
                "tensor.shape", "[-1, 3]",
                "tensorarrow.version", "1.2.3"));
    assertThat(TensorMetadata.labelled(FIELD, COLUMN.metadata(), true).getMetadata())
        .containsEntry("tensorarrow.raw", "");
    assertThat(TensorMetadata.labelled(FIELD, Metadata.empty(), true)).isSameAs(FIELD);
  }

  @Test
  void onlyDtypesThatNumpyReadsAndSparkDoesNotAreWidened() {
    assertThat(new TensorMetadata(DType.UINT8).isWidenedIn(DataTypes.ShortType)).isTrue();
    assertThat(new TensorMetadata(DType.UINT8, 2).isWidenedIn(DataTypes.BinaryType)).isFalse();
    assertThat(new TensorMetadata(DType.INT8).isWidenedIn(DataTypes.ByteType)).isFalse();
    assertThat(new TensorMetadata(DType.INT4).isWidenedIn(DataTypes.ByteType)).isFalse();
    assertThat(new TensorMetadata(DType.STRING).isWidenedIn(DataTypes.StringType)).isFalse();
  }
}
