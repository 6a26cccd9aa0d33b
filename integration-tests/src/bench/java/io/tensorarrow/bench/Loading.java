package io.tensorarrow.bench;

import io.tensorarrow.spark.model.EagerCall;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.tensor.CastMode;
import io.tensorarrow.spark.tensor.ColumnFeeder;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.RowSelection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;

/**
 * How long it takes from a SavedModel on disk to a loaded model, and from there to the first result
 * of one row, beside a session.
 */
final class Loading {
  private static final int ROUNDS = 12;

  private Loading() {}

  static void run() {
    measure("mlp", 128);
    measure("conv", 32 * 32 * 3);
  }

  private static void measure(String model, int width) {
    List<long[]> eager = new ArrayList<>();
    List<long[]> session = new ArrayList<>();
    try (WritableColumnVector column = Columns.floats(1, width)) {
      for (int round = 0; round < ROUNDS; round++) {
        Models.lease("strings").close();
        eager.add(eager(model, column));
        session.add(session(model, column));
      }
    }
    print(model, "TF_LoadSession", session);
    print(model, "eager", eager);
  }

  /** Returns the nanoseconds of loading and of the first call. */
  private static long[] eager(String model, WritableColumnVector column) {
    long start = System.nanoTime();
    try (ModelLease lease = Models.lease(model)) {
      long loaded = System.nanoTime();
      try (EagerCall call = lease.newCall("serving_default", List.of("y"));
          NativeTensor feed = feed(call, column)) {
        call.run(List.of(feed)).forEach(NativeTensor::close);
        return new long[] {loaded - start, System.nanoTime() - loaded};
      }
    }
  }

  private static long[] session(String model, WritableColumnVector column) {
    try (ModelLease lease = Models.lease(model);
        EagerCall call = lease.newCall("serving_default", List.of("y"));
        NativeTensor feed = feed(call, column)) {
      long start = System.nanoTime();
      try (NativeSession session =
          new NativeSession(Models.directory(model), Models.THREADS, List.of("x"), List.of("y"))) {
        long loaded = System.nanoTime();
        session.run(List.of(feed.handle()));
        return new long[] {loaded - start, System.nanoTime() - loaded};
      }
    }
  }

  private static NativeTensor feed(EagerCall call, WritableColumnVector column) {
    return ColumnFeeder.create(call.feeds().get(0), "x", Columns.FLOATS, CastMode.SAFE)
        .feed(column, RowSelection.range(0, 1));
  }

  private static void print(String model, String system, List<long[]> times) {
    System.out.printf(
        "%-28s %-24s load %7.1f ms, first call %7.1f ms (medians of %d rounds)%n",
        model, system, median(times, 0), median(times, 1), times.size() - 1);
  }

  /** The first round is dropped. */
  private static double median(List<long[]> times, int index) {
    long[] sorted = times.stream().skip(1).mapToLong(t -> t[index]).sorted().toArray();
    return Arrays.stream(sorted).skip(sorted.length / 2).findFirst().orElseThrow() / 1e6;
  }
}
