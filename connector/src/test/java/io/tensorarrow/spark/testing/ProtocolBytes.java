package io.tensorarrow.spark.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A section of {@code handover-protocol.txt}, which has the bytes that JVM and Python workers agree
 * on; the tests of the Python module read the same file.
 */
public final class ProtocolBytes {
  private static final Path FILE = Path.of("src/test/resources/handover-protocol.txt");
  private static final Pattern FIELD =
      Pattern.compile(" *(\\d+)  ((?:[0-9a-f]{2} )*[0-9a-f]{2}) +(.+) = (.+)");

  private final byte[] bytes;
  private final Map<String, String> values;
  private final Map<String, Integer> offsets;

  private ProtocolBytes(byte[] bytes, Map<String, String> values, Map<String, Integer> offsets) {
    this.bytes = bytes;
    this.values = values;
    this.offsets = offsets;
  }

  /** Reads a section. */
  public static ProtocolBytes section(String name) {
    byte[] bytes = {};
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, Integer> offsets = new LinkedHashMap<>();
    boolean inSection = false;
    for (String line : lines()) {
      if (line.startsWith("[")) {
        inSection = line.equals("[" + name + "]");
      } else if (inSection && !line.isBlank() && !line.startsWith("#")) {
        Matcher field = FIELD.matcher(line);
        if (!field.matches()) {
          throw new IllegalStateException("not a field: " + line);
        }
        byte[] fieldBytes = HexFormat.ofDelimiter(" ").parseHex(field.group(2));
        int offset = Integer.parseInt(field.group(1));
        bytes = Arrays.copyOf(bytes, offset + fieldBytes.length);
        System.arraycopy(fieldBytes, 0, bytes, offset, fieldBytes.length);
        values.put(field.group(3), field.group(4));
        offsets.put(field.group(3), offset);
      }
    }
    if (values.isEmpty()) {
      throw new IllegalArgumentException("no section " + name);
    }
    return new ProtocolBytes(bytes, values, offsets);
  }

  private static Iterable<String> lines() {
    try {
      return Files.readAllLines(FILE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns all bytes of the section. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** Returns a field's value. */
  public String text(String field) {
    String value = values.get(field);
    if (value == null) {
      throw new IllegalArgumentException("no field " + field);
    }
    return value;
  }

  public int intValue(String field) {
    return Integer.parseInt(text(field));
  }

  public long longValue(String field) {
    return Long.parseLong(text(field));
  }

  /** Returns where a field begins. */
  public int offset(String field) {
    return Objects.requireNonNull(offsets.get(field), field);
  }
}
