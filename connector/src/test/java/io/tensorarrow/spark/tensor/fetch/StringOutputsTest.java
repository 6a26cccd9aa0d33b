package io.tensorarrow.spark.tensor.fetch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_AllocateTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_Copy;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetDataPointer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetSize;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetType;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeMemoryTestBase;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarArray;
import org.apache.spark.unsafe.Platform;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.internal.c_api.TF_Tensor;

/** Outputs of strings, of each kind that TensorFlow may hand over. */
final class StringOutputsTest extends NativeMemoryTestBase {
  private static final ColumnTypes BINARY =
      new ColumnTypes(ColumnTypes.Strings.BINARY, ColumnTypes.Bytes.ARRAY);
  private static final int STRING_BYTES = 24;

  /** More than enough for what one test lays out of line. */
  private static final int TEXT_BYTES = 4 << 20;

  /** How TensorFlow keeps a string; the number is that of its two lowest bits. */
  private enum Kind {
    SMALL,
    LARGE,
    OFFSET,
    VIEW;

    /** Returns TensorFlow's number. */
    int number() {
      return switch (this) {
        case SMALL -> 0;
        case LARGE -> 1;
        case OFFSET -> 2;
        case VIEW -> 3;
      };
    }

    boolean holds(int size) {
      return switch (this) {
        case SMALL -> size <= 22;
        case LARGE -> size > 22;
        case OFFSET, VIEW -> true;
      };
    }
  }

  private long texts;
  private int textsUsed;

  @BeforeEach
  void allocateTexts() {
    texts = Platform.allocateMemory(TEXT_BYTES);
    textsUsed = 0;
  }

