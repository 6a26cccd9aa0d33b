package io.tensorarrow.spark.python.shm;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.ProtocolBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SegmentLayoutTest {
  private static final ProtocolBytes HEADER = ProtocolBytes.section("segment header");

  /** Does what a worker does. */
  private static void copyWord(String field, SharedSegment segment) {
    int offset = HEADER.offset(field);
    segment.bytes(offset, Integer.BYTES).put(HEADER.bytes(), offset, Integer.BYTES);
  }

  @Test
  void headerHasTheBytesOfTheProtocol() throws IOException {
    try (Segment memory = Segment.create(Path.of("/dev/shm"), SegmentLayout.HEADER_BYTES)) {
      SharedSegment segment = new SharedSegment(1, memory, HEADER.longValue("nonce"));
      SegmentLease lease = segment.lease();
      while (lease.generation() < HEADER.intValue("generation")) {
        lease = segment.lease();
      }

      assertThat(lease.isSeen()).isFalse();
      copyWord("seen", segment);
      assertThat(lease.isSeen()).isTrue();
      assertThat(segment.isReleased()).isFalse();
      copyWord("released", segment);
      assertThat(segment.isReleased()).isTrue();
      segment.abandon();

      assertThat(HEADER.bytes()).hasSize(SegmentLayout.HEADER_BYTES);
      byte[] header = new byte[SegmentLayout.HEADER_BYTES];
      ByteBuffer bytes = memory.bytes(0, header.length);
      bytes.get(header);
      assertThat(header).isEqualTo(HEADER.bytes());
    }
  }
}
