package io.tensorarrow.spark.source;

import io.tensorarrow.spark.options.Handover;
import java.util.Set;
import org.apache.spark.sql.connector.read.Scan;

/** A scan that computes tensors, as planner rules see it. Immutable. */
public interface TensorScan {
  /** Returns how the batches of the scan are to get to Python functions. */
  Handover handover();

  /** Returns whether one batch may hold rows of several files. */
  boolean isAcrossFiles();

  /** Returns the scan for a query that does not ask which file a row is from. */
  Scan acrossFiles();

  /** Returns the names of the columns that the model computes. */
  Set<String> tensorColumns();
}
