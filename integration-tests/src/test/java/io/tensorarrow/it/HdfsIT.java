package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Models on a real HDFS, run by two executors of one host. */
class HdfsIT {
  private static final Duration LIMIT = Duration.ofMinutes(5);
  private static final Path DIGITS = Installation.REPOSITORY.resolve("examples/models/digits");
  private static final String SHARD = "/variables/variables.data-00000-of-00001";
  private static final String SECRET = "s3cr3t-of-the-test";

  @Test
  void executorsOfOneHostCopyModelOnceAndReportErrors() throws IOException {
    String jar = Installation.JAR.toString();
    try (MiniHdfs hdfs = MiniHdfs.start(Installation.workDirectory("hdfs-data"))) {
      hdfs.put(DIGITS, "/models/digits/1");
      hdfs.put(DIGITS.resolve("saved_model.pb"), "/models/digits/2/saved_model.pb");
      hdfs.put(DIGITS, "/models/changing");
      hdfs.put(DIGITS, "/models/out_of_reach");
      Program program =
          Checks.submitted(
                  "hdfs",
                  Environment.NEWEST,
                  List.of(
                      "--master",
                      "local-cluster[2,1,1024]",
                      "--jars",
                      jar,
                      "--py-files",
                      jar,
                      "--executor-memory",
                      "1g"),
                  "it_hdfs.py")
              .with(Map.of("IT_HDFS", hdfs.uri().toString(), "IT_SECRET", SECRET));
      try (Program.Running running = program.start()) {
        running.awaitLine(LIMIT, line -> line.equals("READY for the end of the name node"));
        assertThat(hdfs.opened("/models/digits/1" + SHARD)).as("copied by executors").isEqualTo(1);
        assertThat(hdfs.opened("/models/changing" + SHARD)).as("nothing large").isZero();
        hdfs.stopNameNode();
        Files.createFile(running.log().resolveSibling("name_node_stopped"));
        Program.Result result = running.await(LIMIT);
        Checks.assertPassed(result);
        assertThat(result.output()).doesNotContain(SECRET);
      }
    }
  }
}
