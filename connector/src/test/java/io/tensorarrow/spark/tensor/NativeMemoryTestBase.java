package io.tensorarrow.spark.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.natives.NativeLibraries;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.spark.unsafe.Platform;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Makes each test a leak test: Arrow's allocators must close empty, and as many tensors live after
 * it as before.
 */
public abstract class NativeMemoryTestBase {
  static {
    NativeLibraries.ensureLoaded(Optional.empty());
  }

  private long liveBefore;
  private BufferAllocator root;
  protected BufferAllocator allocator;

  @BeforeEach
  public final void openAllocator() {
    liveBefore = NativeTensor.live();
    root = new RootAllocator();
    allocator = root.newChildAllocator("test", 0, Long.MAX_VALUE);
  }

  @AfterEach
  public final void nothingLeaked() {
    allocator.close();
    root.close();
    assertThat(NativeTensor.live()).as("live tensors").isEqualTo(liveBefore);
    assertThat(NativeTensor.liveStringBytes()).as("bytes of string tensors").isZero();
  }

  public static TensorSpec spec(DType dtype, long... shape) {
    return new TensorSpec("t", dtype, TensorShape.of(shape));
  }

  /** Returns a tensor of float32 that holds 0, 1, 2 and so on. */
  public static NativeTensor counting(long... dims) {
    NativeTensor tensor = NativeTensor.allocate(DType.FLOAT32, dims);
    for (long i = 0; i < tensor.elementCount(); i++) {
      Platform.putFloat(null, tensor.address() + i * Float.BYTES, (float) i);
    }
    return tensor;
  }
}
