package io.tensorarrow.spark.tensor.fetch;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.Dims;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorShape;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ColumnVector;

/**
 * Spark's side of output tensors: the type and metadata of their columns, and columns over their
 * memory.
 *
 * <p>{@code [batch]} is a primitive column; {@code [batch, ...]} with at most one unknown inner
 * dimension a flat row-major {@code array<T>}; with more unknown ones a {@code struct<data:
 * array<T>, shape: array<int>>}. Nothing is ever null.
 *
 * <p>Static and usable by any thread.
 */
public final class TensorColumns {
  /** What an unknown dimension counts where bytes are estimated. */
  private static final long UNKNOWN_DIM_ESTIMATE = 64;

  /** Of one row of a sparse tensor. */
  private static final long STORED_ESTIMATE = 64;

  /** What a string counts besides its handle in the tensor. */
  private static final int STRING_ESTIMATE = 40;

  private TensorColumns() {}

  /**
   * Returns the Spark type of a tensor's column. Elements are never null.
   *
   * <p>float32, float64 and the signed integers are Spark's own types. float16 and bfloat16 become
   * FLOAT; uint8, uint16 and uint32 the next wider SHORT, INT and LONG; uint64 DECIMAL(20,0);
   * complex numbers a struct of {@code re} and {@code im}; strings STRING or BINARY. Quantized
   * numbers are the integers that hold them (qint8 BYTE, quint8 SHORT, qint16 SHORT, quint16 INT,
   * qint32 INT), int4 and uint4 BYTE, and the 8-bit floats their bits, as a SHORT from 0 to 255.
   * The rows of a uint8 tensor with inner dimensions may be BINARY instead of arrays.
   *
   * @param spec an output tensor, as the signature declares it
   * @param types what is wanted where there is a choice
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if there is a reason
   *     by {@link #whyNotFetchable}
   */
  public static DataType columnType(TensorSpec spec, ColumnTypes types) {
    whyNotFetchable(spec)
        .ifPresent(
            why -> {
              throw unfetchable(spec, why);
            });
    OutputElement element = element(spec, types);
    long[] rowDims = spec.shape().rowDims();
    if (rowDims.length == 0) {
      return element.sparkType();
    }
    DataType data = element.sparkTypeOfRow();
    if (Dims.unknowns(rowDims) <= 1) {
      return data;
    }
    return new StructType()
        .add("data", data, false)
        .add("shape", DataTypes.createArrayType(DataTypes.IntegerType, false), false);
  }

  /**
   * Returns why a tensor can't become a column: its dtype, no batch axis, an unknown rank, or rows
   * too long for an array. Whether a fixed first dimension is the batch's depends on the signature.
   *
   * @param spec an output tensor, as the signature declares it
   * @return what is in the way, to be read after "found", or empty if nothing is
   */
  public static Optional<String> whyNotFetchable(TensorSpec spec) {
    if (OutputElement.of(spec, ColumnTypes.DEFAULT).isEmpty()) {
      return Optional.of("dtype " + spec.dtype().numpyName());
    }
    return Dims.whyNotRows(spec.shape());
  }

  /**
   * Returns the column of a tensor, not nullable, with {@code tensor.dtype} (NumPy's name), {@code
   * tensor.shape} (longs without the batch axis, -1 where unknown), {@code tensor.name}, {@code
   * tensor.model} and {@code tensorarrow.version} as metadata.
   *
   * @param spec an output tensor, as the signature declares it
   * @param columnName the column's name
   * @param model what to call the model, without credentials
   * @param connectorVersion the version of this connector
   * @param types what is wanted where there is a choice
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if there is a reason
   *     by {@link #whyNotFetchable}
   */
  public static StructField field(
      TensorSpec spec,
      String columnName,
      String model,
      String connectorVersion,
      ColumnTypes types) {
    DataType type = columnType(spec, types);
    TensorMetadata tensor =
        new TensorMetadata(
            spec.dtype(),
            Arrays.stream(spec.shape().rowDims()).boxed().toList(),
            Optional.of(spec.name()),
            Optional.of(model),
            Optional.of(connectorVersion));
    Metadata metadata = tensor.writeTo(new MetadataBuilder()).build();
    return new StructField(columnName, type, false, metadata);
  }

