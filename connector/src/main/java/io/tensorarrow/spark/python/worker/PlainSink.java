package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ArrowMessage;
import io.tensorarrow.spark.python.arrow.IpcMessages;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** Hands batches over through the socket, as they are. */
final class PlainSink implements BatchSink {
  private final WorkerStream stream;
  private final Schema schema;
  private final HandoverCounters counters;

  /** Takes the columns of the batches to come. */
  PlainSink(WorkerStream stream, List<Field> columns, HandoverCounters counters) {
    this.stream = stream;
    this.schema = new Schema(columns);
    this.counters = counters;
  }

  @Override
  public void begin() throws IOException {
    stream.write(IpcMessages.schema(schema));
  }

  @Override
  public void write(ArrowColumns columns, int rows) throws IOException {
    ArrowMessage.of(columns.vectors(), rows).writeTo(stream, 0);
    counters.arrow();
  }

  @Override
  public void end() throws IOException {
    stream.write(IpcMessages.endOfStream());
  }
}
