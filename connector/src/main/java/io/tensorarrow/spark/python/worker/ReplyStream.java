package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowFields;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** An Arrow stream of a worker, whose float16 columns are read as uint16. */
final class ReplyStream extends ArrowStreamReader {
  private List<Field> sentFields = List.of();

  ReplyStream(InputStream stream, BufferAllocator allocator) {
    super(stream, allocator);
  }

  @Override
  protected Schema readSchema() throws IOException {
    Schema schema = super.readSchema();
    sentFields = schema.getFields();
    return new Schema(
        sentFields.stream().map(ArrowFields::readable).toList(), schema.getCustomMetadata());
  }

  /** Returns the fields as they were sent. */
  List<Field> sentFields() {
    return sentFields;
  }
}