  /**
   * Makes a column over a tensor's own memory: nothing is copied, the column reads the elements
   * where TensorFlow left them. Strings are the one exception: they are copied, and their tensor is
   * closed at once.
   *
   * <p>Takes the tensor over in every case: when this fails, it is closed; else the returned vector
   * owns it, together with all that it allocates, and closing the vector (again does nothing) gives
   * all of it back.
   *
   * @param tensor what the model returned, shape {@code [rows, ...]}
   * @param spec the output tensor, as the signature declares it
   * @param columnName the column's name
   * @param rows how many rows were fed
   * @param keptRows how many of them, from the first, the column has; the others were padding
   * @param types what is wanted where there is a choice
   * @param allocator counts the tensor's bytes and gives offsets, validity bits and strings
   * @return a vector of {@link #columnType} without nulls, owned by the caller: an {@link
   *     org.apache.spark.sql.vectorized.ArrowColumnVector} for the types that it can read
   * @throws TensorArrowException with {@link ErrorCode#TA_OUTPUT_NOT_BATCHED} if the batch size is
   *     not {@code rows} or the batch axis is missing; with {@link ErrorCode#TA_OUTPUT_SHAPE} if
   *     dtype, rank or a known dimension differs from {@code spec}; with {@link
   *     ErrorCode#TA_OUTPUT_STRING} if text is not valid UTF-8; with {@link
   *     ErrorCode#TA_UNSUPPORTED} if the batch has more elements, or more bytes of strings, than an
   *     array can address
   * @throws org.apache.arrow.memory.OutOfMemoryException if the allocator's limit is reached
   */
  public static ColumnVector wrap(
      NativeTensor tensor,
      TensorSpec spec,
      String columnName,
      int rows,
      int keptRows,
      ColumnTypes types,
      BufferAllocator allocator) {
    try {
      OutputColumn column = new OutputColumn(spec, columnName, element(spec, types));
      checkReturned(tensor, column, rows);
      return new TensorVectors(column, keptRows, allocator).over(tensor);
    } catch (Throwable e) {
      tensor.close();
      throw e;
    }
  }

  /**
   * Makes a column over the elements of a tensor that was a column before, and is elsewhere now.
   *
   * @param elements the tensor's bytes, taken over in every case; freed when the column is closed
   * @param field the column, with a tensor's metadata; of numbers or booleans
   * @param dims the tensor's shape, rows first
   * @param allocator gives offsets and validity bits
   * @return a vector of the field's type without nulls, owned by the caller
   * @throws IllegalArgumentException if the bytes are not as many as the shape needs, or the field
   *     is not that of a tensor of numbers
   */
  public static ColumnVector over(
      ArrowBuf elements, StructField field, long[] dims, BufferAllocator allocator) {
    try {
      TensorSpec spec =
          TensorMetadata.of(field)
              .filter(tensor -> tensor.dtype() != DType.STRING)
              .map(tensor -> tensor.spec(field.name()))
              .orElseThrow(() -> new IllegalArgumentException("no numbers in " + field));
      if (elements.capacity() != Math.multiplyExact(product(dims), spec.dtype().byteSize())) {
        throw new IllegalArgumentException(
            elements.capacity() + " bytes of " + spec.dtype() + " " + Arrays.toString(dims));
      }
      ColumnTypes.Bytes bytes =
          cellType(field.dataType()) instanceof BinaryType
              ? ColumnTypes.Bytes.BINARY
              : ColumnTypes.Bytes.ARRAY;
      OutputElement element = element(spec, new ColumnTypes(ColumnTypes.DEFAULT.strings(), bytes));
      OutputColumn column = new OutputColumn(spec, field.name(), element);
      TensorVectors vectors = new TensorVectors(column, Math.toIntExact(dims[0]), allocator);
      RowForm form = vectors.form(dims);
      ArrowBuf taken = elements.getReferenceManager().retain(elements, allocator);
      return vectors.over(List.of(taken), form);
    } finally {
      elements.close();
    }
  }

  private static long product(long[] dims) {
    return Arrays.stream(dims).reduce(1, Math::multiplyExact);
  }

