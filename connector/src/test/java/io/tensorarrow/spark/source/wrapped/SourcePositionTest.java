package io.tensorarrow.spark.source.wrapped;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.apache.spark.rdd.InputFileBlockHolder;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.apache.spark.unsafe.types.UTF8String;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SourcePositionTest {
  private final SourcePosition position = new SourcePosition(null);

  @AfterEach
  void clear() {
    InputFileBlockHolder.unset();
  }

  /** Says the file once, with its first batch, as Spark's readers do. */
  private static final class Source implements PartitionReader<ColumnarBatch> {
    private final Deque<Part> parts;
    private int rows;

    private record Part(String file, int rows) {}

    /** Reads {@code file:rows}, where a part without a file goes on with the one before. */
    Source(String... parts) {
      this.parts = new ArrayDeque<>();
      for (String part : parts) {
        int colon = part.indexOf(':');
        this.parts.add(
            new Part(part.substring(0, colon), Integer.parseInt(part.substring(colon + 1))));
      }
    }

    @Override
    public boolean next() {
      Part part = parts.poll();
      if (part == null) {
        return false;
      }
      if (!part.file().isEmpty()) {
        InputFileBlockHolder.set(part.file(), 0, 100);
      }
      rows = part.rows();
      return true;
    }

    @Override
    public ColumnarBatch get() {
      return new ColumnarBatch(new ColumnVector[0], rows);
    }

    @Override
    public void close() {}
  }

  private static String next(SourcePosition position, Source source) throws IOException {
    Objects.requireNonNull(position.next(source));
    return position.place().of(0);
  }

  @Test
  void rowCountRestartsInEachFile() throws IOException {
    Source source = new Source("a:10", ":5", ":5", "b:10", ":3");

    assertThat(
            List.of(
                next(position, source),
                next(position, source),
                next(position, source),
                next(position, source),
                next(position, source)))
        .containsExactly(
            "in row 0 of split 0+100 of 'a'",
            "in row 10 of split 0+100 of 'a'",
            "in row 15 of split 0+100 of 'a'",
            "in row 0 of split 0+100 of 'b'",
            "in row 10 of split 0+100 of 'b'");
    assertThat(position.place().of(0, position.place(), 2))
        .isEqualTo("for rows 10 to 12 of split 0+100 of 'b'");
    assertThat(position.place().note()).contains("from 0");
    assertThat(position.next(source)).isNull();
  }

  @Test
  void interleavedReadersKeepTheirFiles() throws IOException {
    SourcePosition other = new SourcePosition(null);
    Source first = new Source("a:10", ":5", "b:1");
    Source second = new Source("b:7", ":7");

    next(position, first);
    assertThat(next(other, second)).isEqualTo("in row 0 of split 0+100 of 'b'");
    assertThat(next(position, first)).isEqualTo("in row 10 of split 0+100 of 'a'");
    assertThat(InputFileBlockHolder.getInputFilePath()).isEqualTo(UTF8String.fromString("a"));
    assertThat(next(other, second)).isEqualTo("in row 7 of split 0+100 of 'b'");
    assertThat(next(position, first)).isEqualTo("in row 0 of split 0+100 of 'b'");
  }

  @Test
  void fileReadByAnotherReaderIsCountedFromZero() throws IOException {
    next(new SourcePosition(null), new Source("a:10"));

    assertThat(next(position, new Source("a:10"))).isEqualTo("in row 0 of split 0+100 of 'a'");
  }

  @Test
  void rowOfSourceWithoutFilesIsNamedByPartition() throws IOException {
    next(new SourcePosition(null), new Source("a:10"));
    Source source = new Source(":10", ":5");

    assertThat(next(position, source)).isEqualTo("in row 0 of those read in partition 0");
    assertThat(next(position, source)).isEqualTo("in row 10 of those read in partition 0");
    assertThat(position.place().note()).isEqualTo("rows are counted from 0");
    assertThat(InputFileBlockHolder.getInputFilePath()).isEqualTo(UTF8String.fromString("a"));
    assertThat(InputFileBlockHolder.getLength()).isEqualTo(100);
  }

  @Test
  void credentialsInAUriAreNotShown() {
    assertThat(block("s3a://key:se%2Fcret@bucket/a/b@c.parquet"))
        .isEqualTo("split 3+4 of 's3a://bucket/a/b@c.parquet'");
    assertThat(block("abfss://container@account.dfs.core.windows.net/a"))
        .isEqualTo("split 3+4 of 'abfss://container@account.dfs.core.windows.net/a'");
    assertThat(block("file:///a:b@c/d")).isEqualTo("split 3+4 of 'file:///a:b@c/d'");
  }

  private static String block(String path) {
    return new FileBlock(UTF8String.fromString(path), 3, 4).toString();
  }
}
