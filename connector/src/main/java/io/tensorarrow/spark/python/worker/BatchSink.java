package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import java.io.IOException;

/**
 * How the batches of a task get to its worker: one transfer mode. Belongs to the writing thread.
 */
interface BatchSink {
  /** Writes what comes before the batches, also if there are none. */
  void begin() throws IOException;

  /**
   * Hands over a batch, whose vectors may be freed afterwards.
   *
   * @param columns vectors of the same length; they stay the caller's
   * @param rows that length, at least 1
   */
  void write(ArrowColumns columns, int rows) throws IOException;

  /** Writes what comes after the batches. */
  void end() throws IOException;
}
