"""Spark Connect: a client that has no JVM gets what a session of its own would get.

    it_connect.py PORT

connects to a server on this host, whose directory this is, too. Functions run in its workers.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

import it_common as it
import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import SparkSession, functions

import tensorarrow as ta

ROWS = 20_000


def plan(df):
    """Returns the physical plan, which the server makes."""
    return df._explain_string()


def write_rows(spark):
    """Writes rows of 64 floats, enough for many batches; returns the path."""
    path = str(Path(os.environ["IT_WORK"]) / "rows.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    spark.range(0, ROWS, 1, 2).select("id", pixels.alias("pixels")).write.parquet(path)
    return path


def scored(spark, path, way):
    """Reads the rows with the model's outputs, in batches that do not go inline."""
    return it.scored(spark, path, way, batchRows="4096").select("id", "digit", "probabilities")


def collected(query):
    """Returns a query's rows by id; to sort them there would run the function twice."""
    return query.toPandas().sort_values("id", ignore_index=True)


def check_arrays(spark, path):
    """Checks functions of Arrow batches: views of shared memory, and the same data either way."""
    declared = "id long, best long, total float, shared boolean"

    def query(way):
        df = scored(spark, path, way)
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
    wanted = collected(query("rows"))
    found = collected(query("auto"))
    assert len(found) == ROWS
    assert not wanted["shared"].any()
    # The source ends each partition with a batch that is small enough for the socket.
    assert found["shared"].sum() >= ROWS // 2
    names = ["id", "best", "total"]
    pd.testing.assert_frame_equal(found[names], wanted[names], check_exact=True)


def check_others(spark, path):
    """Checks functions of arrays, of pandas frames and of pandas series."""

    def best(t):
        return {"id": t["id"], "best": t["probabilities"].argmax(1)}

    def twice(frames):
        for frame in frames:
            yield pd.DataFrame({"id": frame["id"], "twice": frame["digit"] * 2})

    def halve(t):
        probabilities = t["probabilities"]
        probabilities *= 0.5
        return {"id": t["id"], "probabilities": probabilities}

    @functions.pandas_udf("double")
    def widest(probabilities: pd.Series) -> pd.Series:
        return probabilities.map(max).astype("float64")

    queries = {
        "map_tensors": lambda df: ta.map_tensors(df, best, "id long, best long"),
        "inplace": lambda df: ta.map_tensors(
            df, halve, "id long, probabilities array<float>", inplace=["probabilities"]
        ),
        "mapInPandas": lambda df: df.mapInPandas(twice, "id long, twice long"),
        "pandas_udf": lambda df: df.select("id", widest("probabilities").alias("widest")),
    }
    nodes = {
        "map_tensors": "ColumnarMapInBatch handover=shared-memory",
        "inplace": "ColumnarMapInBatch handover=shared-memory",
        "mapInPandas": "ColumnarMapInBatch handover=shared-memory",
        "pandas_udf": "ColumnarArrowEval handover=arrow",
    }
    for name, query in queries.items():
        assert nodes[name] in plan(query(scored(spark, path, "auto"))), name
        assert "Columnar" not in plan(query(scored(spark, path, "rows"))).replace(
            "ColumnarToRow", ""
        ), name
        wanted = collected(query(scored(spark, path, "rows")))
        found = collected(query(scored(spark, path, "auto")))
        assert len(found) == ROWS
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def check_metadata(spark, path):
    """Checks that the client knows tensors by their columns, and gets errors as they are."""
    metadata = scored(spark, path, "auto").schema["probabilities"].metadata
    assert metadata["tensor.dtype"] == "float32", metadata
    assert metadata["tensor.shape"] == [10], metadata
    with it.raises("TA_HANDOVER", "found Sort, which makes rows"):
        df = scored(spark, path, "shared-memory").orderBy("id")
        df.mapInArrow(lambda batches: batches, df.schema).collect()


def check_model(spark):
    """Checks what is read of a model itself."""
    model = it.DIGITS_MODEL
    found = ta.variables(spark, model)
    assert found, found
    assert all(not array.flags.writeable for array in found.values()), found
    one = sorted(found)[0]
    (array,) = ta.variables(spark, model, names=[one]).values()
    assert array.dtype == found[one].dtype
    assert np.array_equal(array, found[one])
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        ta.show(model, spark=spark)
    assert "probabilities" in shown.getvalue(), shown.getvalue()


def main(port):
    """Run the checks."""
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    path = write_rows(spark)
    check_metadata(spark, path)
    check_model(spark)
    check_arrays(spark, path)
    check_others(spark, path)
    # The server closes segments that are not lent when they were idle for a second.
    assert it.segments()
    it.eventually(lambda: not it.segments("java"), it.segments)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
    it.passed(__file__)
