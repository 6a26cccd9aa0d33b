package io.tensorarrow.bench;

import static org.tensorflow.internal.c_api.global.tensorflow.TFE_DeleteTensorHandle;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_NewTensorHandle;
import static org.tensorflow.internal.c_api.global.tensorflow.TFE_TensorHandleResolve;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_DeleteStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_NewStatus;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetDataPointer;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TString_GetSize;
import static org.tensorflow.internal.c_api.global.tensorflow.TF_TensorData;

import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.options.ColumnTypes;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.vectorized.ColumnVector;
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
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.tensorflow.internal.c_api.TFE_TensorHandle;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.TF_TString;
import org.tensorflow.ndarray.NdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TString;

/** Strings into a tensor and out of it, in nanoseconds per string. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class Strings {
  private static final int ROWS = 8_192;

  /** Names of the methods, and what the table calls them. */
  private static final Map<String, String> WAYS =
      new TreeMap<>(
          Map.of(
              "in", "in: Spark's column to a tensor",
              "inByJavaApi", "in: `TString.tensorOfBytes`",
              "out", "out: tensor to a column, UTF-8 checked",
              "outByCalls", "out: `TF_TString_GetDataPointer` to a `byte[]`"));

  /** Bytes of each string: up to 22 are in TensorFlow's own struct, more in memory beside it. */
  @Param({"8", "24", "100"})
  public int bytes;

  private WritableColumnVector column;
  private ModelLease natives;
  private EagerCall call;
  private ColumnFeeder feeder;
  private NativeTensor tensor;
  private TF_Status status;
  private TFE_TensorHandle shared;
  private BufferAllocator allocator;
  private NdArray<byte[]> arrays;

  static void run() throws RunnerException {
    Options options =
        new OptionsBuilder()
            .include(Strings.class.getName() + "\\.")
            .verbosity(VerboseMode.SILENT)
            .shouldFailOnError(true)
            .build();
    Map<String, Map<Integer, String>> cells = new TreeMap<>();
    for (RunResult result : new Runner(options).run()) {
      String benchmark = result.getParams().getBenchmark();
      double[] scores =
          result.getAggregatedResult().getIterationResults().stream()
              .mapToDouble(iteration -> iteration.getPrimaryResult().getScore())
              .toArray();
      cells
          .computeIfAbsent(
              benchmark.substring(benchmark.lastIndexOf('.') + 1), way -> new TreeMap<>())
          .put(Integer.valueOf(result.getParams().getParam("bytes")), Spread.of(scores).text(1));
    }
    List<String> header = new ArrayList<>(List.of("ns per string"));
    cells.get("in").keySet().forEach(length -> header.add(length + " bytes"));
    Figures figures = new Figures("strings", header);
    WAYS.forEach(
        (way, title) -> {
          List<String> row = new ArrayList<>(List.of(title));
          row.addAll(cells.get(way).values());
          figures.row(row);
        });
    figures.publish();
  }

  /** Loads TensorFlow with a model, and makes what the benchmarks read. */
  @Setup(Level.Trial)
  public void open() {
    natives = Models.lease(Models.reference("strings"));
    call = natives.newCall("serving_default", List.of("clean"));
    TensorSpec spec = call.feeds().get(0);
    column = Columns.strings(ROWS, bytes);
    feeder = ColumnFeeder.create(spec, "text", DataTypes.StringType, CastMode.SAFE);
    tensor = feeder.feed(column, RowSelection.range(0, ROWS));
    status = TF_NewStatus();
    shared = TFE_NewTensorHandle(tensor.handle(), status);
    allocator = new RootAllocator();
    arrays = NdArrays.ofObjects(byte[].class, Shape.of(ROWS));
    for (int row = 0; row < ROWS; row++) {
      arrays.setObject(column.getBinary(row), row);
    }
    requireRoundTrip();
  }

  private void requireRoundTrip() {
    try (ColumnVector back = wrap()) {
      for (int row = 0; row < ROWS; row++) {
        if (!back.getUTF8String(row).equals(column.getUTF8String(row))) {
          throw new IllegalStateException("row " + row + " came back as another string");
        }
      }
    }
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    TFE_DeleteTensorHandle(shared);
    TF_DeleteStatus(status);
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

  /** A tensor to a column. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void out() {
    wrap().close();
  }

  /** The tensor is taken over, so that it has to be another one each time, of the same memory. */
  private ColumnVector wrap() {
    NativeTensor output = NativeTensor.adopt(TFE_TensorHandleResolve(shared, status));
    return TensorColumns.wrap(
        output, feeder.spec(), "text", ROWS, ROWS, ColumnTypes.DEFAULT, allocator);
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
