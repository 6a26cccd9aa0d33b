package io.tensorarrow.spark.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.model.ModelCache;
import io.tensorarrow.spark.python.shm.SharedMemory;
import io.tensorarrow.spark.tensor.NativeTensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec;
import org.apache.spark.sql.util.ArrowUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import scala.collection.JavaConverters;

/**
 * One Spark session for all tests of the JVM. Each test is a leak test: afterwards no Arrow buffer,
 * no tensor and no lease of a model may be left.
 */
public abstract class SparkTestBase {
  private static final SparkSession SPARK =
      SparkSession.builder()
          .master("local[2]")
          .appName("tensorarrow tests")
          .config("spark.ui.enabled", false)
          .config("spark.sql.shuffle.partitions", 2)
          .config("spark.sql.session.timeZone", "UTC")
          .config(
              "spark.tensorarrow.models.directory",
              Path.of("target", "models").toAbsolutePath().toString())
          .getOrCreate();

  private long tensorsBefore;
  private long leasesBefore;

  /** Returns the session. */
  protected static SparkSession spark() {
    return SPARK;
  }

  @BeforeEach
  void count() {
    tensorsBefore = NativeTensor.live();
    leasesBefore = ModelCache.liveLeases();
  }

  @AfterEach
  protected void nothingIsLeft() throws InterruptedException {
    // Tasks of a finished job may still be closing when the action returns.
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (System.nanoTime() < deadline
        && (ArrowUtils.rootAllocator().getAllocatedMemory() != 0
            || NativeTensor.live() > tensorsBefore
            || NativeTensor.liveStringBytes() != 0
            || SharedMemory.leasedSegments() != 0
            || ModelCache.liveLeases() > leasesBefore)) {
      Thread.sleep(10);
    }
    assertThat(ArrowUtils.rootAllocator().getAllocatedMemory()).as("Arrow bytes left").isZero();
    // Fewer, if a task of an earlier test ended in this one.
    assertThat(NativeTensor.live()).as("tensors left").isLessThanOrEqualTo(tensorsBefore);
    assertThat(NativeTensor.liveStringBytes()).as("bytes of string tensors left").isZero();
    assertThat(SharedMemory.leasedSegments()).as("segments left").isZero();
    assertThat(ModelCache.liveLeases()).as("leases left").isLessThanOrEqualTo(leasesBefore);
  }

  /** Returns the scan nodes of a query that ran. */
  protected static List<BatchScanExec> scans(Dataset<Row> query) {
    return nodes(query).stream()
        .filter(BatchScanExec.class::isInstance)
        .map(BatchScanExec.class::cast)
        .toList();
  }

  /** Returns all nodes of a query that ran, with those of its subqueries. */
  protected static List<SparkPlan> nodes(Dataset<Row> query) {
    Set<SparkPlan> nodes = Collections.newSetFromMap(new IdentityHashMap<>());
    collect(query.queryExecution().executedPlan(), nodes);
    return List.copyOf(nodes);
  }

  private static void collect(SparkPlan plan, Set<SparkPlan> nodes) {
    if (!nodes.add(plan)) {
      return;
    }
    if (plan instanceof AdaptiveSparkPlanExec adaptive) {
      collect(adaptive.executedPlan(), nodes);
    } else if (plan instanceof QueryStageExec stage) {
      collect(stage.plan(), nodes);
    }
    JavaConverters.seqAsJavaList(plan.children()).forEach(child -> collect(child, nodes));
    JavaConverters.seqAsJavaList(plan.subqueries()).forEach(query -> collect(query, nodes));
  }

  /** Returns a metric of a query that ran, summed over its nodes. */
  protected static long metric(Dataset<Row> query, String name) {
    return nodes(query).stream()
        .mapToLong(node -> node.metrics().contains(name) ? node.metrics().apply(name).value() : 0)
        .sum();
  }
}
