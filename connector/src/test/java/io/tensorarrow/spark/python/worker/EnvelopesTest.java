package io.tensorarrow.spark.python.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.testing.ProtocolBytes;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EnvelopesTest {
  private static SegmentHandle handle(ProtocolBytes section) {
    return new SegmentHandle(
        section.intValue("pid"),
        section.intValue("descriptor"),
        section.intValue("segment"),
        section.intValue("generation"),
        section.intValue("ordinal"),
        section.longValue("size"),
        section.longValue("offset"),
        section.longValue("length"),
        section.longValue("nonce"));
  }

  @Test
  void columnNameIsThatOfTheProtocol() {
    ProtocolBytes section = ProtocolBytes.section("column name");

    assertThat(Envelopes.COLUMN_NAME).isEqualTo(section.text("name"));
    assertThat(Envelopes.COLUMN_NAME.getBytes(StandardCharsets.US_ASCII))
        .isEqualTo(section.bytes());
  }

  @Test
  void schemaEnvelopeHasTheBytesOfTheProtocolBeforeItsMessage() {
    byte[] prefix = ProtocolBytes.section("schema prefix").bytes();

    assertThat(Envelopes.schema(new byte[0])).isEqualTo(prefix);
    byte[] envelope = Envelopes.schema(new byte[] {7, 8});
    assertThat(envelope).hasSize(prefix.length + 2).startsWith(prefix).endsWith(7, 8);
  }

  @Test
  void handleEnvelopeHasTheBytesOfTheProtocol() {
    ProtocolBytes section = ProtocolBytes.section("handle");

    assertThat(Envelopes.handle(handle(section))).isEqualTo(section.bytes());
  }

  @Test
  void inlineEnvelopeHasTheBytesOfTheProtocolBeforeItsMessage() {
    byte[] prefix = ProtocolBytes.section("inline prefix").bytes();

    assertThat(Envelopes.inlinePrefix()).isEqualTo(prefix).hasSize(Envelopes.INLINE_OFFSET);
  }

  @Test
  void inPlaceEnvelopeHasTheBytesOfTheProtocol() {
    ProtocolBytes section = ProtocolBytes.section("in place");
    List<Long> dims =
        List.of(section.longValue("dim 0"), section.longValue("dim 1"), section.longValue("dim 2"));

    assertThat(Envelopes.inPlace(handle(section), dims)).isEqualTo(section.bytes());
  }

  @Test
  void replyHeaderOfTheProtocolHasTheseValues() {
    ProtocolBytes section = ProtocolBytes.section("reply header");

    ReplyHeader header = ReplyHeader.parse(section.bytes(), section.intValue("columns"));

    LeaseId returned = lease(section, "column 1 ");
    assertThat(header)
        .isEqualTo(
            new ReplyHeader(
                section.intValue("rows"),
                section.longValue("copied bytes"),
                List.of(
                    column(section, "column 0 ", Optional.empty()),
                    column(section, "column 1 ", Optional.of(returned))),
                List.of(lease(section, "lease 0 "))));
  }

  private static ReplyHeader.Column column(
      ProtocolBytes section, String prefix, Optional<LeaseId> lease) {
    return new ReplyHeader.Column(
        lease, section.longValue(prefix + "offset"), section.longValue(prefix + "length"));
  }

  private static LeaseId lease(ProtocolBytes section, String prefix) {
    return new LeaseId(
        section.intValue(prefix + "segment"), section.intValue(prefix + "generation"));
  }
}
