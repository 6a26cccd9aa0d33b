package io.tensorarrow.spark.python.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.UInt1Vector;
import org.apache.arrow.vector.UInt2Vector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.UInt8Vector;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Returned columns become the declared ones, or an error. */
class DeclaredColumnsTest extends SparkTestBase {
  private static final int ROWS = 5;

  private BufferAllocator allocator;

  @BeforeEach
  void open() {
    allocator = ArrowUtils.rootAllocator().newChildAllocator("test", 0, Long.MAX_VALUE);
  }

  @AfterEach
  void close() {
    allocator.close();
  }

  private DeclaredColumns declared(String ddl) {
    StructType types = StructType.fromDDL(ddl);
    return new DeclaredColumns(
        types, ArrowUtils.toArrowSchema(types, "UTC", true, false).getFields(), allocator);
  }

  /** Makes a vector of a field's type as Java can read it. */
  private FieldVector vector(Field field) {
    return ArrowFields.readable(field).createVector(allocator);
  }

  private static Field field(ArrowType type, Field... parts) {
    return new Field("found", FieldType.nullable(type), List.of(parts));
  }

  /** Returns lists of three floats, of which one is null. */
  private FixedSizeListVector lists() {
    FixedSizeListVector lists =
        (FixedSizeListVector)
            vector(
                field(
                    new ArrowType.FixedSizeList(3),
                    field(new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE))));
    lists.allocateNew();
    Float4Vector elements = (Float4Vector) lists.getDataVector();
    for (int row = 0; row < ROWS; row++) {
      if (row != 2) {
        lists.setNotNull(row);
        for (int i = 0; i < 3; i++) {
          elements.setSafe(row * 3 + i, row + i / 10f);
        }
      }
    }
    elements.setValueCount(ROWS * 3);
    lists.setValueCount(ROWS);
    return lists;
  }

  @Test
  void fixedSizeListsBecomeArraysOverTheSameElements() {
    try (FixedSizeListVector lists = lists();
        ArrowColumns columns =
            declared("a array<float>").convert(List.of(lists), List.of(lists.getField()))) {
      FieldVector made = columns.vectors().get(0);
      assertThat(made.getChildrenFromFields().get(0).getDataBuffer().memoryAddress())
          .isEqualTo(lists.getDataVector().getDataBuffer().memoryAddress());
      ArrowColumnVector column = new ArrowColumnVector(made);
      for (int row = 0; row < ROWS; row++) {
        assertThat(column.isNullAt(row)).isEqualTo(row == 2);
        if (row != 2) {
          assertThat(column.getArray(row).toFloatArray())
              .containsExactly(row, row + 0.1f, row + 0.2f);
        }
      }
    }
  }

  @Test
  void slicedFixedSizeListsKeepOffsets() {
    try (FixedSizeListVector lists = lists()) {
      var pair = lists.getTransferPair(allocator);
      pair.splitAndTransfer(1, 3);
      try (FieldVector slice = (FieldVector) pair.getTo();
          ArrowColumns columns =
              declared("a array<float>").convert(List.of(slice), List.of(slice.getField()))) {
        ArrowColumnVector column = new ArrowColumnVector(columns.vectors().get(0));
        assertThat(column.getArray(0).toFloatArray()).containsExactly(1f, 1.1f, 1.2f);
        assertThat(column.isNullAt(1)).isTrue();
        assertThat(column.getArray(2).toFloatArray()).containsExactly(3f, 3.1f, 3.2f);
      }
    }
  }

  @Test
  void nestedFixedSizeListsBecomeNestedArrays() {
    Field inner = field(new ArrowType.FixedSizeList(2), field(new ArrowType.Int(32, true)));
    try (FixedSizeListVector lists =
        (FixedSizeListVector) vector(field(new ArrowType.FixedSizeList(2), inner))) {
      lists.allocateNew();
      FixedSizeListVector parts = (FixedSizeListVector) lists.getDataVector();
      IntVector elements = (IntVector) parts.getDataVector();
      for (int i = 0; i < 8; i++) {
        elements.setSafe(i, i);
        parts.setNotNull(i / 2);
        lists.setNotNull(i / 4);
      }
      elements.setValueCount(8);
      parts.setValueCount(4);
      lists.setValueCount(2);
      try (ArrowColumns columns =
          declared("a array<array<int>>").convert(List.of(lists), List.of(lists.getField()))) {
        ArrowColumnVector column = new ArrowColumnVector(columns.vectors().get(0));
        assertThat(column.getArray(1).getArray(0).toIntArray()).containsExactly(4, 5);
        assertThat(column.getArray(1).getArray(1).toIntArray()).containsExactly(6, 7);
      }
    }
  }

  @Test
  void unsignedIntegersAndFloat16WidenToSparkTypes() {
    try (UInt1Vector bytes = (UInt1Vector) vector(field(new ArrowType.Int(8, false)));
        UInt2Vector shorts = (UInt2Vector) vector(field(new ArrowType.Int(16, false)));
        UInt4Vector ints = (UInt4Vector) vector(field(new ArrowType.Int(32, false)));
        UInt8Vector longs = (UInt8Vector) vector(field(new ArrowType.Int(64, false)));
        UInt2Vector float16s =
            (UInt2Vector) vector(field(new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)))) {
      List<FieldVector> found = List.of(bytes, shorts, ints, longs, float16s);
      bytes.setSafe(0, 255);
      shorts.setSafe(0, 0xffff);
      ints.setSafe(0, -1);
      longs.setSafe(0, -1L);
      float16s.setSafe(0, 0xbe00);
      found.forEach(vector -> vector.setValueCount(2));
      List<Field> types = new ArrayList<>(found.stream().map(FieldVector::getField).toList());
      types.set(4, field(new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)));
      try (ArrowColumns columns =
          declared("a smallint, b int, c bigint, d decimal(20,0), e float").convert(found, types)) {
        assertThat(columns.vectors().stream().map(vector -> vector.getObject(0)).toList())
            .isEqualTo(
                List.of(
                    (short) 255,
                    0xffff,
                    0xffffffffL,
                    new BigDecimal("18446744073709551615"),
                    -1.5f));
        assertThat(columns.vectors()).allMatch(vector -> vector.isNull(1));
      }
    }
  }

  @Test
  void nullColumnsFitEveryType() {
    String ddl =
        "a bigint, b string, c array<int>, d struct<x: int>, e map<string, int>, f decimal(9,2)";
    try (NullVector nulls = nulls();
        ArrowColumns columns =
            declared(ddl)
                .convert(
                    IntStream.range(0, 6).<FieldVector>mapToObj(i -> nulls).toList(),
                    IntStream.range(0, 6).mapToObj(i -> nulls.getField()).toList())) {
      for (FieldVector vector : columns.vectors()) {
        assertThat(vector.getValueCount()).isEqualTo(3);
        assertThat(vector.getNullCount()).isEqualTo(3);
      }
    }
  }

  private static NullVector nulls() {
    NullVector nulls = new NullVector("found");
    nulls.setValueCount(3);
    return nulls;
  }

  @Test
  void decimalsAreRoundedAsInSpark() {
    try (DecimalVector decimals =
        (DecimalVector) vector(field(new ArrowType.Decimal(10, 4, 128)))) {
      decimals.setSafe(0, new BigDecimal("1.2350"));
      decimals.setSafe(1, new BigDecimal("-1.2349"));
      decimals.setValueCount(3);
      List<FieldVector> found = List.of(decimals);
      List<Field> types = List.of(decimals.getField());
      try (ArrowColumns columns = declared("a decimal(5,2)").convert(found, types)) {
        FieldVector made = columns.vectors().get(0);
        assertThat(made.getObject(0)).isEqualTo(new BigDecimal("1.24"));
        assertThat(made.getObject(1)).isEqualTo(new BigDecimal("-1.23"));
        assertThat(made.isNull(2)).isTrue();
      }
      assertThatThrownBy(() -> declared("a decimal(2,2)").convert(found, types).close())
          .hasMessageContaining("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION");
    }
  }

  @Test
  void fittingColumnIsNotCopiedAndExtraColumnsAreLeftOut() {
    try (IntVector first = new IntVector("x", allocator);
        IntVector second = new IntVector("y", allocator);
        ArrowColumns columns =
            declared("a int")
                .convert(List.of(first, second), List.of(first.getField(), second.getField()))) {
      assertThat(columns.vectors()).hasSize(1);
      assertThat(columns.vectors().get(0)).isSameAs(first);
    }
  }

  @Test
  void fewerColumnsAreAnError() {
    List<Field> types = List.of(field(new ArrowType.Int(64, true)));
    assertThatThrownBy(() -> declared("a bigint, b int").checkCount(types))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_RESULT_COLUMNS))
        .hasMessageContaining("found 1 (found); expected the 2 that were declared (a, b)");
  }

  private void isRefused(Field found, String declared, String text) {
    try (FieldVector vector = vector(found)) {
      assertThatThrownBy(
              () -> declared("c " + declared).convert(List.of(vector), List.of(found)).close())
          .isInstanceOfSatisfying(
              TensorArrowException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_RESULT_TYPE))
          .hasMessageContaining("column 'c'")
          .hasMessageContaining("found Arrow type " + text + "; expected")
          .hasMessageContaining("for the declared type " + declared);
    }
  }

  @Test
  void typesThatDoNotFitAreAnError() {
    Field int32 = field(new ArrowType.Int(32, true));
    isRefused(int32, "bigint", "Int(32, true)");
    isRefused(int32, "smallint", "Int(32, true)");
    isRefused(int32, "float", "Int(32, true)");
    isRefused(field(new ArrowType.Int(8, false)), "tinyint", "Int(8, false)");
    isRefused(field(new ArrowType.Int(64, false)), "bigint", "Int(64, false)");
    isRefused(
        field(new ArrowType.FloatingPoint(FloatingPointPrecision.HALF)),
        "int",
        "FloatingPoint(HALF)");
    isRefused(field(ArrowType.Utf8.INSTANCE), "binary", "Utf8");
    isRefused(
        field(new ArrowType.FixedSizeList(2), int32),
        "array<bigint>",
        "FixedSizeList(2)<Int(32, true)>");
    isRefused(
        field(ArrowType.Struct.INSTANCE, int32), "struct<a:int,b:int>", "Struct<Int(32, true)>");
    Field ofDictionary =
        new Field(
            "found",
            new FieldType(
                true, new ArrowType.Int(32, true), new DictionaryEncoding(1, false, null)),
            null);
    isRefused(ofDictionary, "int", "Int(32, true) of a dictionary");
  }
}
