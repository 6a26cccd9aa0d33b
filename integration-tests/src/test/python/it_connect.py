"""Spark Connect: a client that has no JVM gets what a session of its own would get.

IT_PORT is that of a server on this host, whose directory this is, too. Functions run in its
workers.
"""

import contextlib
import io
import os
from pathlib import Path

import helpers as it
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession, functions

import tensorarrow as ta

ROWS = 20_000


def plan(df):
    """Returns the physical plan, which the server makes."""
    return df._explain_string()


@pytest.fixture(scope="module")
def spark():
    """A client's session."""
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{os.environ['IT_PORT']}").getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def scored(spark):
    """Reads rows of 64 floats with the model's outputs, in batches that do not go inline."""
    path = it.write_pixels(spark, Path(os.environ["IT_WORK"]) / "rows.parquet", ROWS)
    columns = ["id", "digit", "probabilities"]
    return lambda mode: it.scored(spark, path, mode, batchRows="4096").select(columns)


def collected(query):
    """Returns a query's rows by id; to sort them there would run the function twice."""
    return query.toPandas().sort_values("id", ignore_index=True)


def test_functions_of_batches_get_views_of_shared_memory_and_the_same_data(scored):
    declared = "id long, best long, total float, shared boolean"

    def query(mode):
        df = scored(mode)
        schema = df.schema

        def best(batches):
            for batch in batches:
                p = ta.numpy(batch, "probabilities", schema=schema)
                assert not p.flags.writeable
                assert not p.flags.owndata
                first, shared = p.ctypes.data, False
                with open("/proc/self/maps") as maps:
                    for line in maps:
                        begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                        if begin <= first < end:
                            shared = "/dev/shm/tensorarrow-" in line and " r--s " in line
                columns = [batch.column("id"), p.argmax(1), p.sum(1), np.full(len(p), shared)]
                names = ["id", "best", "total", "shared"]
                yield pa.RecordBatch.from_arrays([pa.array(c) for c in columns], names)

        return df.mapInArrow(best, declared)

    assert "ColumnarMapInBatch handover=shared-memory" in plan(query("auto")), plan(query("auto"))
    assert "reason=handover=rows" in plan(query("rows")), plan(query("rows"))
    expected = collected(query("rows"))
    actual = collected(query("auto"))
    assert len(actual) == ROWS
    assert not expected["shared"].any()
    # The source ends each partition with a batch that is small enough for the socket.
    assert actual["shared"].sum() >= ROWS // 2
    names = ["id", "best", "total"]
    pd.testing.assert_frame_equal(actual[names], expected[names], check_exact=True)


def test_predict_runs_models_over_any_query(spark, scored):
    path = it.write_pixels(spark, Path(os.environ["IT_WORK"]) / "rows.parquet", ROWS)
    weights = spark.range(0, ROWS, 2).select("id", (functions.col("id") / 2).alias("weight"))
    joined = spark.read.parquet(path).join(weights, "id")
    predicted = ta.predict(joined, it.DIGITS_MODEL, batchRows=4096)

    assert predicted.columns == ["id", "pixels", "weight", "digit", "probabilities"]
    query = ta.map_tensors(predicted, best, "id long, best long")
    assert "ColumnarMapInBatch handover=shared-memory" in plan(query), plan(query)
    expected = collected(scored("auto").where("id % 2 = 0").select("id", "digit"))
    pd.testing.assert_frame_equal(
        collected(query), expected.rename(columns={"digit": "best"}), check_exact=True
    )


def test_sql_calls_models(spark, scored):
    path = it.write_pixels(spark, Path(os.environ["IT_WORK"]) / "rows.parquet", ROWS)
    spark.read.parquet(path).createOrReplaceTempView("rows")
    query = spark.sql(
        f"SELECT id, tf_predict('{it.DIGITS_MODEL}', pixels, outputs => 'digit') AS digit FROM rows"
    )

    pd.testing.assert_frame_equal(
        collected(query), collected(scored("auto").select("id", "digit")), check_exact=True
    )


def best(t):
    return {"id": t["id"], "best": t["probabilities"].argmax(1)}


def twice(pandas_batches):
    for batch in pandas_batches:
        yield pd.DataFrame({"id": batch["id"], "twice": batch["digit"] * 2})


def halve(t):
    probabilities = t["probabilities"]
    probabilities *= 0.5
    return {"id": t["id"], "probabilities": probabilities}


def widest(df):
    @functions.pandas_udf("double")
    def widest(probabilities: pd.Series) -> pd.Series:
        return probabilities.map(max).astype("float64")

    return df.select("id", widest("probabilities").alias("widest"))


SHARED = "ColumnarMapInBatch handover=shared-memory"
IN_PLACE = {"schema": "id long, probabilities array<float>", "inplace": ["probabilities"]}


@pytest.mark.parametrize(
    ("query", "node"),
    [
        (lambda df: ta.map_tensors(df, best, "id long, best long"), SHARED),
        (lambda df: ta.map_tensors(df, halve, **IN_PLACE), SHARED),
        (lambda df: df.mapInPandas(twice, "id long, twice long"), SHARED),
        (widest, "ColumnarArrowEval handover=arrow"),
    ],
    ids=["map_tensors", "inplace", "mapInPandas", "pandas_udf"],
)
def test_other_functions_get_the_same_data(scored, query, node):
    assert node in plan(query(scored("auto")))
    rows = query(scored("rows"))
    assert "Columnar" not in plan(rows).replace("ColumnarToRow", "")
    actual = collected(query(scored("auto")))
    assert len(actual) == ROWS
    pd.testing.assert_frame_equal(actual, collected(rows), check_exact=True)


def test_columns_have_their_tensors_metadata(scored):
    metadata = scored("auto").schema["probabilities"].metadata
    assert metadata["tensor.dtype"] == "float32", metadata
    assert metadata["tensor.shape"] == [10], metadata


def test_errors_arrive_unchanged(scored):
    with it.raises("TA_HANDOVER", "found Sort, which outputs rows"):
        df = scored("shared-memory").orderBy("id")
        df.mapInArrow(it.identity, df.schema).collect()


def test_variables_are_read(spark):
    variables = ta.variables(spark, it.DIGITS_MODEL)
    assert variables, variables
    assert all(not array.flags.writeable for array in variables.values()), variables
    name = sorted(variables)[0]
    (array,) = ta.variables(spark, it.DIGITS_MODEL, names=[name]).values()
    assert array.dtype == variables[name].dtype
    assert np.array_equal(array, variables[name])


def test_signatures_are_shown(spark):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        ta.show(it.DIGITS_MODEL, spark=spark)
    assert "probabilities" in shown.getvalue(), shown.getvalue()


def test_server_closes_idle_segments(scored):
    # They are given up when they were idle for a second.
    df = scored("shared-memory")
    assert df.mapInArrow(it.identity, df.schema).count() == ROWS
    assert it.segments()
    it.eventually(lambda: not it.segments("java"), it.segments)
