package io.tensorarrow.spark.python.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.NullVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.pojo.Schema;
import org.junit.jupiter.api.Test;

class ArrowMessageTest {
  /** A target on the heap. */
  private record Bytes(ByteBuffer all) implements ArrowMessage.Target {
    @Override
    public void write(long offset, byte[] bytes, int length) {
      all.put((int) offset, bytes, 0, length);
    }

    @Override
    public void write(long offset, ArrowBuf buffer) {
      buffer.getBytes(buffer.readerIndex(), all.slice((int) offset, (int) buffer.readableBytes()));
    }
  }

  private static List<FieldVector> columns(BufferAllocator allocator, int rows) {
    IntVector numbers = new IntVector("n", allocator);
    VarCharVector names = new VarCharVector("name", allocator);
    ListVector lists = ListVector.empty("list", allocator);
    UnionListWriter writer = lists.getWriter();
    for (int i = 0; i < rows; i++) {
      if (i % 3 == 0) {
        numbers.setNull(i);
      } else {
        numbers.setSafe(i, i);
      }
      names.setSafe(i, ("row " + i).getBytes(java.nio.charset.StandardCharsets.UTF_8));
      writer.setPosition(i);
      writer.startList();
      for (int k = 0; k < i % 4; k++) {
        writer.writeFloat4(i + k);
      }
      writer.endList();
    }
    numbers.setValueCount(rows);
    names.setValueCount(rows);
    lists.setValueCount(rows);
    return new ArrayList<>(List.of(numbers, names, lists));
  }

  @Test
  void messagesAreReadByArrowsReaderAndBuffersAreAligned() throws Exception {
    for (int rows : new int[] {1, 2, 63, 64, 1000}) {
      try (BufferAllocator allocator = new RootAllocator()) {
        List<FieldVector> columns = columns(allocator, rows);
        ArrowMessage arrowMessage = ArrowMessage.of(columns, rows);
        byte[] message = new byte[(int) arrowMessage.bytes()];
        arrowMessage.writeTo(new Bytes(ByteBuffer.wrap(message)), 0);
        checkAligned(message);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        stream.writeBytes(
            IpcMessages.schema(new Schema(columns.stream().map(FieldVector::getField).toList())));
        stream.writeBytes(message);

        try (ArrowStreamReader reader =
            new ArrowStreamReader(
                Channels.newChannel(new ByteArrayInputStream(stream.toByteArray())), allocator)) {
          assertThat(reader.loadNextBatch()).isTrue();
          VectorSchemaRoot root = reader.getVectorSchemaRoot();
          assertThat(root.getRowCount()).isEqualTo(rows);
          for (int c = 0; c < columns.size(); c++) {
            for (int i = 0; i < rows; i++) {
              assertThat(root.getVector(c).getObject(i)).isEqualTo(columns.get(c).getObject(i));
            }
          }
          // Lists that hold nothing have elements of no type.
          assertThat(((ListVector) root.getVector(2)).getDataVector())
              .isInstanceOf(rows > 1 ? Float4Vector.class : NullVector.class);
        }
        columns.forEach(FieldVector::close);
      }
    }
  }

  private static void checkAligned(byte[] message) {
    ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.getInt(0)).isEqualTo(-1);
    int metadata = bytes.getInt(4);
    int body = 8 + metadata;
    assertThat(body % ArrowMessage.ALIGNMENT).isZero();
    RecordBatch batch =
        (RecordBatch)
            Message.getRootAsMessage(bytes.position(8).slice().order(ByteOrder.LITTLE_ENDIAN))
                .header(new RecordBatch());
    assertThat(batch.buffersLength()).isGreaterThan(6);
    for (int i = 0; i < batch.buffersLength(); i++) {
      assertThat(batch.buffers(i).offset() % ArrowMessage.ALIGNMENT).isZero();
      assertThat(body + batch.buffers(i).offset() + batch.buffers(i).length())
          .isLessThanOrEqualTo(message.length);
    }
  }
}
