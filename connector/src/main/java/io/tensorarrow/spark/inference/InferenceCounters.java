package io.tensorarrow.spark.inference;

/** What one task has done so far; plain numbers, readable after close. Not thread-safe. */
public final class InferenceCounters {
  private long rows;
  private long batches;
  private long loadNanos;
  private long feedNanos;
  private long runNanos;
  private long feedBytes;
  private long tensorBytes;

  /** Returns the rows run through the model. */
  public long rows() {
    return rows;
  }

  /** Returns the model calls. */
  public long batches() {
    return batches;
  }

  /** Returns the nanoseconds spent loading the model. */
  public long loadNanos() {
    return loadNanos;
  }

  /** Returns the nanoseconds spent copying columns into tensors. */
  public long feedNanos() {
    return feedNanos;
  }

  /** Returns the nanoseconds spent in model calls. */
  public long runNanos() {
    return runNanos;
  }

  /** Returns the bytes copied into input tensors. */
  public long feedBytes() {
    return feedBytes;
  }

  /** Returns the bytes of output tensors that became columns without a copy. */
  public long tensorBytes() {
    return tensorBytes;
  }

  void loaded(long nanos) {
    loadNanos += nanos;
  }

  void fed(long bytes, long nanos) {
    feedBytes += bytes;
    feedNanos += nanos;
  }

  void ran(int rowsRun, long nanos) {
    rows += rowsRun;
    batches++;
    runNanos += nanos;
  }

  void fetched(long bytes) {
    tensorBytes += bytes;
  }
}
