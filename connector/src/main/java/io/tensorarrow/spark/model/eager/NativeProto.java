package io.tensorarrow.spark.model.eager;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import org.bytedeco.javacpp.BytePointer;

/**
 * A proto as TensorFlow's C functions want it. Written straight into native memory, which it owns:
 * graphs with their weights may be larger than what the heap has left.
 */
final class NativeProto implements AutoCloseable {
  private final BytePointer bytes;
  private final int size;

  NativeProto(MessageLite proto) {
    size = proto.getSerializedSize();
    bytes = new BytePointer(Math.max(1, size));
    try {
      CodedOutputStream out = CodedOutputStream.newInstance(bytes.asByteBuffer());
      proto.writeTo(out);
      out.flush();
    } catch (IOException e) {
      bytes.close();
      throw new IllegalStateException("a proto of " + size + " bytes takes more", e);
    }
  }

  /** Returns where it is, borrowed. */
  BytePointer pointer() {
    return bytes;
  }

  /** Returns its size in bytes. */
  int size() {
    return size;
  }

  @Override
  public void close() {
    bytes.close();
  }
}
