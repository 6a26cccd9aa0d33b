"""What Spark promises of its own Python nodes holds of those that stand in their place."""

import os
from contextlib import suppress
from pathlib import Path

import it_common as it
import pandas as pd
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark import BarrierTaskContext, TaskContext
from pyspark.errors import PythonException
from pyspark.sql import functions, types

WAYS = ["rows", "arrow", "auto"]
PARTS = 2
ROWS = 1_000


def write_rows(spark):
    """Writes rows in two files; returns the path."""
    path = str(Path(os.environ["IT_WORK"]) / "promises.parquet")
    pixels = functions.array(*[functions.lit(float(i)).cast("float") for i in range(64)])
    spark.range(0, ROWS, 1, PARTS).select("id", pixels.alias("pixels")).write.parquet(path)
    return path


@functions.pandas_udf(types.LongType())
def lengths(digits: pd.Series) -> pd.Series:
    """Returns the length of its batch."""
    return pd.Series([len(digits)] * len(digits))


@functions.pandas_udf(types.LongType())
def failing(digits: pd.Series) -> pd.Series:
    """Fails."""
    raise KeyError("a scalar function's own text")


def fails(batches):
    """Fails."""
    for _ in batches:
        raise KeyError("a function's own text")
    yield from []


def counted(batches):
    """Returns the length of each batch."""
    for batch in batches:
        yield pa.RecordBatch.from_arrays([pa.array([batch.num_rows])], ["n"])


def counted_frames(frames):
    """Returns the length of each frame."""
    for frame in frames:
        yield pd.DataFrame({"n": [len(frame)]})


def check_lengths(spark, path):
    """Checks that no batch is longer than the setting says, and that none has no rows."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "70")
    for way in WAYS:
        df = it.scored(spark, path, way).select("id", "digit")
        for found in (
            df.mapInArrow(counted, "n bigint"),
            df.mapInPandas(counted_frames, "n bigint"),
        ):
            sizes = [row.n for row in found.collect()]
            assert sum(sizes) == ROWS, sizes
            assert 0 < min(sizes) <= max(sizes) <= 70, sizes
        sizes = [row.n for row in df.select(lengths("digit").alias("n")).collect()]
        assert len(sizes) == ROWS, sizes
        assert max(sizes) <= 70, sizes
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def python_metrics(df):
    """Runs a query; returns Spark's own metrics of its Python node."""
    execution = df._jdf.queryExecution()
    execution.executedPlan().executeCollect()
    nodes = [execution.executedPlan()]
    while nodes:
        node = nodes.pop()
        if node.metrics().contains("pythonDataSent"):
            names = ["pythonDataSent", "pythonDataReceived", "pythonNumRowsReceived"]
            return [node.metrics().apply(name).value() for name in names]
        if "Adaptive" in node.nodeName():
            nodes.append(node.executedPlan())
        nodes.extend(node.children().apply(i) for i in range(node.children().size()))
    raise AssertionError("no Python node")


def check_metrics(spark, path):
    """Checks Spark's own metrics."""
    for way in WAYS:
        df = it.scored(spark, path, way).select("id", "digit")
        for query in (
            df.mapInArrow(lambda batches: batches, df.schema),
            df.select(lengths("digit")),
        ):
            sent, received, rows = python_metrics(query)
            assert rows == ROWS, (way, rows)
            assert sent > 0 < received, (way, sent, received)


def check_context(spark, path):
    """Checks barriers, the task's context, broadcasts and accumulators."""
    seen = spark.sparkContext.accumulator(0)
    sent = spark.sparkContext.broadcast(7)

    def together(batches):
        context = BarrierTaskContext.get()
        tasks = len(context.allGather(str(context.partitionId())))
        for batch in batches:
            seen.add(batch.num_rows)
        parts = pa.array([tasks * sent.value])
        yield pa.RecordBatch.from_arrays([parts], ["n"])

    def alone(batches):
        for batch in batches:
            part = pa.array([TaskContext.get().partitionId()] * batch.num_rows)
            yield pa.RecordBatch.from_arrays([part], ["n"])

    for n, way in enumerate(WAYS):
        df = it.scored(spark, path, way).select("id", "digit")
        found = [row.n for row in df.mapInArrow(together, "n bigint", barrier=True).collect()]
        tasks = df.rdd.getNumPartitions()
        assert found == [tasks * 7] * tasks, (way, found)
        it.eventually(lambda n=n: seen.value == (n + 1) * ROWS)
        parts = {row.n for row in df.mapInArrow(alone, "n bigint").collect()}
        assert parts == set(range(tasks)), (way, parts)


def check_errors(spark, path):
    """Checks that a function's fault comes as Spark brings it: its type, text and traceback."""
    for way in WAYS:
        df = it.scored(spark, path, way).select("id", "digit")
        for query, text in (
            (df.mapInArrow(fails, "n bigint"), "a function's own text"),
            (df.mapInPandas(fails, "n bigint"), "a function's own text"),
            (df.select(failing("digit")), "a scalar function's own text"),
        ):
            try:
                query.collect()
                raise AssertionError(f"nothing was raised with {way}")
            except PythonException as fault:
                assert f'KeyError: "{text}"' in str(fault), (way, str(fault))
                assert "it_promises.py" in str(fault), (way, str(fault))


def check_profiles(spark, path):
    """Checks that scalar functions are profiled where Spark is told to."""
    collector = spark.sparkContext.profiler_collector
    counts = []
    for way in WAYS:
        assert it.scored(spark, path, way).select(lengths("digit")).collect()
        counts.append(sum(p.stats() is not None for _, p, _ in collector.profilers))
    assert counts[0] >= 1, counts
    assert counts == sorted(counts), counts
    assert counts[-1] > counts[0], counts


def main():
    """Run the checks."""
    spark = it.builder().config("spark.python.profile", "true").getOrCreate()
    path = write_rows(spark)
    check_lengths(spark, path)
    check_metrics(spark, path)
    check_context(spark, path)
    check_errors(spark, path)
    check_profiles(spark, path)
    it.check_nothing_is_left(spark)
    jvm = spark.sparkContext._jvm
    spark.stop()
    return jvm


if __name__ == "__main__":
    gateway = main()
    it.passed(__file__)
    # Spark's timer of barriers is a thread that would keep the JVM alive.
    with suppress(Py4JError, OSError):
        gateway.java.lang.System.exit(0)
