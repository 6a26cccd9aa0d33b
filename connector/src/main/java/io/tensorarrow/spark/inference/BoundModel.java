package io.tensorarrow.spark.inference;

import io.tensorarrow.spark.model.ModelReference;
import io.tensorarrow.spark.model.savedmodel.ModelGraph;
import io.tensorarrow.spark.model.savedmodel.ModelSignature;
import io.tensorarrow.spark.model.savedmodel.ModelState;
import io.tensorarrow.spark.model.savedmodel.SavedModelFile;
import io.tensorarrow.spark.model.store.ModelAccess;
import io.tensorarrow.spark.options.ReadOptions;
import org.apache.spark.sql.types.StructType;

/**
 * A model that was found, and what to run of it over columns that are known. Immutable.
 *
 * @param model how its files looked
 * @param signature the signature to run
 * @param spec what executors run
 * @param random whether it draws random numbers, so that equal rows may give different values
 */
public record BoundModel(
    ModelState model, ModelSignature signature, InferenceSpec spec, boolean random) {
  /**
   * Finds the signature that options name, or that is meant without a name.
   *
   * @throws io.tensorarrow.spark.errors.TensorArrowException as {@link ModelGraph#signature}
   */
  public static ModelSignature signature(ReadOptions options, ModelGraph graph) {
    return graph.signature(options.find(ReadOptions.SIGNATURE));
  }

  /**
   * Matches a signature with columns, and checks that its operations are allowed.
   *
   * @param options the options of the read or call
   * @param file the model
   * @param access how an executor gets at its files
   * @param graph the graph of the model that the options name
   * @param signature its signature to run
   * @param inputs the columns that can feed the model
   * @param beside the columns that the outputs come beside, whose names they must not have
   * @throws io.tensorarrow.spark.errors.TensorArrowException as {@link SignatureBinder#bind}, or
   *     with {@code TA_OP_NOT_ALLOWED}
   */
  public static BoundModel bind(
      ReadOptions options,
      SavedModelFile file,
      ModelAccess access,
      ModelGraph graph,
      ModelSignature signature,
      StructType inputs,
      StructType beside) {
    ModelReference reference =
        new ModelReference(
            file.location(),
            file.fingerprint(),
            graph.tags(),
            options.get(ReadOptions.ALLOW_OPS),
            access);
    InferenceSpec spec = new SignatureBinder(reference, signature, inputs, beside).bind(options);
    boolean random =
        graph.checkOps(
            reference.allowedOps(),
            spec.signature(),
            spec.outputs().stream().map(output -> output.tensor().name()).toList());
    return new BoundModel(file.state(), signature, spec, random);
  }
}
