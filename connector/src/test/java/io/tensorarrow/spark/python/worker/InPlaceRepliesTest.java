package io.tensorarrow.spark.python.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.python.arrow.DeclaredColumns;
import io.tensorarrow.spark.python.shm.SegmentLayout;
import io.tensorarrow.spark.python.shm.SegmentLease;
import io.tensorarrow.spark.python.shm.SegmentPool;
import io.tensorarrow.spark.tensor.DType;
import io.tensorarrow.spark.tensor.fetch.TensorMetadata;
import io.tensorarrow.spark.testing.SparkTestBase;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.UInt2Vector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.spark.TaskContext$;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MetadataBuilder;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.ArrowUtils;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import scala.collection.immutable.Map;

/** Replies of functions that change tensors in place, valid and invalid ones. */
class InPlaceRepliesTest extends SparkTestBase {
  private static final StructField TENSOR =
      new StructField(
          "p",
          DataTypes.createArrayType(DataTypes.FloatType, false),
          false,
          new TensorMetadata(DType.FLOAT32, 2).writeTo(new MetadataBuilder()).build());
  private static final StructType OUTPUT =
      new StructType().add("id", "bigint").add("p", "array<float>");
  private static final int ROWS = 3;

  private final BufferAllocator allocator = new RootAllocator();
  private final SegmentPool pool =
      new SegmentPool(Path.of("/dev/shm"), 8 << 20, Duration.ofMinutes(1));
  private final Map<String, SQLMetric> metrics = PythonMetrics.create(spark().sparkContext());
  private final HandoverCounters counters = new HandoverCounters(metrics);
  private final TaskLeases leases =
      new TaskLeases(Optional.of(pool), TaskContext$.MODULE$.empty(), counters);
  private final InPlaceReplies replies = replies(OUTPUT);

  private InPlaceReplies replies(StructType output) {
    DeclaredColumns declared =
        new DeclaredColumns(
            output, ArrowUtils.toArrowSchema(output, "UTC", true, false).getFields(), allocator);
    return new InPlaceReplies(output, declared, leases, counters, allocator);
  }

  @AfterEach
  void close() {
    replies.close();
    leases.close();
    assertThat(pool.state().leased()).isZero();
    pool.close();
    allocator.close();
  }

  private InPlaceTensor leasedTensor() {
    InPlaceTensor column =
        leases
            .leaseInPlace(TENSOR, List.of((long) ROWS, 2L), 2L * ROWS * Float.BYTES)
            .orElseThrow();
    ByteBuffer elements =
        column.lease().segment().bytes(SegmentLayout.HEADER_BYTES, column.bytes());
    for (int i = 0; i < 2 * ROWS; i++) {
      elements.putFloat(i + 0.5f);
    }
    return column;
  }

