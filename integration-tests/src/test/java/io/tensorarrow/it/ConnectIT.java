package io.tensorarrow.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.it.Installation.Environment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Clients of Spark Connect, whose session is in another process than they are. */
class ConnectIT {
  private static final Environment ENVIRONMENT = Environment.NEWEST;
  private static final Duration START = Duration.ofMinutes(2);
  private static final String SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer";
  private static final Path WORK = Installation.TARGET.resolve("work/connect-server");
  private static final String STARTED = "Spark Connect server started at: ";

  @Test
  void connectClientGetsDataOfClassicSession() {
    List<ProcessHandle> workers;
    try (Program.Running server = startServer()) {
      String line = server.awaitLine(START, text -> text.contains(STARTED));
      String port = line.substring(line.lastIndexOf(':') + 1).strip();
      String interpreter = ENVIRONMENT.program("python");
      Checks.pass(
          Checks.inPython("connect-client", interpreter, "it_connect.py")
              .with(
                  Map.of(
                      "PYTHONPATH", Installation.JAR.toString(),
                      "IT_PORT", port,
                      "IT_WORK", WORK.toString())));
      workers = server.process().descendants().toList();
      assertThat(workers).isNotEmpty();
    }
    // Segments have no names: what was left of them has gone with those who had them open.
    assertThat(workers).noneMatch(ProcessHandle::isAlive);
  }

  private static Program.Running startServer() {
    return Program.sparkSubmit(
            "connect-server",
            ENVIRONMENT,
            List.of(
                "--master",
                "local[2]",
                "--class",
                SERVER,
                "--conf",
                "spark.connect.grpc.binding.port=0",
                "--conf",
                "spark.ui.enabled=false",
                "--conf",
                "spark.sql.catalogImplementation=in-memory",
                "--conf",
                "spark.tensorarrow.natives.directory=" + Installation.NATIVES,
                "--conf",
                "spark.tensorarrow.sharedMemory.idleTime=1s",
                "--jars",
                Installation.CONNECT_JAR + "," + Installation.JAR))
        // It keeps artifacts of clients where it is started.
        .under("env", "--chdir=" + WORK)
        // Workers of Spark's own have the module as if it were installed.
        .with(Map.of("PYTHONPATH", Installation.JAR.toString()))
        .start();
  }
}
