package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;

/**
 * The columns that cross the socket, in both directions. Immutable; shipped to the executors.
 *
 * @param input the columns that the function gets
 * @param forms how these go to the worker
 * @param output the columns that the function returns
 */
public record WireSchema(StructType input, ColumnForms forms, StructType output)
    implements Serializable {

  /**
   * Returns the fields of the batches that the function gets: those of Spark, with the tensors'
   * metadata, which Spark's own conversion to Arrow drops.
   */
  List<Field> inputFields(WorkerSettings settings) {
    List<Field> fields = arrowFields(input, settings);
    return IntStream.range(0, fields.size())
        .mapToObj(
            i ->
                TensorMetadata.labelled(
                    fields.get(i), input.fields()[i].metadata(), forms.nativeColumns().contains(i)))
        .toList();
  }

  /** Returns the fields that Spark has for the columns that the function declared. */
  List<Field> outputFields(WorkerSettings settings) {
    return arrowFields(output, settings);
  }

  private static List<Field> arrowFields(StructType columns, WorkerSettings settings) {
    return ArrowUtils.toArrowSchema(columns, settings.timeZone(), true, settings.largeVarTypes())
        .getFields();
  }
}
