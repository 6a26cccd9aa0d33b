package io.tensorarrow.spark.source;

import static io.tensorarrow.spark.testing.Copies.javaBytes;
import static io.tensorarrow.spark.testing.Copies.javaCopy;
import static io.tensorarrow.spark.testing.Copies.kryoCopy;
import static org.assertj.core.api.Assertions.assertThat;

import io.tensorarrow.spark.metrics.RowsInferredMetric;
import java.io.IOException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.connector.read.Batch;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.junit.jupiter.api.Test;

class PlanTest extends SourceTestBase {
  private static Batch batch(Dataset<Row> query) {
    query.queryExecution().executedPlan();
    return scans(query).get(0).scan().toBatch();
  }

  @Test
  void equalQueriesHaveEqualBatches() {
    assertThat(batch(scored().where("id > 3").select("id", "y")))
        .isEqualTo(batch(scored().where("id > 3").select("id", "y")))
        .hasSameHashCodeAs(batch(scored().where("id > 3").select("id", "y")));
  }

  @Test
  void queriesForOtherRowsHaveUnequalBatches() {
    Batch base = batch(scored().where("id > 3").select("id", "y"));

    assertThat(base)
        .isNotEqualTo(batch(scored().where("id > 4").select("id", "y")))
        .isNotEqualTo(batch(scored().where("id % 5 > 3").select("id", "y")))
        .isNotEqualTo(batch(scored().where("id > 3").select("id")))
        .isNotEqualTo(batch(scored().where("id > 3").select("id", "y").limit(3)))
        .isNotEqualTo(
            batch(reader().option("batchRows", 5).load(table).where("id > 3").select("id", "y")))
        .isNotEqualTo(batch(reader().load(table + "/part=1").where("id > 3").select("id", "y")));
  }

  @Test
  void selfJoinRunsTheModelOnce() {
    Dataset<Row> left = scored().groupBy("part").sum("y");
    Dataset<Row> right = scored().groupBy("part").sum("y");
    Dataset<Row> query = left.unionAll(right);

    assertThat(query.collectAsList()).hasSize(8);
    assertThat(query.queryExecution().executedPlan().toString()).contains("ReusedExchange");
    assertThat(scans(query).stream().distinct().count()).isEqualTo(1);
    assertThat(metric(query, RowsInferredMetric.NAME)).isGreaterThanOrEqualTo(ROWS);
  }

  @Test
  void statisticsCountTheTensors() {
    long without =
        scored().select("x").queryExecution().optimizedPlan().stats().sizeInBytes().toLong();
    long with =
        scored().select("x", "y").queryExecution().optimizedPlan().stats().sizeInBytes().toLong();

    assertThat(without).isPositive().isLessThan(10_000_000);
    assertThat(with).isGreaterThan(without);
  }

  @Test
  void explainShowsModelAndPushedFilters() {
    String plan =
        scored()
            .where("id % 3 = 0 and id > 5")
            .select("id", "y")
            .queryExecution()
            .explainString(org.apache.spark.sql.execution.ExplainMode.fromString("formatted"));

    assertThat(plan)
        .contains("BatchScan tensorflow scale over parquet")
        .contains("InferenceScan model=" + model)
        .contains("fingerprint=sha256:")
        .contains("signature=serving_default")
        .contains("feeds=[x<-x]")
        .contains("fetches=[y->y]")
        .contains("batchRows=1024")
        .contains("evaluated before the model: [(id IS NOT NULL), ((id % 3L) = 0L), (id > 5L)]")
        .contains("ParquetScan");
  }

  @Test
  void partitionsAndFactorySerializeByJavaAndKryo() throws IOException, ClassNotFoundException {
    Batch batch = batch(scored().where("id % 3 = 0").select("id", "y"));
    PartitionReaderFactory factory = batch.createReaderFactory();
    InputPartition partition = batch.planInputPartitions()[0];
    PartitionReaderFactory byJava = javaCopy(factory);
    PartitionReaderFactory byKryo = kryoCopy(factory);

    long rows = rows(factory, partition);
    assertThat(rows).isPositive();
    assertThat(rows(byJava, javaCopy(partition))).isEqualTo(rows);
    assertThat(rows(byKryo, kryoCopy(partition))).isEqualTo(rows);
    assertThat(javaBytes(batch.createReaderFactory()))
        .as("bytes of a task's factory")
        .hasSizeLessThan(64 * 1024);
  }

  private static long rows(PartitionReaderFactory factory, InputPartition partition)
      throws IOException {
    long rows = 0;
    try (PartitionReader<ColumnarBatch> reader = factory.createColumnarReader(partition)) {
      while (reader.next()) {
        ColumnarBatch batch = reader.get();
        for (int i = 0; i < batch.numRows(); i++) {
          assertThat(batch.column(1).getFloat(i)).isEqualTo(2f * batch.column(0).getLong(i));
        }
        rows += batch.numRows();
      }
    }
    return rows;
  }
}
