"""The nodes that replace Spark's own Python nodes keep what Spark's documentation promises."""

import helpers as it
import pandas as pd
import pyarrow as pa
import pytest
from pyspark import BarrierTaskContext, SparkContext, TaskContext
from pyspark.errors import PythonException
from pyspark.sql import functions, types

pytestmark = pytest.mark.settings({"spark.python.profile": "true"})

MODES = ["rows", "arrow", "auto"]
PARTS = 2
ROWS = 1_000


@pytest.fixture
def scored(spark, work):
    """Reads rows of two files in a mode."""
    path = it.write_pixels(spark, work / "promises.parquet", ROWS, files=PARTS)
    return lambda mode: it.scored(spark, path, mode).select("id", "digit")


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


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


def counted_in_pandas(pandas_batches):
    """Returns the length of each DataFrame."""
    for batch in pandas_batches:
        yield pd.DataFrame({"n": [len(batch)]})


@pytest.mark.parametrize(
    "query",
    [
        lambda df: df.mapInArrow(counted, "n bigint"),
        lambda df: df.mapInPandas(counted_in_pandas, "n bigint"),
    ],
    ids=["mapInArrow", "mapInPandas"],
)
def test_no_batch_is_longer_than_the_setting_or_empty(scored, conf, mode, query):
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "70")
    sizes = [row.n for row in query(scored(mode)).collect()]
    assert sum(sizes) == ROWS, sizes
    assert 0 < min(sizes) <= max(sizes) <= 70, sizes


def test_no_batch_of_a_scalar_function_is_longer_than_the_setting(scored, conf, mode):
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "70")
    sizes = [row.n for row in scored(mode).select(lengths("digit").alias("n")).collect()]
    assert len(sizes) == ROWS, sizes
    assert max(sizes) <= 70, sizes


@pytest.mark.parametrize(
    "query",
    [lambda df: df.mapInArrow(it.identity, df.schema), lambda df: df.select(lengths("digit"))],
    ids=["mapInArrow", "pandas_udf"],
)
def test_nodes_have_metrics_of_sparks_nodes(scored, mode, query):
    df = query(scored(mode))
    df._jdf.queryExecution().executedPlan().executeCollect()
    metrics = it.metrics_of(df, lambda node: node.metrics().contains("pythonDataSent"))
    assert metrics["pythonNumRowsReceived"] == ROWS, metrics
    assert metrics["pythonDataSent"] > 0 < metrics["pythonDataReceived"], metrics


def test_barriers_broadcasts_and_accumulators_work(spark, scored, mode, barriers):
    seen = spark.sparkContext.accumulator(0)
    sent = spark.sparkContext.broadcast(7)

    def gather(batches):
        context = BarrierTaskContext.get()
        tasks = len(context.allGather(str(context.partitionId())))
        for batch in batches:
            seen.add(batch.num_rows)
        parts = pa.array([tasks * sent.value])
        yield pa.RecordBatch.from_arrays([parts], ["n"])

    df = scored(mode)
    products = [row.n for row in df.mapInArrow(gather, "n bigint", barrier=True).collect()]
    tasks = df.rdd.getNumPartitions()
    assert products == [tasks * 7] * tasks
    it.eventually(lambda: seen.value == ROWS)


@pytest.fixture(scope="module")
def barriers():
    """Ends Spark's timer of barriers, a thread that would keep the JVM alive."""
    yield
    companion = getattr(SparkContext._jvm.org.apache.spark, "BarrierTaskContext$")
    timer = "org$apache$spark$BarrierTaskContext$$timer"
    getattr(getattr(companion, "MODULE$"), timer)().cancel()


def test_functions_see_their_tasks_context(scored, mode):
    def partitions(batches):
        for batch in batches:
            part = pa.array([TaskContext.get().partitionId()] * batch.num_rows)
            yield pa.RecordBatch.from_arrays([part], ["n"])

    df = scored(mode)
    parts = {row.n for row in df.mapInArrow(partitions, "n bigint").collect()}
    assert parts == set(range(df.rdd.getNumPartitions()))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (lambda df: df.mapInArrow(fails, "n bigint"), "a function's own text"),
        (lambda df: df.mapInPandas(fails, "n bigint"), "a function's own text"),
        (lambda df: df.select(failing("digit")), "a scalar function's own text"),
    ],
    ids=["mapInArrow", "mapInPandas", "pandas_udf"],
)
def test_errors_keep_type_text_and_traceback(scored, mode, query, text):
    with pytest.raises(PythonException) as caught:
        query(scored(mode)).collect()
    assert f'KeyError: "{text}"' in str(caught.value)
    assert "it_promises.py" in str(caught.value)


def test_scalar_functions_are_profiled(spark, scored):
    profilers = spark.sparkContext.profiler_collector.profilers
    counts = [sum(each.stats() is not None for _, each, _ in profilers)]
    for mode in MODES:
        assert scored(mode).select(lengths("digit")).collect()
        counts.append(sum(each.stats() is not None for _, each, _ in profilers))
    assert counts[1] > counts[0], counts
    assert counts == sorted(counts), counts
    assert counts[-1] > counts[1], counts
