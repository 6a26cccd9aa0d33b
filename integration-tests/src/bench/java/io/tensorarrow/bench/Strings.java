package io.tensorarrow.bench;

import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetDataPointer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetSize;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.model.EagerCall;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.tensor.CastMode;
import io.tensorarrow.spark.tensor.ColumnFeeder;
import io.tensorarrow.spark.tensor.ColumnTypes;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.RowSelection;
import io.tensorarrow.spark.tensor.TensorColumns;
import io.tensorarrow.spark.tensor.TensorSpec;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.ndarray.NdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.types.TString;

/** Strings into a tensor and out of it, in nanoseconds per string. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 7, time = 1)
public class Strings {
  private static final int ROWS = 100_000;

  /** Bytes of each string: up to 22 lie in TensorFlow's own struct, more in memory beside it. */
  @Param({"8", "40"})
  public int bytes;

  private WritableColumnVector column;
  private ModelLease natives;
  private EagerCall call;
  private ColumnFeeder feeder;
  private NativeTensor tensor;
  private BufferAllocator allocator;
  private NdArray<byte[]> arrays;

  /** Loads TensorFlow with a model, and makes what the benchmarks read. */
  @Setup(Level.Trial)
  public void open() {
    natives = Models.lease("strings");
    call = natives.newCall("serving_default", java.util.List.of("clean"));
    TensorSpec spec = call.feeds().get(0);
    column = Columns.strings(ROWS, bytes);
    feeder = ColumnFeeder.create(spec, "text", DataTypes.StringType, CastMode.SAFE);
    tensor = feeder.feed(column, RowSelection.range(0, ROWS));
    allocator = new RootAllocator();
    arrays = NdArrays.ofObjects(byte[].class, org.tensorflow.ndarray.Shape.of(ROWS));
    for (int row = 0; row < ROWS; row++) {
      arrays.setObject(column.getBinary(row), row);
    }
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    tensor.close();
    column.close();
    allocator.close();
    call.close();
    natives.close();
  }

  /** Spark's column to a tensor. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void in() {
    feeder.feed(column, RowSelection.range(0, ROWS)).close();
  }

  /** Spark's column to a tensor, and the tensor to a column: the way out is the difference. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void inAndOut() {
    NativeTensor fed = feeder.feed(column, RowSelection.range(0, ROWS));
    TensorColumns.wrap(fed, feeder.spec(), "text", ROWS, ROWS, ColumnTypes.DEFAULT, allocator)
        .close();
  }

  /** The way in of TensorFlow's Java API, from byte arrays. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void inByJavaApi() {
    TString.tensorOfBytes(arrays).close();
  }

  /** The way out by the C API's functions, to byte arrays. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void outByCalls(Blackhole hole) {
    TF_TString strings = new TF_TString(TF_TensorData(tensor.handle()));
    for (int row = 0; row < ROWS; row++) {
      strings.position(row);
      byte[] bytesOfRow = new byte[(int) TF_TString_GetSize(strings)];
      TF_TString_GetDataPointer(strings).get(bytesOfRow);
      hole.consume(bytesOfRow);
    }
  }
}
