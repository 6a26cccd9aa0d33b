"""Every fallback says why: in the plan if it is planned, in metrics if executors decide."""

import it_common as it
import pandas as pd
import pyarrow as pa
from pyspark.sql import functions, types
from pyspark.sql.window import Window

GROUPS = "HandoverRows reason=a function of groups, which a shuffle makes"
KEPT_BATCHES = 4


@functions.pandas_udf(types.DoubleType())
def mean(values: pd.Series) -> float:
    """Makes one value of a group."""
    return float(values.mean())


@functions.pandas_udf(types.LongType())
def next_digit(digits: pd.Series) -> pd.Series:
    """Is a scalar function."""
    return digits + 1


def size(frame):
    """Is a function of groups."""
    return pd.DataFrame({"digit": frame["digit"][:1], "n": [len(frame)]})


def sizes(left, right):
    """Is a function of groups of two DataFrames."""
    return pd.DataFrame({"digit": left["digit"][:1], "n": [len(left) + len(right)]})


def of_groups(df):
    """Returns queries whose functions take groups, each of one row per digit or per row."""
    other = df.sparkSession.range(10).selectExpr("id as digit")
    return {
        "applyInPandas": df.groupBy("digit").applyInPandas(size, "digit bigint, n bigint"),
        "cogroup": df.groupBy("digit")
        .cogroup(other.groupBy("digit"))
        .applyInPandas(sizes, "digit bigint, n bigint"),
        "aggregate": df.groupBy("digit").agg(mean("id").alias("m")),
        "window": df.select("id", mean("id").over(Window.partitionBy("digit")).alias("m")),
    }


def check_plans(spark):
    """Checks that EXPLAIN says the way and the reason, and that reasons change no rows."""
    df = it.digits(spark).select("id", "digit")
    stock = df.localCheckpoint()
    for adaptive in ("true", "false"):
        spark.conf.set("spark.sql.adaptive.enabled", adaptive)
        wanted = of_groups(stock)
        for name, query in of_groups(df).items():
            assert GROUPS in it.plan(query), (name, it.plan(query))
            assert "HandoverRows" not in it.plan(wanted[name]), name
            found = sorted(query.collect())
            assert it.plan(query).count("HandoverRows") >= 1, it.plan(query)
            assert found == sorted(wanted[name].collect()), (name, adaptive)
    for name, query in of_groups(it.digits(spark, handover="arrow").select("id", "digit")).items():
        with it.raises("TA_HANDOVER", "handover=arrow", "found a function of groups"):
            assert query.collect(), name
    scalar = df.select(next_digit("digit"))
    assert "handover=arrow reason=a scalar pandas function" in it.plan(scalar), it.plan(scalar)
    demanded = it.digits(spark, handover="arrow").mapInArrow(lambda b: b, "id bigint")
    assert "handover=arrow reason=demanded by" in it.plan(demanded), it.plan(demanded)
    shared = df.mapInArrow(lambda b: b, "id bigint")
    assert "handover=shared-memory" in it.plan(shared), it.plan(shared)
    assert "reason=" not in it.plan(shared), it.plan(shared)


def metrics(df):
    """Runs a query; returns the metrics of its function's node."""
    execution = df._jdf.queryExecution()
    execution.executedPlan().executeCollect()
    node = execution.executedPlan()
    while "ColumnarMapInBatch" not in node.nodeName():
        node = node.executedPlan() if "Adaptive" in node.nodeName() else node.children().apply(0)
    causes = ["NoSharedMemory", "PoolUsedUp", "DirectoryFull"]
    names = ["sharedBatches", "inlineBatches", "arrowBatches"]
    names += ["inlineBatches" + cause for cause in causes]
    return {name: node.metrics().apply(name).value() for name in names}


def keeping(batches):
    """Keeps all its batches."""
    kept = list(batches)
    rows = pa.array([sum(batch.num_rows for batch in kept)])
    yield pa.RecordBatch.from_arrays([rows], ["n"])


def query(spark, way="auto"):
    """Returns a query of one task, whose batches are large enough for shared memory."""
    df = it.digits(spark, handover=way, batchRows="1024")
    wide = "id bigint, pixels array<double>"

    def widened(batches):
        for _ in batches:
            pass
        for first in range(0, KEPT_BATCHES * 100, 100):
            pixels = pa.array([[float(first)] * 300] * 100)
            yield pa.RecordBatch.from_arrays([pa.array(range(100)), pixels], ["id", "pixels"])

    return df.mapInArrow(widened, wide).mapInArrow(keeping, "n bigint")


def check_metrics(spark, cause, shared, way="auto"):
    """Checks how many batches got through shared memory, and why others did not."""
    found = metrics(query(spark, way))
    causes = {name: count for name, count in found.items() if name.startswith("inlineBatches")}
    inline = causes.pop("inlineBatches")
    assert (found["sharedBatches"] > 0) == shared, found
    assert (found["arrowBatches"] > 0) == (way == "arrow"), found
    assert (inline > 0) == (cause is not None), found
    for name, count in causes.items():
        assert count == (inline if name == f"inlineBatches{cause}" else 0), found


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    check_plans(spark)
    check_metrics(spark, None, shared=True)
    check_metrics(spark, None, shared=False, way="arrow")
    it.check_nothing_is_left(spark)
    spark.stop()
    # An executor reads these once.
    setting = "spark.tensorarrow.sharedMemory.bytes"
    spark = it.builder().config(setting, "0").getOrCreate()
    check_metrics(spark, "NoSharedMemory", shared=False)
    with it.raises(
        "TA_HANDOVER", "handover=shared-memory", setting, "--shm-size", "medium: Memory"
    ):
        query(spark, "shared-memory").collect()
    spark.stop()
    spark = it.builder().config(setting, "1m").getOrCreate()
    check_metrics(spark, "PoolUsedUp", shared=True)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
