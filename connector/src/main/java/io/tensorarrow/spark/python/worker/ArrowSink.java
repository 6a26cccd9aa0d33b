package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ArrowMessage;
import io.tensorarrow.spark.python.arrow.IpcMessages;
import java.io.IOException;
import java.util.List;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** Hands batches over as an Arrow stream in the socket, as Spark's own workers expect them. */
final class ArrowSink implements BatchSink {
  private final WorkerStream stream;
  private final Schema schema;
  private final HandoverCounters counters;

  ArrowSink(WorkerStream stream, List<Field> columns, HandoverCounters counters) {
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
