package io.tensorarrow.spark.python.retained;

/** A batch whose rows wait for the results of Python. Closing may be repeated. */
interface WaitingBatch extends AutoCloseable {
  /** Returns how many rows it has. */
  int rows();

  /** Returns it in memory, owned by the caller; at most once, instead of closing this. */
  RetainedBatch open();

  @Override
  void close();
}
