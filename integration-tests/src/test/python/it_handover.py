"""Batches reach Python functions in columns and through shared memory, and nobody can tell by them.

Equal queries give equal data whichever way batches are handed over; arrays are read-only views of
memory that the JVM wrote, and stay as they are for as long as they are referenced.
"""

import os
import sys
import time
import zipimport
from importlib.util import find_spec
from pathlib import Path

import dtype_samples
import it_common as it
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 20_000
WAYS = ["auto", "shared-memory", "arrow", "rows"]

# Enough for batches that do not go inline.
DTYPE_ROWS = 4096


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
    # Kernels may round a row differently in batches of another length.
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

    for adaptive in ["true", "false"]:
        spark.conf.set("spark.sql.adaptive.enabled", adaptive)
        assert it.plan(query("auto")).count("Columnar") >= 3, it.plan(query("auto"))
        wanted = query("rows").orderBy("n").collect()
        assert len(wanted) > 100
        assert query("auto").orderBy("n").collect() == wanted
        assert it.scored(spark, path, "auto").mapInArrow(identity, "id long").limit(5).count() == 5
        chained = query("auto").mapInArrow(identity, "n long, total float")
        assert it.plan(chained).count("ColumnarMapInBatch") == 2
        assert chained.orderBy("n").collect() == wanted
    spark.conf.unset("spark.sql.adaptive.enabled")


def is_shared(array):
    """Returns whether an array's memory is mapped to read from a segment."""
    first = array.ctypes.data
    return any(
        begin <= first and first + array.nbytes <= end for begin, end, _ in segments_mapped()
    )


def segments_mapped():
    """Returns where segments are mapped to read, from and to which address, and their inodes."""
    found = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            addresses, mode, _, _, inode = line.split()[:5]
            if mode == "r--s" and "/dev/shm/tensorarrow-" in line:
                found.append((*(int(part, 16) for part in addresses.split("-")), inode))
    return found


def is_locked(array):
    """Returns whether an array is a view that can't be written to, not even on purpose."""
    if array.flags.owndata or array.flags.writeable:
        return False
    for write in [lambda a: a.setflags(write=True), lambda a: a.fill(0), lambda a: a.sort()]:
        try:
            write(array)
            return False
        except ValueError:
            pass
    try:
        array.flags.writeable = True
        return False
    except ValueError:
        return not array.flags.writeable


def is_independent(array):
    """Returns whether copies and conversions of an array are the function's own."""
    before = array.tobytes()
    for other in [array.copy(), array.astype(np.float64), array.astype(array.dtype)]:
        if np.shares_memory(other, array) or not other.flags.owndata:
            return False
        np.add(other, 1, out=other)
    return array.tobytes() == before


def check_shared(spark, path):
    """Checks that arrays are aligned views of shared pages that nobody can write to."""

    def look(batches):
        kept = []
        for batch in batches:
            array, again = (ta.numpy(batch, "probabilities") for _ in range(2))
            good = array.dtype == np.float32 and array.shape == (batch.num_rows, 10)
            good = good and np.shares_memory(array, again) and array.ctypes.data % 64 == 0
            good = good and is_shared(array) and is_locked(array) and is_independent(array)
            # Later batches flow while this one is kept.
            kept.append((array, array.copy(), good))
        same = all(np.array_equal(view, copy) for view, copy, _ in kept)
        good = same and all(ok for _, _, ok in kept)
        yield pa.RecordBatch.from_arrays([pa.array([good]), pa.array([len(kept)])], ["good", "n"])

    df = it.scored(spark, path, "auto", batchRows="4096")
    found = df.mapInArrow(look, "good boolean, n long").collect()
    assert sum(row.n for row in found) >= ROWS // 4096, found
    assert all(row.good for row in found), found


def check_every_dtype(spark):
    """Checks that arrays have their tensor's dtype and bytes, and are views but for strings."""
    samples = dtype_samples.SAMPLES["module_dtypes"]
    path = str(Path(os.environ["IT_WORK"]) / "dtypes.parquet")
    pq.write_table(dtype_samples.table(samples, DTYPE_ROWS), path)
    reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/module_dtypes")
    df = reader.options(handover="shared-memory", batchRows="4096").load(path)
    columns = {
        f"{dtype}_{name}_out": (dtype, sample.values, (DTYPE_ROWS, *shape))
        for dtype, sample in samples.items()
        for name, shape in dtype_samples.SHAPES.items()
    }
    df = df.select("id", *columns)
    schema = df.schema

    def look(batches):
        for batch in batches:
            rows = batch.column("id").to_numpy()
            for name, (dtype, values, shape) in columns.items():
                array = ta.numpy(batch, name, schema=schema, raw=True)
                wanted = np.resize(values, shape)[rows]
                same = array.dtype == wanted.dtype and array.shape == wanted.shape
                if dtype == "string":
                    same = same and array.tolist() == wanted.tolist()
                else:
                    same = same and array.tobytes() == wanted.tobytes()
                    same = same and not array.flags.writeable
                view = dtype != "string" and is_shared(array) and is_locked(array)
                if dtype == "bfloat16" and find_spec("ml_dtypes"):
                    named = ta.numpy(batch, name, schema=schema)
                    same = same and named.dtype.name == "bfloat16"
                    view = view and np.shares_memory(named, array) and is_locked(named)
                yield pa.RecordBatch.from_pydict({"dtype": [dtype], "same": [same], "view": [view]})

    found = df.mapInArrow(look, "dtype string, same boolean, view boolean").collect()
    assert {row.dtype for row in found} == set(samples), found
    assert all(row.same for row in found), [row for row in found if not row.same]
    assert {row.dtype for row in found if not row.view} == {"string"}, found
    half = df.select("uint8_vector_out")
    _, widened = it.metrics(half.mapInArrow(identity, half.schema))
    assert widened["widenedBytes"] == DTYPE_ROWS * 3, widened
    own = ta.map_tensors(half, lambda t: {"n": t["uint8_vector_out"].sum(1)}, "n decimal(20,0)")
    _, widened = it.metrics(own)
    assert widened["widenedBytes"] == 0, widened