  /** Returns the type of a row's elements where a struct says the shape, too. */
  static DataType cellType(DataType columnType) {
    return columnType instanceof StructType struct && struct.fieldNames()[0].equals("data")
        ? struct.apply(0).dataType()
        : columnType;
  }

  /**
   * Returns how many bytes a column made by {@link #wrap} shares with its tensor: none of strings.
   *
   * @param tensor what the model returned; also after close
   * @param keptRows how many of its rows the column has
   */
  public static long sharedBytes(NativeTensor tensor, int keptRows) {
    long rows = tensor.dims()[0];
    return tensor.dtype() == DType.STRING || rows == 0 ? 0 : tensor.byteSize() / rows * keptRows;
  }

  /**
   * Estimates how many bytes of tensor one row takes, by the signature: each unknown dimension
   * counts as 64, each string 40 bytes besides its handle; of a sparse row at most 64 elements are
   * stored, with their places. At most {@link Long#MAX_VALUE}.
   *
   * @param spec an input or output tensor, as the signature declares it
   */
  public static long bytesPerRow(TensorSpec spec) {
    List<Long> dims = spec.shape().dims().orElse(List.of(1L, TensorShape.UNKNOWN_DIM));
    long[] perRow = dims.stream().skip(1).mapToLong(Long::longValue).toArray();
    int element = spec.dtype().byteSize() + (spec.dtype() == DType.STRING ? STRING_ESTIMATE : 0);
    if (spec.sparse()) {
      long stored = Math.min(Dims.productWith(perRow, UNKNOWN_DIM_ESTIMATE), STORED_ESTIMATE);
      return stored * (element + (long) Long.BYTES * dims.size());
    }
    return Dims.productWith(Dims.withBatch(element, perRow), UNKNOWN_DIM_ESTIMATE);
  }

  private static OutputElement element(TensorSpec spec, ColumnTypes types) {
    return OutputElement.of(spec, types)
        .orElseThrow(() -> unfetchable(spec, "dtype " + spec.dtype().numpyName()));
  }

  private static TensorArrowException unfetchable(TensorSpec spec, String why) {
    return TensorArrowException.cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "fetch tensor %s", spec)
        .found("%s", why)
        .expected(
            "numbers, booleans or strings with a first dimension for the batch, as in (-1, 10)");
  }

  private static void checkReturned(NativeTensor tensor, OutputColumn column, int rows) {
    long[] dims = tensor.dims();
    long[] expectedDims = Dims.withBatch(rows, column.spec().shape().rowDims());
    boolean isDeclaredDtype = tensor.dtype() == column.spec().dtype();
    if (isDeclaredDtype && lacksBatch(dims, expectedDims)) {
      throw unexpected(ErrorCode.TA_OUTPUT_NOT_BATCHED, tensor, column, expectedDims);
    }
    if (!isDeclaredDtype || !Dims.fit(dims, expectedDims)) {
      throw unexpected(ErrorCode.TA_OUTPUT_SHAPE, tensor, column, expectedDims);
    }
    if (tensor.elementCount() > Integer.MAX_VALUE
        || Arrays.stream(dims).anyMatch(dim -> dim > Integer.MAX_VALUE)) {
      throw column
          .cannotFetch(ErrorCode.TA_UNSUPPORTED)
          .found("%s in one batch", tensor)
          .inRowsOfCall()
          .expected("at most %s elements: lower batchRows", Integer.MAX_VALUE);
    }
  }

  private static TensorArrowException unexpected(
      ErrorCode code, NativeTensor tensor, OutputColumn column, long[] expectedDims) {
    return column
        .cannotFetch(code)
        .found("%s", tensor)
        .inRowsOfCall()
        .expected(
            "%s %s, one row for each of the %s that were fed",
            column.spec().dtype().numpyName(), TensorShape.of(expectedDims), expectedDims[0]);
  }

  /** Whether there is no batch axis, or another number of rows along it than expected. */
  private static boolean lacksBatch(long[] dims, long[] expected) {
    return dims.length == 0
        || dims[0] != expected[0]
        || Dims.fit(dims, Arrays.copyOfRange(expected, 1, expected.length));
  }
}
