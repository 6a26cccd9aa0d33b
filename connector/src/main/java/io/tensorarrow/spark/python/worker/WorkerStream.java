package io.tensorarrow.spark.python.worker;

import io.tensorarrow.spark.python.arrow.ArrowMessage;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.arrow.memory.ArrowBuf;

/**
 * Spark's buffered stream to a worker. Not thread-safe.
 *
 * <p>It takes bytes from the heap only; Java's adapter for others copies in steps of 8 KiB.
 */
final class WorkerStream implements ArrowMessage.Target {
  private static final int CHUNK = 1 << 18;

  private final DataOutputStream out;
  private final byte[] chunk = new byte[CHUNK];
  private long bytesWritten;

  WorkerStream(DataOutputStream out) {
    this.out = out;
  }

  void write(byte[] bytes) throws IOException {
    write(bytesWritten, bytes, bytes.length);
  }

  // Offsets are contiguous, as Target says, so bytes just follow each other here.
  @Override
  public void write(long offset, byte[] bytes, int length) throws IOException {
    out.write(bytes, 0, length);
    bytesWritten += length;
  }

  @Override
  public void write(long offset, ArrowBuf buffer) throws IOException {
    long end = buffer.writerIndex();
    for (long index = buffer.readerIndex(); index < end; index += chunk.length) {
      int size = (int) Math.min(chunk.length, end - index);
      buffer.getBytes(index, chunk, 0, size);
      out.write(chunk, 0, size);
    }
    bytesWritten += buffer.readableBytes();
  }

  /** Sends what is buffered. */
  void flush() throws IOException {
    out.flush();
  }

  long bytesWritten() {
    return bytesWritten;
  }
}
