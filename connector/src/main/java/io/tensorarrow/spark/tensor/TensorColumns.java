package io.tensorarrow.spark.tensor;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.vectorized.ArrowColumnVector;
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
  /** Metadata key: NumPy's name of the dtype, a string. */
  public static final String DTYPE_KEY = "tensor.dtype";

  /** Metadata key: the shape of one row, longs without the batch axis, -1 where unknown. */
  public static final String SHAPE_KEY = "tensor.shape";

  /** Metadata key: the tensor's name in the signature, a string. */
  public static final String NAME_KEY = "tensor.name";

  /** Metadata key: the model, a string without credentials. */
  public static final String MODEL_KEY = "tensor.model";

  /** Metadata key: the version of this connector, a string. */
  public static final String VERSION_KEY = "tensorarrow.version";

  /** What an unknown dimension counts where bytes are estimated. */
  private static final long UNKNOWN_DIM_ESTIMATE = 64;

  private TensorColumns() {}

  /**
   * Returns the Spark type of a tensor's column. Elements are never null.
   *
   * @param spec an output tensor, as the signature declares it
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if there is a reason
   *     by {@link #whyNotFetchable}
   */
  public static DataType columnType(TensorSpec spec) {
    DataType element = elementType(spec).sparkType();
    long[] rowDims = spec.shape().rowDims();
    if (rowDims.length == 0) {
      return element;
    }
    DataType data = DataTypes.createArrayType(element, false);
    if (Dims.unknowns(rowDims) <= 1) {
      return data;
    }
    return new StructType()
        .add("data", data, false)
        .add("shape", DataTypes.createArrayType(DataTypes.IntegerType, false), false);
  }

  /**
   * Returns why a tensor can't become a column: its dtype, no open batch axis, an unknown rank, or
   * rows too long for an array.
   *
   * @param spec an output tensor, as the signature declares it
   * @return what is in the way, to be read after "found", or empty if nothing is
   */
  public static Optional<String> whyNotFetchable(TensorSpec spec) {
    if (ElementType.of(spec.dtype()).isEmpty()) {
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
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if there is a reason
   *     by {@link #whyNotFetchable}
   */
  public static StructField field(
      TensorSpec spec, String columnName, String model, String connectorVersion) {
    DataType type = columnType(spec);
    Metadata metadata =
        new MetadataBuilder()
            .putString(DTYPE_KEY, spec.dtype().numpyName())
            .putLongArray(SHAPE_KEY, spec.shape().rowDims())
            .putString(NAME_KEY, spec.name())
            .putString(MODEL_KEY, model)
            .putString(VERSION_KEY, connectorVersion)
            .build();
    return new StructField(columnName, type, false, metadata);
  }

  /**
   * Makes a column over a tensor's own memory: nothing is copied, the Arrow buffer of the elements
   * has the tensor's address.
   *
   * <p>Takes the tensor over in every case: when this fails, it is closed; else the returned vector
   * owns it, together with the offsets and validity bits that it allocates, and closing the vector
   * (again does nothing) gives all of them back.
   *
   * @param tensor what the model returned, shape {@code [rows, ...]}
   * @param spec the output tensor, as the signature declares it
   * @param columnName the column's name
   * @param rows how many rows were fed
   * @param allocator counts the tensor's bytes and gives offsets and validity bits
   * @return an {@link ArrowColumnVector} of {@link #columnType}, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_OUTPUT_SHAPE} if dtype, rank, a known
   *     dimension or the batch size differs from {@code spec} and {@code rows}; with {@link
   *     ErrorCode#TA_UNSUPPORTED} if the batch has more elements than an Arrow list can address
   * @throws org.apache.arrow.memory.OutOfMemoryException if the allocator's limit is reached
   */
  public static ColumnVector wrap(
      NativeTensor tensor,
      TensorSpec spec,
      String columnName,
      int rows,
      BufferAllocator allocator) {
    try {
      ElementType element = elementType(spec);
      checkReturned(tensor, spec, columnName, rows);
      return new ArrowColumnVector(
          new TensorVectors(allocator).over(tensor, element, spec, columnName));
    } catch (Throwable fault) {
      tensor.close();
      throw fault;
    }
  }

  /**
   * Estimates how many bytes of tensor one row takes, by the signature: each unknown dimension
   * counts as 64. At most {@link Long#MAX_VALUE}.
   *
   * @param spec an input or output tensor, as the signature declares it
   */
  public static long bytesPerRow(TensorSpec spec) {
    List<Long> dims = spec.shape().dims().orElse(List.of(1L, TensorShape.UNKNOWN_DIM));
    long[] perRow = dims.stream().skip(1).mapToLong(Long::longValue).toArray();
    return Dims.productWith(Dims.withBatch(spec.dtype().byteSize(), perRow), UNKNOWN_DIM_ESTIMATE);
  }

  private static ElementType elementType(TensorSpec spec) {
    whyNotFetchable(spec)
        .ifPresent(
            why -> {
              throw new TensorArrowException(
                  ErrorCode.TA_TENSOR_UNSUPPORTED,
                  "Cannot fetch tensor "
                      + spec
                      + ": found "
                      + why
                      + "; expected float32, float64, int8, int16, int32 or int64 with an open"
                      + " first dimension for the batch, as in (-1, 10)");
            });
    return ElementType.of(spec.dtype()).orElseThrow();
  }

  private static void checkReturned(
      NativeTensor tensor, TensorSpec spec, String columnName, int rows) {
    long[] found = tensor.dims();
    long[] expected = Dims.withBatch(rows, spec.shape().rowDims());
    boolean fits = tensor.dtype() == spec.dtype() && found.length == expected.length;
    for (int i = 0; fits && i < expected.length; i++) {
      fits = expected[i] == TensorShape.UNKNOWN_DIM || expected[i] == found[i];
    }
    String fetching = "Cannot fetch tensor " + spec + " into column '" + columnName + "': found ";
    if (!fits) {
      throw new TensorArrowException(
          ErrorCode.TA_OUTPUT_SHAPE,
          fetching
              + tensor.dtype().numpyName()
              + " "
              + TensorShape.of(found)
              + "; expected "
              + spec.dtype().numpyName()
              + " "
              + TensorShape.of(expected)
              + ", one row for each of the "
              + rows
              + " that were fed");
    }
    if (tensor.elementCount() > Integer.MAX_VALUE
        || Arrays.stream(found).anyMatch(d -> d > Integer.MAX_VALUE)) {
      throw new TensorArrowException(
          ErrorCode.TA_UNSUPPORTED,
          fetching
              + tensor
              + " in one batch; expected at most "
              + Integer.MAX_VALUE
              + " elements: lower batchRows");
    }
  }
}
