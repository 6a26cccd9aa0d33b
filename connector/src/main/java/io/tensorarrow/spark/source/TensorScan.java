package io.tensorarrow.spark.source;

import io.tensorarrow.spark.options.Handover;
import java.util.Set;

/** A scan that computes tensors, as planner rules see it. Immutable. */
public interface TensorScan {
  /** Returns how the batches of the scan are to get to Python functions. */
  Handover handover();

  /** Returns the names of the columns that the model computes. */
  Set<String> tensorColumns();
}
