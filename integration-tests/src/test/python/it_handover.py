"""Batches reach Python functions in columns and through shared memory, and nobody can tell by them.

Equal queries give equal data whichever way batches are handed over; arrays are read-only views of
memory that the JVM wrote, and stay as they are for as long as they are referenced.
"""

import os
from pathlib import Path

import it_common as it
import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 20_000
WAYS = ["auto", "shared-memory", "arrow", "rows"]


def write_rows(spark):
    """Writes rows of 64 floats, enough for many batches; returns the path."""
    path = str(Path(os.environ["IT_WORK"]) / "rows.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    rows = spark.range(0, ROWS, 1, 2).select(
        "id",
        pixels.alias("pixels"),
        functions.when(functions.col("id") % 3 == 0, None)
        .otherwise(functions.concat(functions.lit("n"), "id"))
        .alias("name"),
        functions.to_timestamp(functions.col("id")).alias("time"),
        functions.col("id").cast("decimal(12,2)").alias("amount"),
        (functions.col("id") % 2 == 0).alias("even"),
        functions.struct("id", functions.lit("x").alias("x")).alias("pair"),
    )
    rows.write.mode("overwrite").parquet(path)
    return path


def identity(batches):
    yield from batches


def check_equal_data(spark, path):
    """Checks that each way gives the same rows of every type, through Arrow and through pandas."""
    # Of the same size everywhere: kernels may round a row otherwise at another place in its batch.
    wanted = it.scored(spark, path, "rows", batchRows="4096").orderBy("id").collect()
    assert len(wanted) == ROWS
    for way in WAYS:
        df = it.scored(spark, path, way, batchRows="4096")
        mapped = df.mapInArrow(identity, df.schema)
        assert ("ColumnarMapInBatch" in it.plan(mapped)) == (way != "rows"), it.plan(mapped)
        assert mapped.orderBy("id").collect() == wanted, way
        assert df.mapInPandas(identity, df.schema).orderBy("id").collect() == wanted, way


def check_between(spark, path):
    """Checks projections, filters and limits between the read and the function."""

    def sums(batches):
        for batch in batches:
            values = batch.column(1).flatten().to_numpy().reshape(batch.num_rows, -1).sum(axis=1)
            yield pa.RecordBatch.from_arrays([batch.column(0), pa.array(values)], ["n", "total"])

    def query(way):
        df = it.scored(spark, path, way)
        few = df.where("id % 5 = 1 and digit >= 3").selectExpr("id as n", "probabilities as p")
        return few.mapInArrow(sums, "n long, total float")

    assert it.plan(query("auto")).count("Columnar") >= 3, it.plan(query("auto"))
    wanted = query("rows").orderBy("n").collect()
    assert len(wanted) > 100
    assert query("auto").orderBy("n").collect() == wanted
    assert it.scored(spark, path, "auto").mapInArrow(identity, "id long").limit(5).count() == 5
    chained = query("auto").mapInArrow(identity, "n long, total float")
    assert it.plan(chained).count("ColumnarMapInBatch") == 2
    assert chained.orderBy("n").collect() == wanted


def check_shared(spark, path):
    """Checks that arrays are aligned views of shared pages that nobody can write to."""

    def look(batches):
        kept = []
        for batch in batches:
            array = ta.numpy(batch, "probabilities")
            mapped = False
            with open("/proc/self/maps") as maps:
                for line in maps:
                    begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                    if begin <= array.ctypes.data < end:
                        mapped = "/dev/shm/tensorarrow-" in line and " r--s " in line
            try:
                array.flags.writeable = True
                locked = False
            except ValueError:
                locked = not array.flags.writeable and not array.flags.owndata
            kept.append((array, array.copy(), mapped and locked and array.ctypes.data % 64 == 0))
        same = all(np.array_equal(view, copy) for view, copy, _ in kept)
        good = same and all(ok for _, _, ok in kept)
        yield pa.RecordBatch.from_arrays([pa.array([good]), pa.array([len(kept)])], ["good", "n"])

    df = it.scored(spark, path, "auto", batchRows="4096")
    found = df.mapInArrow(look, "good boolean, n long").collect()
    assert sum(row.n for row in found) >= ROWS // 4096, found
    assert all(row.good for row in found), found


def check_sessions(spark, path):
    """Checks that views of another session, and new sessions, are served alike."""
    it.scored(spark, path, "auto").createOrReplaceGlobalTempView("scored")
    other = spark.newSession()
    mapped = other.table("global_temp.scored").mapInArrow(identity, "id long")
    assert "ColumnarMapInBatch" in it.plan(mapped)
    assert mapped.count() == ROWS


