package io.tensorarrow.spark.model.variables;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.proto.TensorSliceProto;
import org.tensorflow.proto.TensorSliceProto.Extent;

/** Keys as TensorFlow 2.18 wrote them, or as its ordered code demands. */
class PartKeyTest {
  private static String key(String name, Extent... extents) {
    String key =
        PartKey.of(name, TensorSliceProto.newBuilder().addAllExtent(List.of(extents)).build());
    assertThat(PartKey.isPart(key)).isTrue();
    return HexFormat.of().formatHex(key.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static Extent extent(long start, long length) {
    return Extent.newBuilder().setStart(start).setLength(length).build();
  }

  @Test
  void partKeysEqualThoseOfTensorFlow() {
    // scope/k of shape [7, 2, 3] in three parts, and w of shape [5, 300], too.
    assertThat(key("scope/k", extent(3, 2), extent(0, 2), extent(0, 3)))
        .isEqualTo("00" + "73636f70652f6b" + "0001" + "0103" + "8382" + "8082" + "8083");
    assertThat(key("w", extent(0, 5), extent(100, 100)))
        .isEqualTo("00" + "77" + "0001" + "0102" + "8085" + "c064c064");
    assertThat(key("w", extent(0, 5), extent(200, 100)))
        .isEqualTo("00" + "77" + "0001" + "0102" + "8085" + "c0c8c064");
  }

  @Test
  void extentWithoutLengthSpansVariable() {
    assertThat(key("w", Extent.getDefaultInstance())).isEqualTo("0077" + "0001" + "0101" + "807f");
  }

  @Test
  void nameTerminatorBytesAreEscaped() {
    assertThat(key("a\0b\u00ff")).isEqualTo("00" + "6100ff62ff00" + "0001" + "00");
  }

  @ParameterizedTest
  @CsvSource({
    "63, bf",
    "64, c040",
    "8191, dfff",
    "8192, e02000",
    "1048575, efffff",
    "1048576, f0100000",
    "72057594037927935, ff80ffffffffffffff",
    "9223372036854775807, ffc07fffffffffffffff",
    "-64, 40",
    "-65, 3fbf",
  })
  void numbersUseAsFewBytesAsPossible(long number, String expected) {
    assertThat(key("w", extent(number, 0))).isEqualTo("0077" + "0001" + "0101" + expected + "80");
  }
}