  @AfterEach
  void freeTexts() {
    Platform.freeMemory(texts);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void stringsOfEachKindAreReadAroundLengthLimits(Kind kind) {
    List<byte[]> values = new ArrayList<>();
    for (int size : new int[] {0, 1, 7, 8, 9, 15, 16, 17, 21, 22, 23, 24, 25, 255, 70_000}) {
      if (kind.holds(size)) {
        values.add(letters(new Random(size), size));
      }
    }
    NativeTensor tensor = tensor(values, i -> kind, values.size());
    try (ColumnVector column = wrap(tensor, BINARY, values.size(), -1)) {
      for (int i = 0; i < values.size(); i++) {
        assertThat(column.getBinary(i)).isEqualTo(values.get(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void randomStringsAreReadInEachShape(long seed) {
    Random random = new Random(seed);
    int rows = 1 + random.nextInt(50);
    int width = 1 + random.nextInt(4);
    List<byte[]> values = new ArrayList<>();
    for (int i = 0; i < rows * width; i++) {
      byte[] value = new byte[random.nextInt(60)];
      random.nextBytes(value);
      values.add(value);
    }
    int keptRows = random.nextInt(rows + 1);
    IntStream.range(0, 3)
        .forEach(
            rank -> {
              long[] shape = Arrays.copyOf(new long[] {-1, -1, -1}, rank + 1);
              long[] dims = Arrays.copyOf(new long[] {rows, width, 1}, rank + 1);
              int count = rank == 0 ? rows : rows * width;
              NativeTensor tensor =
                  tensor(values.subList(0, count), i -> anyKind(random, values.get(i)), dims);
              TensorSpec spec = spec(DType.STRING, shape);
              try (ColumnVector column =
                  TensorColumns.wrap(tensor, spec, "out", rows, keptRows, BINARY, allocator)) {
                assertThat(tensor.isClosed()).isTrue();
                assertThat(column.dataType()).isEqualTo(TensorColumns.columnType(spec, BINARY));
                assertThat(((ArrowColumnVector) column).getValueVector().getValueCount())
                    .isEqualTo(keptRows);
                for (int row = 0; row < keptRows; row++) {
                  List<byte[]> actualStrings = rowOf(column, row, rank);
                  assertThat(actualStrings).hasSize(rank == 0 ? 1 : width);
                  for (int i = 0; i < actualStrings.size(); i++) {
                    assertThat(actualStrings.get(i))
                        .isEqualTo(values.get(row * actualStrings.size() + i));
                  }
                }
              }
            });
  }

  private static List<byte[]> rowOf(ColumnVector column, int row, int rank) {
    if (rank == 0) {
      return List.of(column.getBinary(row));
    }
    ColumnarArray array = rank == 1 ? column.getArray(row) : column.getStruct(row).getArray(0);
    return IntStream.range(0, array.numElements()).mapToObj(array::getBinary).toList();
  }

  @Test
  void textKeepsNulsAndEveryCodePoint() {
    List<String> texts = new ArrayList<>(List.of("", "\0", "a\0b", "ä€\uD83D\uDE00", "\uFFFF"));
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint += 7) {
      if (codePoint < Character.MIN_SURROGATE || codePoint > Character.MAX_SURROGATE) {
        texts.add("abcdefg" + Character.toString(codePoint));
      }
    }
    List<byte[]> values = texts.stream().map(text -> text.getBytes(UTF_8)).toList();
    NativeTensor tensor = tensor(values, i -> Kind.SMALL, values.size());
    try (ColumnVector column = wrap(tensor, ColumnTypes.DEFAULT, values.size(), -1)) {
      for (int i = 0; i < texts.size(); i++) {
        assertThat(column.getUTF8String(i).toString()).isEqualTo(texts.get(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u0080", // not a first byte
        "\u00c0\u0080", // a NUL in two bytes
        "\u00c1\u00bf",
        "\u00c3", // the rest is missing
        "\u00e2\u0082",
        "\u00e0\u009f\u00bf", // not in shortest form
        "\u00ed\u00a0\u0080", // a surrogate
        "\u00f0\u008f\u00bf\u00bf",
        "\u00f4\u0090\u0080\u0080", // above the last code point
        "\u00f5\u0080\u0080\u0080",
        "\u00ff",
        "text that begins well\u00e4",
      })
  void invalidUtf8IsRefusedWithRowAndColumn(String bytes) {
    byte[] fault = bytes.getBytes(ISO_8859_1);
    List<byte[]> values = List.of(new byte[0], "ä".getBytes(UTF_8), fault, fault);
    assertThatThrownBy(
            () ->
                wrap(
                    tensor(values, i -> anyKind(new Random(1), values.get(i)), 2, 2),
                    ColumnTypes.DEFAULT,
                    2,
                    -1,
                    -1))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_OUTPUT_STRING))
        .hasMessageContainingAll("'t' str (-1, -1)", "'out'", "row 1 ", "strings=binary");
    assertThat(allocator.getAllocatedMemory()).isZero();
    try (ColumnVector column = wrap(tensor(values, i -> Kind.VIEW, 4), BINARY, 4, -1)) {
      assertThat(column.getBinary(3)).isEqualTo(fault);
    }
  }

  @Test
  void codePointSplitOverTwoStringsIsRefused() {
    List<byte[]> values = List.of(new byte[] {(byte) 0xc3}, new byte[] {(byte) 0xa4});
    assertThatThrownBy(() -> wrap(tensor(values, i -> Kind.SMALL, 2), ColumnTypes.DEFAULT, 2, -1))
        .hasMessageContaining("row 0 of the batch");
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void utf8ValidationMatchesJdk(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      // Mostly bytes that begin or continue code points.
      byte[] bytes = new byte[1 + random.nextInt(12)];
      for (int j = 0; j < bytes.length; j++) {
        int kind = random.nextInt(4);
        bytes[j] =
            (byte)
                (kind == 0 ? random.nextInt(128) : (kind == 1 ? 0xc0 : 0x80) + random.nextInt(64));
      }
      long at = texts;
      Platform.copyMemory(bytes, Platform.BYTE_ARRAY_OFFSET, null, at, bytes.length);
      assertThat(Utf8.isValid(at, bytes.length)).as(Arrays.toString(bytes)).isEqualTo(valid(bytes));
    }
  }

  private static boolean valid(byte[] bytes) {
    try {
      UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  @Test
  void paddingRowsAreNotValidated() {
    List<byte[]> values = List.of("a".getBytes(UTF_8), new byte[] {(byte) 0xff});
    NativeTensor tensor = tensor(values, i -> Kind.SMALL, 2);
    TensorSpec spec = spec(DType.STRING, -1);
    try (ColumnVector column =
        TensorColumns.wrap(tensor, spec, "out", 2, 1, ColumnTypes.DEFAULT, allocator)) {
      assertThat(column.getUTF8String(0).toString()).isEqualTo("a");
    }
  }

  @Test
  void stringsBeyondArrowOffsetsAreRefusedBeforeCopy() {
    TF_Tensor handle =
        TF_AllocateTensor(DType.STRING.number(), new long[] {3}, 1, 3 * STRING_BYTES);
    long address = TF_TensorData(handle).address();
    for (int i = 0; i < 3; i++) {
      // A gigabyte each, which nobody may touch.
      Platform.putLong(
          null, address + (long) i * STRING_BYTES, (1L << 30 << 2) | Kind.VIEW.number());
      Platform.putLong(null, address + (long) i * STRING_BYTES + 8, texts);
    }
    NativeTensor tensor = NativeTensor.adopt(handle);
    assertThatThrownBy(() -> wrap(tensor, BINARY, 3, -1))
        .isInstanceOfSatisfying(
            TensorArrowException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.TA_UNSUPPORTED))
        .hasMessageContainingAll("'out'", "3221225472 bytes", "2147483647", "batchRows");
    assertThat(tensor.isClosed()).isTrue();
  }

  @Test
  void emptyStringTensorsBecomeEmptyColumns() {
    try (ColumnVector scalars = wrap(tensor(List.of(), i -> Kind.SMALL, 0), BINARY, 0, -1);
        ColumnVector arrays =
            wrap(tensor(List.of(), i -> Kind.SMALL, 2, 0), ColumnTypes.DEFAULT, 2, -1, -1)) {
      assertThat(((ArrowColumnVector) scalars).getValueVector().getValueCount()).isZero();
      assertThat(arrays.getArray(1).numElements()).isZero();
    }
  }

  @Test
  void stringColumnsShareNoBytes() {
    NativeTensor tensor = tensor(List.of(new byte[3]), i -> Kind.SMALL, 1);
    assertThat(TensorColumns.sharedBytes(tensor, 1)).isZero();
    tensor.close();
    NativeTensor numbers = counting(4, 3);
    assertThat(TensorColumns.sharedBytes(numbers, 3)).isEqualTo(36);
    numbers.close();
    assertThat(TensorColumns.sharedBytes(numbers, 3)).isEqualTo(36);
  }

  private ColumnVector wrap(NativeTensor tensor, ColumnTypes types, int rows, long... shape) {
    return TensorColumns.wrap(
        tensor, spec(DType.STRING, shape), "out", rows, rows, types, allocator);
  }

  private static Kind anyKind(Random random, byte[] value) {
    Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
    return kind.holds(value.length) ? kind : Kind.VIEW;
  }

  private static byte[] letters(Random random, int size) {
    byte[] letters = new byte[size];
    IntStream.range(0, size).forEach(i -> letters[i] = (byte) ('a' + random.nextInt(26)));
    return letters;
  }

  /** Lays strings out, mostly by hand, and checks that TensorFlow reads them as they were meant. */
  private NativeTensor tensor(List<byte[]> values, IntFunction<Kind> kinds, long... dims) {
    long inLine = (long) values.size() * STRING_BYTES;
    long behind = values.stream().mapToLong(value -> value.length).sum();
    TF_Tensor handle = TF_AllocateTensor(DType.STRING.number(), dims, dims.length, inLine + behind);
    long address = values.isEmpty() ? 0 : TF_TensorData(handle).address();
    long nextBehind = address + inLine;
    for (int i = 0; i < values.size(); i++) {
      byte[] value = values.get(i);
      long at = address + (long) i * STRING_BYTES;
      Kind kind = kinds.apply(i);
      long head = ((long) value.length << 2) | kind.number();
      Platform.setMemory(at, (byte) 0, STRING_BYTES);
      TF_TString string = new TF_TString(TF_TensorData(handle)).position(i);
      switch (kind) {
        case SMALL -> {
          Platform.putByte(null, at, (byte) head);
          copy(value, at + 1);
        }
        // TensorFlow frees these together with the tensor.
        case LARGE -> TF_TString_Copy(string, new BytePointer(value), value.length);
        case OFFSET -> {
          Platform.putInt(null, at, (int) head);
          Platform.putInt(null, at + 4, (int) (nextBehind - at));
          copy(value, nextBehind);
          nextBehind += value.length;
        }
        case VIEW -> {
          Platform.putLong(null, at, head);
          Platform.putLong(null, at + 8, outOfLine(value));
        }
      }
      assertThat(TF_TString_GetType(string)).isEqualTo(kind.number());
      assertThat(TF_TString_GetSize(string)).isEqualTo(value.length);
      byte[] read = new byte[value.length];
      TF_TString_GetDataPointer(string).get(read);
      assertThat(read).isEqualTo(value);
    }
    return NativeTensor.adopt(handle);
  }

  private long outOfLine(byte[] value) {
    long at = texts + textsUsed;
    textsUsed += value.length;
    assertThat(textsUsed).isLessThanOrEqualTo(TEXT_BYTES);
    copy(value, at);
    return at;
  }

  private static void copy(byte[] value, long to) {
    Platform.copyMemory(value, Platform.BYTE_ARRAY_OFFSET, null, to, value.length);
  }
}
