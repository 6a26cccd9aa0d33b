package io.tensorarrow.spark.python.retained;

import io.tensorarrow.spark.python.arrow.ArrowColumns;
import io.tensorarrow.spark.python.arrow.ColumnConversion;
import io.tensorarrow.spark.tensor.vector.RetainedColumns;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;

/**
 * A batch in a file, in a local directory of Spark and encrypted as Spark's own spills are. Closing
 * deletes the file.
 */
final class SpilledBatch implements WaitingBatch {
  private final Path file;
  private final int rows;
  private final BufferAllocator allocator;

  private SpilledBatch(Path file, int rows, BufferAllocator allocator) {
    this.file = file;
    this.rows = rows;
    this.allocator = allocator;
  }

  /**
   * Writes a batch.
   *
   * @param batch stays the caller's
   * @param fields the Arrow fields of its columns
   * @param allocator counts the memory of conversions on the way to the file and back
   */
  static SpilledBatch write(RetainedBatch batch, List<Field> fields, BufferAllocator allocator) {
    Path file = SparkEnv.get().blockManager().diskBlockManager().createTempLocalBlock()._2.toPath();
    SpilledBatch spilled = new SpilledBatch(file, batch.rows(), allocator);
    ColumnarBatch columns =
        new ColumnarBatch(batch.columns().toArray(ColumnVector[]::new), batch.rows());
    try (ArrowColumns converted = new ColumnConversion(fields, allocator).convert(columns);
        ArrowColumns slice = converted.slice(0, batch.rows());
        OutputStream out = out(file)) {
      write(slice.vectors(), batch.rows(), out);
      return spilled;
    } catch (IOException e) {
      spilled.close();
      throw new UncheckedIOException(e);
    } catch (Throwable e) {
      spilled.close();
      throw e;
    }
  }

  private static OutputStream out(Path file) throws IOException {
    return SparkEnv.get()
        .serializerManager()
        .wrapForEncryption(new BufferedOutputStream(Files.newOutputStream(file)));
  }

  /** Writes an Arrow stream; the caller closes the vectors and the output stream. */
  private static void write(List<FieldVector> vectors, int rows, OutputStream out)
      throws IOException {
    List<Field> fields = vectors.stream().map(FieldVector::getField).toList();
    VectorSchemaRoot root = new VectorSchemaRoot(fields, vectors, rows);
    DictionaryProvider noDictionaries = new DictionaryProvider.MapDictionaryProvider();
    @SuppressWarnings("resource")
    ArrowStreamWriter writer = new ArrowStreamWriter(root, noDictionaries, out);
    writer.start();
    writer.writeBatch();
    writer.end();
  }

  /** Returns the file's size. */
  long bytes() {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public RetainedBatch open() {
    List<FieldVector> vectors = new ArrayList<>();
    try (this;
        InputStream in = in();
        ArrowStreamReader reader = new ArrowStreamReader(in, allocator)) {
      reader.loadNextBatch();
      for (FieldVector vector : reader.getVectorSchemaRoot().getFieldVectors()) {
        vectors.add(RetainedColumns.retain(vector, allocator));
      }
      return RetainedBatch.over(vectors, rows);
    } catch (IOException e) {
      vectors.forEach(FieldVector::close);
      throw new UncheckedIOException(e);
    } catch (Throwable e) {
      vectors.forEach(FieldVector::close);
      throw e;
    }
  }

  private InputStream in() throws IOException {
    return SparkEnv.get()
        .serializerManager()
        .wrapForEncryption(new BufferedInputStream(Files.newInputStream(file)));
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