  private byte[] ids(long... ids) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (BigIntVector vector = new BigIntVector("id", allocator)) {
      for (int i = 0; i < ids.length; i++) {
        vector.setSafe(i, ids[i]);
      }
      vector.setValueCount(ids.length);
      VectorSchemaRoot root = VectorSchemaRoot.of(vector);
      try (ArrowStreamWriter writer = new ArrowStreamWriter(root, null, Channels.newChannel(out))) {
        writer.writeBatch();
      }
    }
    return out.toByteArray();
  }

  /** One column of a reply's header. */
  private record ReplyColumn(int segment, int generation, long offset, long length) {
    static ReplyColumn of(SegmentLease lease) {
      return new ReplyColumn(lease.segment().id(), lease.generation(), 0, 0);
    }

    static ReplyColumn sent(byte[] data) {
      return new ReplyColumn(-1, 0, 0, data.length);
    }
  }

  private static byte[] header(int rows, List<ReplyColumn> columns, List<ReplyColumn> dropped) {
    ByteBuffer header = ByteBuffer.allocate(1000).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(rows).putInt(columns.size()).putInt(dropped.size()).putInt(0).putLong(0);
    for (ReplyColumn column : columns) {
      header.putInt(column.segment()).putInt(column.generation());
      header.putLong(column.offset()).putLong(column.length());
    }
    dropped.forEach(lease -> header.putInt(lease.segment()).putInt(lease.generation()));
    byte[] bytes = new byte[header.position()];
    header.flip().get(bytes);
    return bytes;
  }

  private ColumnarBatch opened(byte[] header, byte[] data) throws IOException {
    try (VarBinaryVector head = binary(Envelopes.COLUMN_NAME, header);
        VarBinaryVector rest = binary("data", data)) {
      List<FieldVector> envelope = List.of(head, rest);
      assertThat(InPlaceReplies.isEnvelope(envelope)).isTrue();
      return replies.open(envelope);
    }
  }

  private VarBinaryVector binary(String name, byte[] value) {
    VarBinaryVector vector = new VarBinaryVector(name, allocator);
    vector.setSafe(0, value);
    vector.setValueCount(1);
    return vector;
  }

  private void isRefused(byte[] header, byte[] data, String found) {
    assertThatThrownBy(() -> opened(header, data))
        .hasMessageContaining("[TA_HANDOVER]")
        .hasMessageContaining(found);
  }

  @Test
  void columnInPlaceIsReadFromItsSegmentAndHeldUntilTheNextReply() throws IOException {
    InPlaceTensor tensor = leasedTensor();
    byte[] data = ids(7, 8, 9);
    byte[] header =
        header(ROWS, List.of(ReplyColumn.sent(data), ReplyColumn.of(tensor.lease())), List.of());

    ColumnarBatch batch = opened(header, data);

    assertThat(batch.numRows()).isEqualTo(ROWS);
    assertThat(batch.column(0).getLong(2)).isEqualTo(9);
    assertThat(batch.column(1).getArray(2).toFloatArray()).containsExactly(4.5f, 5.5f);
    tensor.lease().segment().bytes(SegmentLayout.HEADER_BYTES, 4).putFloat(-1);
    assertThat(batch.column(1).getArray(0).getFloat(0)).isEqualTo(-1);
    assertThat(tensor.lease().segment().isHeld()).isTrue();
    assertThat(metrics.apply(HandoverMetric.IN_PLACE_RETURNED_BYTES.key()).value()).isEqualTo(24);
    replies.close();
    assertThat(tensor.lease().segment().isHeld()).isFalse();
  }

  @Test
  void replyStaysReadableAfterTaskEnd() throws IOException {
    InPlaceTensor tensor = leasedTensor();
    byte[] data = ids(7, 8, 9);
    ColumnarBatch batch =
        opened(
            header(
                ROWS, List.of(ReplyColumn.sent(data), ReplyColumn.of(tensor.lease())), List.of()),
            data);

    leases.close();

    assertThat(batch.column(1).getArray(2).toFloatArray()).containsExactly(4.5f, 5.5f);
    assertThat(pool.state().leased()).isEqualTo(1);
  }

  @Test
  void tensorThatIsNotReturnedIsReleased() throws IOException {
    InPlaceTensor tensor = leasedTensor();
    byte[] data = ids(1, 2, 3);
    InPlaceReplies ids = replies(new StructType().add("id", "bigint"));
    try (VarBinaryVector head =
            binary(
                Envelopes.COLUMN_NAME,
                header(
                    ROWS,
                    List.of(ReplyColumn.sent(data)),
                    List.of(ReplyColumn.of(tensor.lease()))));
        VarBinaryVector rest = binary("data", data)) {
      assertThat(ids.open(List.of(head, rest)).numRows()).isEqualTo(ROWS);
    }
    assertThat(tensor.lease().segment().isHeld()).isFalse();
    ids.close();
  }

  @Test
  void leaseThatTheTaskDoesNotHaveIsRefused() throws IOException {
    SegmentLease lease = leasedTensor().lease();
    byte[] data = ids(7, 8, 9);
    ReplyColumn sent = ReplyColumn.sent(data);
    int id = lease.segment().id();
    int generation = lease.generation();

    isRefused(
        header(ROWS, List.of(sent, new ReplyColumn(id + 1, generation, 0, 0)), List.of()),
        data,
        "found segment");
    isRefused(
        header(ROWS, List.of(sent, new ReplyColumn(id, generation + 1, 0, 0)), List.of()),
        data,
        "found segment");
    isRefused(
        header(ROWS, List.of(ReplyColumn.of(lease), sent), List.of()), data, "3 rows of array");
    isRefused(header(ROWS, List.of(sent, ReplyColumn.of(lease)), List.of()), data, "found segment");
  }

  @Test
  void columnOfAnotherLayoutIsConverted() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FixedSizeListVector lists = FixedSizeListVector.empty("p", 2, allocator)) {
      lists.addOrGetVector(FieldType.nullable(new ArrowType.Int(16, false)));
      UInt2Vector elements = (UInt2Vector) lists.getDataVector();
      for (int i = 0; i < 2 * ROWS; i++) {
        elements.setSafe(i, 65_530 + i);
      }
      elements.setValueCount(2 * ROWS);
      for (int i = 0; i < ROWS; i++) {
        lists.setNotNull(i);
      }
      lists.setValueCount(ROWS);
      VectorSchemaRoot root = VectorSchemaRoot.of(lists);
      try (ArrowStreamWriter writer = new ArrowStreamWriter(root, null, Channels.newChannel(out))) {
        writer.writeBatch();
      }
    }
    byte[] data = out.toByteArray();
    InPlaceReplies converting = replies(new StructType().add("p", "array<int>"));
    try (VarBinaryVector head =
            binary(
                Envelopes.COLUMN_NAME, header(ROWS, List.of(ReplyColumn.sent(data)), List.of()));
        VarBinaryVector rest = binary("data", data)) {
      ColumnarBatch batch = converting.open(List.of(head, rest));
      assertThat(batch.column(0).getArray(2).toIntArray()).containsExactly(65_534, 65_535);
    }
    converting.close();
  }

  @Test
  void columnOfAnotherTypeIsRefused() throws IOException {
    byte[] data = ids(7, 8, 9);
    ReplyColumn sent = ReplyColumn.sent(data);

    assertThatThrownBy(() -> opened(header(ROWS, List.of(sent, sent), List.of()), data))
        .hasMessageContaining("[TA_RESULT_TYPE]")
        .hasMessageContaining("column 'p'")
        .hasMessageContaining("array<float>");
  }

  @Test
  void malformedReplyIsRefused() throws IOException {
    byte[] data = ids(7, 8, 9);
    ReplyColumn sent = ReplyColumn.sent(data);

    isRefused(header(ROWS, List.of(sent), List.of()), data, "3 rows of 1 columns");
    isRefused(header(-1, List.of(sent, sent), List.of()), data, "-1 rows");
    isRefused(new byte[10], data, "10 bytes");
    isRefused(
        header(ROWS, List.of(new ReplyColumn(-1, 0, 1, data.length), sent), List.of()),
        data,
        "bytes at 1");
    isRefused(
        header(ROWS, List.of(new ReplyColumn(-1, 0, -1, 5), sent), List.of()),
        data,
        "5 bytes at -1");
    isRefused(
        header(ROWS, List.of(new ReplyColumn(-1, 0, 0, -5), sent), List.of()),
        data,
        "-5 bytes at 0");
    isRefused(header(ROWS + 1, List.of(sent, sent), List.of()), data, "another batch");
    byte[] truncated = header(ROWS, List.of(sent, sent), List.of());
    isRefused(Arrays.copyOf(truncated, truncated.length - 8), data, "3 rows");
  }
}
