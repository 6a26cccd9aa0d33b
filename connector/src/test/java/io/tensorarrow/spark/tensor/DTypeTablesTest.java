package io.tensorarrow.spark.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.Docs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The documentation's table of dtypes and the Python module's are generated from {@link DType}.
 * {@code -Dtensorarrow.updateDocs=true} writes them anew.
 */
class DTypeTablesTest {
  private static final Path PYTHON =
      Path.of("src/main/python/tensorarrow/_dtype_table.py").toAbsolutePath();

  @Test
  void typesPageHasTheTableOfDtypes() {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        row(
            "TensorFlow dtype",
            "Spark SQL type",
            "Arrow type that a Python function sees",
            "NumPy dtype of `ta.numpy`"));
    lines.add("|---|---|---|---|");
    for (DType dtype : DType.values()) {
      dtype.sparkElement().ifPresent(element -> lines.add(documented(dtype, element)));
      if (dtype == DType.UINT8) {
        lines.add(
            row(
                "uint8 with `bytes=binary`",
                "BINARY, one value for each row",
                "`binary`",
                "`uint8`"));
      }
    }
    lines.add(
        "| resource, variant | none: `TA_TENSOR_UNSUPPORTED` if named in `outputs`, otherwise left"
            + " out with a warning | | |");
    lines.add("");

    Docs.check(Docs.TYPES, "dtypes", lines);
  }

  private static String documented(DType dtype, SparkElement element) {
    String spark = element.sqlName();
    String arrow = "`" + element.arrowName() + "`";
    String numpy = "`" + dtype.arrayDtype() + "`";
    return switch (dtype) {
      case STRING ->
          row(
              "string",
              spark + ", or BINARY with `strings=binary`",
              arrow + " or `binary`",
              "object array of `str` or `bytes`");
      case BFLOAT16 ->
          row(
              dtype.numpyName(),
              spark + " (widened)",
              arrow,
              numpy + " of the package `ml_dtypes`; `uint16` with `raw=True`");
      case FLOAT8_E5M2, FLOAT8_E4M3FN, FLOAT8_E4M3FNUZ, FLOAT8_E4M3B11FNUZ, FLOAT8_E5M2FNUZ ->
          row(dtype.numpyName(), spark + ": the bits, 0 to 255", arrow, numpy + ": the bits");
      case FLOAT16, UINT8, UINT16, UINT32, UINT64, QUINT8, QUINT16 ->
          row(dtype.numpyName(), spark + " (widened)", arrow, numpy);
      default -> row(dtype.numpyName(), spark, arrow, numpy);
    };
  }

  private static String row(String... cells) {
    return "| " + String.join(" | ", cells) + " |";
  }

  @Test
  void pythonModuleHasTheTableOfDtypes() {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        \"""The facts of TensorFlow's dtypes: generated from DType.java, not to be edited.\"""

        from __future__ import annotations

        from typing import NamedTuple


        class DTypeFacts(NamedTuple):
            \"""What DType.java says of one dtype.

            Attributes:
                name: NumPy's name, or that of ml_dtypes.
                byte_size: the bytes of one element in a tensor's memory.
                bit_size: how many of their bits hold the value.
                array_dtype: the name of the dtype that arrays have in NumPy.
                spark_element: what Spark has for an element.
                layout: who reads native elements where they are: SPARK is Spark and NumPy, NUMPY is
                    NumPy alone, TENSORFLOW neither.
            \"""

            name: str
            byte_size: int
            bit_size: int
            array_dtype: str
            spark_element: str
            layout: str


        DTYPES = (
        """);
    for (DType dtype : DType.values()) {
      dtype
          .sparkElement()
          .ifPresent(
              element ->
                  text.append(
                      "    DTypeFacts(\"%s\", %d, %d, \"%s\", \"%s\", \"%s\"),\n"
                          .formatted(
                              dtype.numpyName(),
                              dtype.byteSize(),
                              dtype.bitSize(),
                              dtype.arrayDtype(),
                              element.name(),
                              dtype.layout().name())));
    }
    text.append(")\n");

    Docs.checkFile(PYTHON, text.toString());
  }

  @Test
  void numbersOfNumpyAreTheirOwnArrays() {
    assertThat(DType.values())
        .filteredOn(dtype -> dtype.kind().isPresent())
        .allMatch(dtype -> dtype.arrayDtype().equals(dtype.numpyName()));
  }

  @Test
  void dtypesHaveDifferentNumbersOfTensorFlow() {
    assertThat(Arrays.stream(DType.values()).map(DType::number)).doesNotHaveDuplicates();
  }
}
