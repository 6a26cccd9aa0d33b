package io.tensorarrow.bench;

import io.tensorarrow.spark.model.ModelLease;
import io.tensorarrow.spark.model.eager.EagerCall;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.List;
import java.util.function.IntFunction;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/**
 * A model to measure.
 *
 * @param model its name
 * @param title what the tables call it
 * @param feed its only input
 * @param type the type of the column that feeds it
 * @param column makes that column, of so many rows
 * @param fetches its outputs
 * @param batches the batch sizes to measure
 */
record Subject(
    String model,
    String title,
    String feed,
    DataType type,
    IntFunction<WritableColumnVector> column,
    List<String> fetches,
    List<Integer> batches) {
  static final List<Subject> ALL =
      List.of(
          new Subject(
              "mlp",
              "MLP",
              "x",
              Columns.FLOATS,
              rows -> Columns.floats(rows, 128),
              List.of("y"),
              List.of(1, 32, 1024)),
          new Subject(
              "conv",
              "conv net",
              "x",
              Columns.FLOATS,
              rows -> Columns.floats(rows, 32 * 32 * 3),
              List.of("y"),
              List.of(1, 32, 256)),
          new Subject(
              "strings",
              "strings",
              "text",
              DataTypes.StringType,
              rows -> Columns.strings(rows, 40),
              List.of("clean", "vector"),
              List.of(1, 32, 1024)));

  /** Makes a call of the model; it is owned by the caller. */
  EagerCall call(ModelLease lease) {
    return lease.newCall("serving_default", fetches);
  }

  /** Feeds a column of so many rows; the tensor is owned by the caller. */
  NativeTensor feed(EagerCall call, int rows) {
    try (WritableColumnVector values = column.apply(rows)) {
      return ColumnFeeder.create(call.feeds().get(0), feed, type, CastMode.SAFE)
          .feed(values, RowSelection.range(0, rows));
    }
  }
}
