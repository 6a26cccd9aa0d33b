package io.tensorarrow.spark.testing;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.Pointer;

/** Fills and reads tensors without the code under test. */
public final class Tensors {
  private Tensors() {}

  /** Makes a float32 tensor, owned by the caller. */
  public static NativeTensor floats(float[] values, long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.FLOAT32, dims);
    bytes(tensor).asFloatBuffer().put(values);
    return tensor;
  }

  /** Makes a float64 tensor, owned by the caller. */
  public static NativeTensor doubles(double[] values, long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.FLOAT64, dims);
    bytes(tensor).asDoubleBuffer().put(values);
    return tensor;
  }

  /** Makes an int32 tensor, owned by the caller. */
  public static NativeTensor ints(int[] values, long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.INT32, dims);
    bytes(tensor).asIntBuffer().put(values);
    return tensor;
  }

  /** Makes an int64 tensor, owned by the caller. */
  public static NativeTensor longs(long[] values, long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.INT64, dims);
    bytes(tensor).asLongBuffer().put(values);
    return tensor;
  }

  /** Copies the elements of a float32 tensor. */
  public static float[] floats(NativeTensor tensor) {
    float[] values = new float[(int) tensor.elementCount()];
    bytes(tensor).asFloatBuffer().get(values);
    return values;
  }

  /** Copies the elements of a float64 tensor. */
  public static double[] doubles(NativeTensor tensor) {
    double[] values = new double[(int) tensor.elementCount()];
    bytes(tensor).asDoubleBuffer().get(values);
    return values;
  }

  /** Copies the elements of an int32 tensor. */
  public static int[] ints(NativeTensor tensor) {
    int[] values = new int[(int) tensor.elementCount()];
    bytes(tensor).asIntBuffer().get(values);
    return values;
  }

  /** Copies the elements of an int64 tensor. */
  public static long[] longs(NativeTensor tensor) {
    long[] values = new long[(int) tensor.elementCount()];
    bytes(tensor).asLongBuffer().get(values);
    return values;
  }

  /** Returns the address of a tensor's memory. */
  public static long address(NativeTensor tensor) {
    return TF_TensorData(tensor.handle()).address();
  }

  /** Returns the dimensions as a list, for assertions. */
  public static List<Long> dims(NativeTensor tensor) {
    return LongStream.of(tensor.dims()).boxed().toList();
  }

  /** Closes tensors. */
  public static void close(List<NativeTensor> tensors) {
    tensors.forEach(NativeTensor::close);
  }

  private static ByteBuffer bytes(NativeTensor tensor) {
    Pointer data = TF_TensorData(tensor.handle());
    return data.capacity(tensor.byteSize()).asByteBuffer().order(ByteOrder.nativeOrder());
  }
}
