package io.tensorarrow.spark.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tensorarrow.spark.errors.ErrorCode;
import io.tensorarrow.spark.errors.TensorArrowException;
import io.tensorarrow.spark.testing.TestFileSystem;
import io.tensorarrow.spark.testing.TestFileSystem.Fault;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;

/** Models on a file system that TensorFlow does not know, through Spark. */
abstract class RemoteReadTestBase extends SourceTestBase {
  /** A value that nothing but the executors' file system may see. */
  static final String SECRET = TestFileSystem.SECRET;

  Path log = Path.of("");

  @BeforeEach
  void chooseLog() {
    log = dir.resolve("opened.txt");
  }

  Map<String, String> options(Fault fault) {
    return TestFileSystem.options(fault, log);
  }

  DataFrameReader remote(Path model) {
    return spark()
        .read()
        .format("tensorflow")
        .option("model", "test:" + model)
        .options(options(Fault.NONE));
  }

  Dataset<Row> remotelyScored() {
    return remote(Path.of(model)).load(table);
  }

  static AbstractThrowableAssert<?, ? extends Throwable> fails(ErrorCode code, Runnable action) {
    return assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            TensorArrowException.class, e -> assertThat(e.code()).isEqualTo(code))
        .satisfies(RemoteReadTestBase::tellsNoSecret);
  }

  /** Checks all that a log shows of an exception. */
  static void tellsNoSecret(Throwable error) {
    StringWriter trace = new StringWriter();
    error.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).doesNotContain(SECRET);
  }
}
