package io.tensorarrow.spark.python;

import java.io.IOException;

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
  public void write(ArrowColumns columns, int rows) throws IOException {
    stream.write(columns.vectors(), rows);
    counters.plain();
  }

  @Override
  public void end() throws IOException {
    stream.end();
  }
}