def check_reasons(spark, path):
    """Checks that EXPLAIN says why rows are made, and that they are the right ones."""

    def rows(change):
        df = change(it.scored(spark, path, "auto").select("id", "digit"))
        mapped = df.mapInArrow(identity, df.schema)
        assert "ColumnarMapInBatch" not in it.plan(mapped), it.plan(mapped)
        assert mapped.count() == df.count()
        return it.plan(mapped)

    assert "HandoverRows reason=Sort, which makes rows" in rows(lambda df: df.orderBy("id"))
    assert "reason=Aggregate, which makes rows" in rows(lambda df: df.distinct())
    assert "reason=a projection that computes" in rows(lambda df: df.selectExpr("id + 1 as id"))
    assert "reason=handover=rows" in it.plan(
        it.scored(spark, path, "rows").mapInArrow(identity, "id long")
    )
    plain = functions.udf(lambda digit: digit + 1, "long")
    df = it.scored(spark, path, "auto").select(plain("digit").alias("n"))
    assert "reason=a plain Python function, which takes values" in it.plan(df), it.plan(df)
    assert df.where("n between 1 and 10").count() == ROWS
    # Nothing of ours is said of what is not ours.
    other = spark.read.parquet(path).select("id").orderBy("id").mapInArrow(identity, "id long")
    assert "HandoverRows" not in it.plan(other)


def check_demands(spark, path):
    """Checks that what can't be had is an error when it is demanded, and only then."""
    for way in ["arrow", "shared-memory"]:
        df = it.scored(spark, path, way)
        assert df.orderBy("id").select("id").limit(3).count() == 3
        with it.raises("TA_HANDOVER", f"handover={way}", "found Sort, which makes rows", "auto"):
            df.orderBy("id").mapInArrow(identity, df.schema).collect()
    with it.raises("TA_HANDOVER", "found a scalar pandas function", "handover=arrow"):
        it.scored(spark, path, "shared-memory").select(next_digit()("digit")).collect()
    assert it.scored(spark, path, "arrow").select(next_digit()("digit")).count() == ROWS
    df = it.scored(spark, path, "arrow").mapInArrow(identity, "id long")
    assert "handover=arrow" in it.plan(df), it.plan(df)


def next_digit():
    """Returns a scalar pandas function."""

    @functions.pandas_udf("long")
    def next_digit(digit: pd.Series) -> pd.Series:
        return digit + 1

    return next_digit


def metrics(df):
    """Runs a query; returns the metrics of its function's node."""
    execution = df._jdf.queryExecution()
    rows = execution.executedPlan().executeCollect()
    node = execution.executedPlan()
    while "ColumnarMapInBatch" not in node.nodeName():
        node = node.executedPlan() if "Adaptive" in node.nodeName() else node.children().apply(0)
    names = ["sharedBatches", "sharedBytes", "inlineBatches", "inlineBytes", "convertedBytes"]
    names += ["createdSegments", "reusedSegments", "pythonDataSent"]
    return len(rows), {name: node.metrics().apply(name).value() for name in names}


def check_one_copy(spark, path):
    """Checks that tensors are copied once, into segments that are used again."""

    def nothing(batches):
        for batch in batches:
            assert ta.numpy(batch, "probabilities").shape == (batch.num_rows, 10)
        return iter([])

    df = it.scored(spark, path, "auto", batchRows="5000").select("probabilities")
    for _ in range(2):
        _, found = metrics(df.mapInArrow(nothing, "x long"))
    tensors = ROWS * 10 * 4
    # Lists have offsets; buffers are aligned. The source ends each partition with a small batch.
    batches = found["sharedBatches"] + found["inlineBatches"]
    copied = found["sharedBytes"] + found["inlineBytes"]
    assert tensors < copied < tensors + ROWS * 4 + batches * 1000, found
    assert found["sharedBatches"] >= 4, found
    assert found["convertedBytes"] == 0, found
    assert found["createdSegments"] == 0, found
    assert found["reusedSegments"] == found["sharedBatches"], found
    assert found["pythonDataSent"] < found["inlineBytes"] + 10_000, found
    small = it.scored(spark, path, "auto", batchRows="100").select("probabilities")
    _, found = metrics(small.mapInArrow(nothing, "x long"))
    assert found["sharedBatches"] == 0, found
    assert found["inlineBatches"] >= ROWS // 100, found


def check_nothing_is_left(spark):
    """Checks that no segment is lent, and that none has a name."""
    lent = spark.sparkContext._jvm.io.tensorarrow.spark.python.SharedMemory.lent
    it.eventually(lambda: lent() == 0)
    assert not [name for name in os.listdir("/dev/shm") if name.startswith("tensorarrow-")]


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    path = write_rows(spark)
    check_equal_data(spark, path)
    check_between(spark, path)
    check_shared(spark, path)
    check_sessions(spark, path)
    check_reasons(spark, path)
    check_demands(spark, path)
    check_one_copy(spark, path)
    check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
