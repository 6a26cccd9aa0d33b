package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.DeclaredColumns;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** A stream whose schema Java's Arrow can read, whatever was sent. */
final class ReplyStream extends ArrowStreamReader {
  private List<Field> sent = List.of();

  ReplyStream(InputStream stream, BufferAllocator allocator) {
    super(stream, allocator);
  }

  @Override
  protected Schema readSchema() throws IOException {
    Schema schema = super.readSchema();
    sent = schema.getFields();
    return new Schema(
        sent.stream().map(DeclaredColumns::readable).toList(), schema.getCustomMetadata());
  }

  /** Returns the fields as they were sent. */
  List<Field> sent() {
    return sent;
  }
}
