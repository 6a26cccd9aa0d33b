package io.tensorarrow.spark.tensor;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_AllocateTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteTensor;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_Dim;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NumDims;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorByteSize;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorType;

import io.tensorarrow.spark.errors.CannotMessage;
import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.unsafe.Platform;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.tensorflow.internal.c_api.TF_Tensor;

/**
 * One TensorFlow tensor in native memory. It has exactly one owner at a time, who closes it; giving
 * it to a method that "takes over" passes that duty on.
 *
 * <p>TensorFlow's native libraries must be loaded before the first tensor is made: a model's lease
 * sees to it.
 *
 * <p>Not thread-safe, not bound to a thread: it may be closed by another thread than the one that
 * made it, and after its model.
 */
public final class NativeTensor implements AutoCloseable {
  private static final AtomicLong LIVE = new AtomicLong();

  private static final int MAX_DIMS = 254;

  private final DType dtype;
  private final long[] dims;
  private final long elementCount;
  private final long address;
  private long byteSize;
  private @Nullable TF_Tensor tensor;

  private NativeTensor(TF_Tensor tensor, DType dtype, long[] dims, long address) {
    this.tensor = tensor;
    this.dtype = dtype;
    this.dims = dims;
    this.elementCount = elementCount(dims);
    this.byteSize = TF_TensorByteSize(tensor);
    this.address = address;
    LIVE.incrementAndGet();
  }

  /**
   * Allocates a tensor. Its memory is 64-byte aligned and not initialised, or holds empty strings.
   *
   * @param dtype any dtype but resources and variants
   * @param dims the sizes of all dimensions, the batch axis first; none for a scalar
   * @return the tensor, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_RUN} if the memory can't be had,
   *     with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if TensorFlow has no such shape
   * @throws IllegalArgumentException if the dtype is resource or variant, or a dimension negative
   */
  public static NativeTensor allocate(DType dtype, long... dims) {
    if (dtype.byteSize() == 0) {
      throw new IllegalArgumentException("elements of " + dtype + " are no memory");
    }
    long bytes = byteSize(dtype, dims);
    TF_Tensor tensor =
        dtype == DType.STRING
            ? allocateStrings(dims, bytes)
            : TF_AllocateTensor(dtype.number(), dims, dims.length, bytes);
    if (tensor == null || tensor.isNull()) {
      throw outOfMemory(dtype, dims, bytes);
    }
    long address = address(tensor);
    if (address == 0 && bytes > 0) {
      TF_DeleteTensor(tensor);
      throw outOfMemory(dtype, dims, bytes);
    }
    return new NativeTensor(tensor, dtype, dims.clone(), address);
  }

