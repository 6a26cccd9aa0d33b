package io.tensorarrow.it;

import io.tensorarrow.it.Installation.Environment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Executors in processes of their own. {@link HdfsIT} has a local cluster of two. */
class ClusterIT {
  private static final Environment ENVIRONMENT = Environment.NEWEST;
  private static final Duration START = Duration.ofMinutes(3);
  private static final String MASTER_CLASS = "org.apache.spark.deploy.master.Master";
  private static final String WORKER_CLASS = "org.apache.spark.deploy.worker.Worker";
  private static final String MASTER_LINE = "Starting Spark master at ";

  @Test
  void standaloneClusterRunsModelsAndFreesMemoryOfKilledExecutors() {
    onStandaloneCluster(
        url ->
            Checks.pass(
                program(
                        "standalone",
                        url,
                        "it_cluster.py",
                        "it_executors.py",
                        "-m",
                        "not shared_executor")
                    .optimized()));
  }

  @Test
  void tasksOfOneExecutorShareSegments() {
    Checks.pass(
        program(
                "shared-executor",
                "local-cluster[1,2,1024]",
                "it_executors.py",
                "-m",
                "shared_executor")
            .optimized());
  }

  /** Runs a job on two workers, on hosts of their own: Spark runs a task's copy on another one. */
  private static void onStandaloneCluster(Consumer<String> job) {
    try (Program.Running master = startMaster()) {
      String line = master.awaitLine(START, text -> text.contains(MASTER_LINE));
      String url = line.substring(line.indexOf(MASTER_LINE) + MASTER_LINE.length()).strip();
      try (Program.Running first = startWorker("worker-1", "127.0.0.1", url);
          Program.Running second = startWorker("worker-2", "127.0.0.2", url)) {
        first.awaitLine(START, text -> text.contains("Successfully registered with master"));
        second.awaitLine(START, text -> text.contains("Successfully registered with master"));
        job.accept(url);
      }
    }
  }

  private static Program program(String name, String master, String... pytest) {
    String jar = Installation.JAR.toString();
    return Checks.submitted(
        name,
        ENVIRONMENT,
        List.of("--master", master, "--jars", jar, "--py-files", jar, "--executor-memory", "1g"),
        pytest);
  }

  private static Program.Running startMaster() {
    return daemon(
        "master", MASTER_CLASS, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0");
  }

  private static Program.Running startWorker(String name, String host, String master) {
    String work = Installation.workDirectory(name + "-work").toString();
    return daemon(
        name,
        WORKER_CLASS,
        "--host",
        host,
        "--cores",
        "1",
        "--memory",
        "1g",
        "--webui-port",
        "0",
        "--work-dir",
        work,
        master);
  }

  private static Program.Running daemon(String name, String className, String... arguments) {
    List<String> all = new ArrayList<>(List.of(className));
    all.addAll(List.of(arguments));
    return Program.of(name, Installation.sparkProgram("spark-class"), all.toArray(new String[0]))
        .with(Map.of("SPARK_DAEMON_MEMORY", "256m"))
        .start();
  }
}
