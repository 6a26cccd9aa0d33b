package io.tensorarrow.spark.sql;

import io.tensorarrow.spark.inference.InferenceSpec;
import io.tensorarrow.spark.options.ConnectorVersion;
import io.tensorarrow.spark.tensor.fetch.TensorColumns;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * What a call of a model runs. Two equal targets over equal arguments give equal values, unless
 * they are random. Immutable.
 *
 * @param function the SQL function that was called, for messages
 * @param model the model's name, for messages and plans; without credentials
 * @param spec what to run; its inputs are named by {@code arguments}
 * @param arguments the names of the call's arguments
 * @param random whether equal rows may give different values
 */
public record PredictTarget(
    String function, String model, InferenceSpec spec, List<String> arguments, boolean random)
    implements Serializable {
  public PredictTarget {
    arguments = List.copyOf(arguments);
  }

  /** Returns the struct of all outputs, each with the metadata of its tensor. */
  public StructType outputs() {
    return new StructType(
        spec.outputs().stream()
            .map(
                output ->
                    TensorColumns.field(
                        output.tensor(),
                        output.column(),
                        model,
                        ConnectorVersion.current(),
                        spec.elements().types()))
            .toArray(StructField[]::new));
  }

  /** Returns the target that computes only some of the outputs. */
  PredictTarget computingOnly(List<Integer> ordinals) {
    return new PredictTarget(function, model, spec.computingOnlyAt(ordinals), arguments, random);
  }
}
