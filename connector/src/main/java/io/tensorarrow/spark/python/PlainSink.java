package io.tensorarrow.spark.python;

import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.FieldVector;

/** Hands batches over through the socket, as they are. */
final class PlainSink implements BatchSink {
  private final ArrowStream stream;
  private final HandoverCounters counters;

  PlainSink(ArrowStream stream, HandoverCounters counters) {
    this.stream = stream;
    this.counters = counters;
  }

  @Override
  public void begin() throws IOException {
    stream.begin();
  }

  @Override
  public void write(List<FieldVector> columns, int rows) throws IOException {
    stream.write(columns, rows);
    counters.plain();
  }

  @Override
  public void end() throws IOException {
    stream.end();
  }
}
