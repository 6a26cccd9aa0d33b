package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.options.CastMode;
import io.tensorarrow.spark.tensor.NativeTensor;
import io.tensorarrow.spark.tensor.TensorSpec;
import io.tensorarrow.spark.tensor.feed.ColumnFeeder;
import io.tensorarrow.spark.tensor.feed.SparseFeeder;
import io.tensorarrow.spark.tensor.vector.RowSelection;
import java.util.List;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.vectorized.ColumnVector;

/** Feeds one input of a signature, dense or sparse. */
interface InputFeeder {
  /**
   * Checks that a column can be fed to an input.
   *
   * @throws TensorArrowException as {@link ColumnFeeder#create} and {@link SparseFeeder#create} say
   */
  static InputFeeder create(TensorSpec tensor, String column, DataType type, CastMode cast) {
    if (tensor.sparse()) {
      return SparseFeeder.create(tensor, column, type, cast)::feed;
    }
    ColumnFeeder feeder = ColumnFeeder.create(tensor, column, type, cast);
    return (vector, rows) -> List.of(feeder.feed(vector, rows));
  }

  /**
   * Copies rows into tensors.
   *
   * @param vector a vector of the column's type; read only during the call
   * @param rows which of its rows
   * @return one tensor for each of the input's {@link TensorSpec#parts}, in that order, owned by
   *     the caller
   * @throws TensorArrowException if the rows do not fit; nothing is left allocated then
   */
  List<NativeTensor> feed(ColumnVector vector, RowSelection rows);
}
