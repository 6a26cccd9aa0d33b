"""Every fallback says why: in the plan if it is planned, in metrics if executors decide."""

import helpers as it
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import functions, types
from pyspark.sql.window import Window

GROUPS = "HandoverRows reason=grouped pandas UDF (its input is shuffled)"
KEPT_BATCHES = 4
BYTES = "spark.tensorarrow.sharedMemory.bytes"


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


@pytest.mark.parametrize("name", ["applyInPandas", "cogroup", "aggregate", "window"])
def test_functions_of_groups_get_rows_and_explain_says_why(spark, adaptive, name):
    df = it.digits(spark).select("id", "digit")
    stock = of_groups(df.localCheckpoint())[name]
    query = of_groups(df)[name]
    assert GROUPS in it.plan(query), it.plan(query)
    assert "HandoverRows" not in it.plan(stock)
    rows = sorted(query.collect())
    assert it.plan(query).count("HandoverRows") >= 1, it.plan(query)
    assert rows == sorted(stock.collect())


@pytest.mark.parametrize("name", ["applyInPandas", "cogroup", "aggregate", "window"])
def test_functions_of_groups_refuse_a_demanded_mode(spark, name):
    query = of_groups(it.digits(spark, handover="arrow").select("id", "digit"))[name]
    with it.raises("TA_HANDOVER", "handover=arrow", "found grouped pandas UDF"):
        query.collect()


def test_explain_says_the_mode_and_its_reason(spark):
    df = it.digits(spark).select("id", "digit")
    scalar = df.select(next_digit("digit"))
    assert "handover=arrow reason=scalar pandas UDF" in it.plan(scalar), it.plan(scalar)
    demanded = it.digits(spark, handover="arrow").mapInArrow(it.identity, "id bigint")
    assert "handover=arrow reason=set by" in it.plan(demanded), it.plan(demanded)
    shared = df.mapInArrow(it.identity, "id bigint")
    assert "handover=shared-memory" in it.plan(shared), it.plan(shared)
    assert "reason=" not in it.plan(shared), it.plan(shared)


def keeping(batches):
    """Keeps all its batches."""
    kept = list(batches)
    rows = pa.array([sum(batch.num_rows for batch in kept)])
    yield pa.RecordBatch.from_arrays([rows], ["n"])


def query(spark, mode="auto"):
    """Returns a query of one task, whose batches are large enough for shared memory."""
    df = it.digits(spark, handover=mode, batchRows="1024")
    wide = "id bigint, pixels array<double>"

    def widened(batches):
        for _ in batches:
            pass
        for first in range(0, KEPT_BATCHES * 100, 100):
            pixels = pa.array([[float(first)] * 300] * 100)
            yield pa.RecordBatch.from_arrays([pa.array(range(100)), pixels], ["id", "pixels"])

    return df.mapInArrow(widened, wide).mapInArrow(keeping, "n bigint")


@pytest.mark.parametrize(
    ("mode", "shared", "cause"),
    [
        pytest.param("auto", True, None, id="shared"),
        pytest.param("arrow", False, None, id="arrow"),
        # An executor reads these settings once.
        pytest.param(
            *("auto", False, "NoSharedMemory"),
            id="no shared memory",
            marks=pytest.mark.settings({BYTES: "0"}),
        ),
        pytest.param(
            *("auto", True, "PoolExhausted"),
            id="pool exhausted",
            marks=pytest.mark.settings({BYTES: "1m"}),
        ),
    ],
)
def test_metrics_say_how_batches_were_sent_and_why(spark, mode, shared, cause):
    _, metrics = it.metrics(query(spark, mode))
    inline = metrics["inlineBatches"]
    assert (metrics["sharedBatches"] > 0) == shared, metrics
    assert (metrics["arrowBatches"] > 0) == (mode == "arrow"), metrics
    assert (inline > 0) == (cause is not None), metrics
    for each in ("NoSharedMemory", "PoolExhausted", "DirectoryFull"):
        assert metrics[f"inlineBatches{each}"] == (inline if each == cause else 0), metrics


@pytest.mark.settings({BYTES: "0"})
def test_error_of_demanded_shared_memory_says_how_to_get_it(spark):
    with it.raises("TA_HANDOVER", "handover=shared-memory", BYTES, "--shm-size", "medium: Memory"):
        query(spark, "shared-memory").collect()
