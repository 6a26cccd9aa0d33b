package io.tensorarrow.spark.python;

import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.FieldVector;

/** Hands batches over through the socket, as they are. */
final class PlainSink implements BatchSink {
  private final ArrowStream stream;
  private final List<Integer> sent;

  /**
   * Takes what to write.
   *
   * @param stream where
   * @param sent which of the columns, in which order
   */
  PlainSink(ArrowStream stream, List<Integer> sent) {
    this.stream = stream;
    this.sent = List.copyOf(sent);
  }

  @Override
  public void begin() throws IOException {
    stream.begin();
  }

  @Override
  public void write(List<FieldVector> columns, int rows) throws IOException {
    stream.write(sent.stream().map(columns::get).toList(), rows);
  }

  @Override
  public void end() throws IOException {
    stream.end();
  }
}
