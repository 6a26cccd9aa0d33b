package io.tensorarrow.bench;

import io.tensorarrow.spark.model.EagerCall;
import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.tensor.CastMode;
import io.tensorarrow.spark.tensor.ColumnFeeder;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.RowSelection;
import java.util.List;
import java.util.function.IntFunction;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/** The eager call beside TF_SessionRun: same model, same batch, same threads. */
final class EagerAgainstSession {
  /** A model, the column that feeds its only input, its outputs and the batch sizes to measure. */
  private record Subject(
      String model,
      String feed,
      DataType type,
      IntFunction<WritableColumnVector> column,
      List<String> fetches,
      List<Integer> batches) {}

  private static final List<Subject> SUBJECTS =
      List.of(
          new Subject(
              "mlp",
              "x",
              Columns.FLOATS,
              rows -> Columns.floats(rows, 128),
              List.of("y"),
              List.of(1, 32, 1024)),
          new Subject(
              "conv",
              "x",
              Columns.FLOATS,
              rows -> Columns.floats(rows, 32 * 32 * 3),
              List.of("y"),
              List.of(1, 32, 256)),
          new Subject(
              "strings",
              "text",
              DataTypes.StringType,
              rows -> Columns.strings(rows, 40),
              List.of("clean", "vector"),
              List.of(1, 32, 1024)));

  private EagerAgainstSession() {}

  static void run() {
    SUBJECTS.forEach(EagerAgainstSession::measure);
  }

  private static void measure(Subject subject) {
    try (ModelLease lease = Models.lease(subject.model());
        EagerCall call = lease.newCall("serving_default", subject.fetches());
        NativeSession session =
            new NativeSession(
                Models.directory(subject.model()),
                Models.THREADS,
                List.of(subject.feed()),
                subject.fetches())) {
      for (int batch : subject.batches()) {
        try (WritableColumnVector column = subject.column().apply(batch);
            NativeTensor feed =
                ColumnFeeder.create(
                        call.feeds().get(0), subject.feed(), subject.type(), CastMode.SAFE)
                    .feed(column, RowSelection.range(0, batch))) {
          new SideBySide(subject.model() + ", batch " + batch)
              .add("TF_SessionRun", () -> session.run(List.of(feed.handle())))
              .add("eager call", () -> call.run(List.of(feed)).forEach(NativeTensor::close))
              .run();
        }
      }
    }
  }
}
