package io.tensorarrow.spark.python.worker;

import java.io.Serializable;
import org.apache.spark.JobArtifactSet;
import org.apache.spark.sql.execution.python.ArrowPythonRunner;
import org.apache.spark.sql.internal.SQLConf;
import scala.Option;
import scala.collection.immutable.Map;

/**
 * Session settings sent to Python workers. Immutable.
 *
 * @param timeZone the session's time zone, which timestamps carry
 * @param largeVarTypes whether strings and binaries have offsets of 64 bits
 * @param maxRecordsPerBatch the most rows of a batch that a worker gets; no limit if not positive
 * @param workerConf Spark's own settings for the worker
 * @param artifacts the name of the session's artifacts, if it has any
 */
public record WorkerSettings(
    String timeZone,
    boolean largeVarTypes,
    int maxRecordsPerBatch,
    Map<String, String> workerConf,
    Option<String> artifacts)
    implements Serializable {

  /** Reads the session's settings; on the driver, while a query is planned or started. */
  public static WorkerSettings of(SQLConf conf) {
    return new WorkerSettings(
        conf.sessionLocalTimeZone(),
        conf.arrowUseLargeVarTypes(),
        conf.arrowMaxRecordsPerBatch(),
        ArrowPythonRunner.getPythonRunnerConfMap(conf),
        JobArtifactSet.getCurrentJobArtifactState().map(state -> state.uuid()));
  }
}