  /**
   * Takes over a tensor that TensorFlow made.
   *
   * @param tensor a tensor that the caller owned; it is deleted if it can't be taken over
   * @return the tensor, owned by the caller
   * @throws TensorArrowException with {@link ErrorCode#TA_TENSOR_UNSUPPORTED} if its dtype is none
   *     that is known
   */
  public static NativeTensor adopt(TF_Tensor tensor) {
    int number = TF_TensorType(tensor);
    DType dtype =
        DType.ofNumber(number)
            .orElseThrow(
                () -> {
                  TF_DeleteTensor(tensor);
                  return TensorArrowException.cannot(ErrorCode.TA_TENSOR_UNSUPPORTED, "use tensor")
                      .found("TensorFlow dtype number %s", number)
                      .expected("one of the dtypes of TensorFlow 2.18");
                });
    long[] dims = new long[TF_NumDims(tensor)];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = TF_Dim(tensor, i);
    }
    return new NativeTensor(tensor, dtype, dims, address(tensor));
  }

  /** Returns how many tensors of this JVM are not closed yet, for metrics and leak tests. */
  public static long live() {
    return LIVE.get();
  }

  /**
   * Returns how many bytes of string tensors that were allocated here are not freed yet, for leak
   * tests. They are freed when the tensor and all tensors that share its memory are closed.
   */
  public static long liveStringBytes() {
    return StringMemory.liveBytes();
  }

  /** Returns the element type; also after close. */
  public DType dtype() {
    return dtype;
  }

  /** Returns a copy of the sizes of all dimensions, the batch axis first; also after close. */
  public long[] dims() {
    return dims.clone();
  }

  /** Returns the product of the dimensions, 1 for a scalar; also after close. */
  public long elementCount() {
    return elementCount;
  }

  /**
   * Returns the size of the tensor's memory in bytes, with the texts that are in blocks of their
   * own if it was allocated here; also after close.
   */
  public long byteSize() {
    return byteSize;
  }

  /**
   * Returns TensorFlow's own object, for calls into its C API. It stays owned by this tensor and is
   * valid until close.
   *
   * @throws IllegalStateException after close
   */
  public TF_Tensor handle() {
    if (tensor == null) {
      throw closed();
    }
    return tensor;
  }

  /**
   * Returns where the elements are, row-major and 64-byte aligned; 0 if there are none.
   *
   * @throws IllegalStateException after close
   */
  public long address() {
    if (tensor == null) {
      throw closed();
    }
    return address;
  }

  /**
   * Adds memory for the texts of strings.
   *
   * @param bytes how much
   * @return its address; it is freed with the memory of this tensor
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_RUN} if the memory can't be had
   */
  public long addTextMemory(long bytes) {
    try {
      long block = StringMemory.addBlock(address(), bytes);
      byteSize += bytes;
      return block;
    } catch (OutOfMemoryError e) {
      throw outOfMemory(dtype, dims, bytes);
    }
  }

  /**
   * Returns a tensor with the same numbers in memory of its own, owned by the caller.
   *
   * @throws TensorArrowException with {@link ErrorCode#TA_MODEL_RUN} if the memory can't be had
   * @throws IllegalStateException for strings, which point to their texts, and after close
   */
  public NativeTensor copy() {
    if (dtype == DType.STRING) {
      throw new IllegalStateException("strings are more than their bytes");
    }
    long source = address();
    NativeTensor copy = allocate(dtype, dims);
    Platform.copyMemory(null, source, null, copy.address(), byteSize);
    return copy;
  }

  /** Returns whether the memory was given back. */
  public boolean isClosed() {
    return tensor == null;
  }

  /** Gives the memory back. Closing again does nothing. */
  @Override
  public void close() {
    TF_Tensor open = tensor;
    if (open != null) {
      tensor = null;
      TF_DeleteTensor(open);
      LIVE.decrementAndGet();
    }
  }

  /** Returns for instance {@code float32 (1024, 10)}. */
  @Override
  public String toString() {
    return dtype.numpyName() + " " + TensorShape.of(dims) + (tensor == null ? " (closed)" : "");
  }

  private static @Nullable TF_Tensor allocateStrings(long[] dims, long bytes) {
    try {
      return StringMemory.tensor(dims, bytes);
    } catch (OutOfMemoryError e) {
      return null;
    }
  }

  /** TensorFlow ends the process over a shape that it can't have: it must never see one. */
  private static long byteSize(DType dtype, long[] dims) {
    if (dims.length > MAX_DIMS) {
      throw cannotHave(dtype).found("%s dimensions", dims.length).expected("at most %s", MAX_DIMS);
    }
    try {
      return Math.multiplyExact(elementCount(dims), dtype.byteSize());
    } catch (ArithmeticException e) {
      throw cannotHave(dtype)
          .found(
              "dimensions %s, more bytes than a number of 64 bits can count", TensorShape.of(dims))
          .expected("fewer (lower batchRows, or check the model's signature)");
    }
  }

  /** The product has to fit without the zeros too: TensorFlow wants it so. */
  private static long elementCount(long[] dims) {
    long count = 1;
    boolean empty = false;
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("negative dimension in " + TensorShape.of(dims));
      }
      if (dim == 0) {
        empty = true;
      } else {
        count = Math.multiplyExact(count, dim);
      }
    }
    return empty ? 0 : count;
  }

  private static long address(TF_Tensor tensor) {
    Pointer data = TF_TensorData(tensor);
    return data == null ? 0 : data.address();
  }

  private IllegalStateException closed() {
    return new IllegalStateException("tensor is closed: " + this);
  }

  /** Begins the error of a shape that TensorFlow does not have. */
  private static CannotMessage cannotHave(DType dtype) {
    return TensorArrowException.cannot(
            ErrorCode.TA_TENSOR_UNSUPPORTED, "allocate tensor of '%s'", dtype.numpyName())
        .forRowsOfCall();
  }

  private static TensorArrowException outOfMemory(DType dtype, long[] dims, long bytes) {
    return TensorArrowException.cannot(
            ErrorCode.TA_MODEL_RUN,
            "allocate tensor '%s %s'",
            dtype.numpyName(),
            TensorShape.of(dims))
        .forRowsOfCall()
        .found("no %s bytes of native memory", bytes)
        .expected("enough of it (lower batchRows or raise spark.executor.memoryOverhead)");
  }
}