def check_jars(spark, path):
    """Checks that workers do not read archives' directories again with each task."""

    def look(batches):
        for _ in batches:
            found = [
                (importer.archive, "invalidate_caches" in vars(importer))
                for importer in sys.path_importer_cache.values()
                if isinstance(importer, zipimport.zipimporter)
            ]
            archives, quiet = zip(*found)
            yield pa.RecordBatch.from_pydict({"file": archives, "quiet": quiet})

    found = it.scored(spark, path, "auto").mapInArrow(look, "file string, quiet boolean").collect()
    archives = {row.file for row in found}
    # That of --py-files and that of the class path; Python 3.9 never reads a directory again.
    assert sum(Path(name).name.startswith("tensorarrow-") for name in archives) == 2, archives
    assert any("pyspark.zip" in name for name in archives), archives
    assert all(row.quiet for row in found) or sys.version_info < (3, 10), found


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
    assert "reason=GlobalLimit, which makes rows" in rows(lambda df: df.limit(50))
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


def check_one_copy(spark, path):
    """Checks that tensors are copied once, into segments that are used again."""

    def count(batches):
        for batch in batches:
            assert ta.numpy(batch, "probabilities").shape == (batch.num_rows, 10)
            # Worker and segments are used again, and each segment is mapped once.
            inodes = [inode for _, _, inode in segments_mapped()]
            assert len(set(inodes)) == len(inodes), inodes
            assert inodes or batch.num_rows < 5000
            yield pa.RecordBatch.from_arrays([pa.array([batch.num_rows])], ["rows"])

    df = it.scored(spark, path, "auto", batchRows="5000").select("probabilities")
    lengths = [row.rows for row in df.mapInArrow(count, "rows long").collect()]
    assert sum(lengths) == ROWS, lengths
    # A query's metrics add up over its runs, so this is another one.
    _, found = it.metrics(df.mapInArrow(count, "rows long"))
    # Lists have offsets, and buffers are aligned; there is nothing else, and nothing twice.
    copied = sum(aligned(4 * (n + 1)) + aligned(4 * 10 * n) for n in lengths)
    assert found["sharedBytes"] + found["inlineBytes"] == copied, (found, lengths)
    assert found["sharedBatches"] + found["inlineBatches"] == len(lengths), (found, lengths)
    assert found["sharedBatches"] >= 4, found
    assert found["convertedBytes"] == 0, found
    assert found["createdSegments"] == 0, found
    assert found["reusedSegments"] == found["sharedBatches"], found
    assert found["pythonDataSent"] < found["inlineBytes"] + 10_000, found
    small = it.scored(spark, path, "auto", batchRows="100").select("probabilities")
    _, found = it.metrics(small.mapInArrow(count, "rows long"))
    assert found["sharedBatches"] == 0, found
    assert found["inlineBatches"] >= ROWS // 100, found


def check_waiting(spark, path):
    """Checks that a function that lags behind its source is waited for, and that it shows."""

    def linger(batches):
        for batch in batches:
            time.sleep(0.3)
            yield batch.select(["id"])

    df = it.scored(spark, path, "auto", batchRows="2000")
    _, found = it.metrics(df.mapInArrow(linger, "id long"))
    assert found["sharedBatches"] >= 8, found
    # Nanoseconds: of the sleeps of both tasks after the first two batches of each, a part.
    assert found["handoverWait"] > 1e8, found


def aligned(length):
    """Returns how long a buffer is on the wire."""
    return (length + 63) // 64 * 64


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    path = write_rows(spark)
    for check in [
        check_equal_data,
        check_between,
        check_shared,
        check_jars,
        check_sessions,
        check_reasons,
        check_demands,
        check_one_copy,
        check_waiting,
    ]:
        check(spark, path)
        it.check_nothing_is_left(spark)
    check_every_dtype(spark)
    it.check_nothing_is_left(spark)
    spark.stop()
    it.eventually(lambda: not it.segments(), it.segments)


if __name__ == "__main__":
    main()
    it.passed(__file__)
