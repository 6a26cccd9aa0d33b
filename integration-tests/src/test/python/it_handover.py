"""Batches reach Python functions in columns and through shared memory, with equal data.

Equal queries give equal data in each transfer mode; arrays are read-only views of memory that the
JVM wrote, and stay as they are for as long as they are referenced.
"""

import sys
import time
import zipimport
from importlib.util import find_spec
from pathlib import Path

import dtype_samples
import helpers as it
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 20_000
MODES = ["auto", "shared-memory", "arrow", "rows"]

# Enough for batches that do not go inline.
DTYPE_ROWS = 4096


@pytest.fixture
def path(spark, work):
    """Rows of 64 floats and of other types, enough for many batches."""
    id_ = functions.col("id")
    return it.write_pixels(
        spark,
        work / "handover.parquet",
        ROWS,
        functions.when(id_ % 3 == 0, None)
        .otherwise(functions.concat(functions.lit("n"), id_))
        .alias("name"),
        functions.to_timestamp(id_).alias("time"),
        id_.cast("decimal(12,2)").alias("amount"),
        (id_ % 2 == 0).alias("even"),
        functions.struct("id", functions.lit("x").alias("x")).alias("pair"),
    )


@pytest.fixture(scope="module")
def memo():
    """What one check has computed for the others."""
    return {}


@pytest.fixture
def expected(spark, path, memo):
    """All rows as stock Spark has them."""
    if "rows" not in memo:
        # Kernels may round a row differently in batches of another length.
        memo["rows"] = it.scored(spark, path, "rows", batchRows="4096").orderBy("id").collect()
    return memo["rows"]


@pytest.mark.packages
@pytest.mark.parametrize("function", ["mapInArrow", "mapInPandas"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_the_same_rows_of_every_type(spark, path, expected, mode, function):
    df = it.scored(spark, path, mode, batchRows="4096")
    mapped = getattr(df, function)(it.identity, df.schema)
    assert ("ColumnarMapInBatch" in it.plan(mapped)) == (mode != "rows"), it.plan(mapped)
    assert len(expected) == ROWS
    assert mapped.orderBy("id").collect() == expected


def test_projections_filters_and_limits_stay_columnar(spark, path, adaptive):
    def sums(batches):
        for batch in batches:
            values = batch.column(1).flatten().to_numpy().reshape(batch.num_rows, -1).sum(axis=1)
            yield pa.RecordBatch.from_arrays([batch.column(0), pa.array(values)], ["n", "total"])

    def query(mode):
        df = it.scored(spark, path, mode)
        few = df.where("id % 5 = 1 and digit >= 3").selectExpr("id as n", "probabilities as p")
        return few.mapInArrow(sums, "n long, total float")

    assert it.plan(query("auto")).count("Columnar") >= 3, it.plan(query("auto"))
    expected = query("rows").orderBy("n").collect()
    assert len(expected) > 100
    assert query("auto").orderBy("n").collect() == expected
    assert it.scored(spark, path, "auto").mapInArrow(it.identity, "id long").limit(5).count() == 5
    chained = query("auto").mapInArrow(it.identity, "n long, total float")
    assert it.plan(chained).count("ColumnarMapInBatch") == 2
    assert chained.orderBy("n").collect() == expected


def test_filters_see_null_elements_between_functions(spark, path):
    def tags(batches):
        for batch in batches:
            ids = batch.column("id").to_pylist()
            values = pa.array([[i, None if i % 4 == 0 else 0] for i in ids], pa.list_(pa.int64()))
            yield pa.RecordBatch.from_arrays([batch.column("id"), values], ["id", "tags"])

    tagged = it.scored(spark, path, "auto").mapInArrow(tags, "id long, tags array<long>")
    passed = tagged.where("exists(tags, tag -> tag is null)").mapInArrow(it.identity, "id long")
    assert "ColumnarFilter" in it.plan(passed), it.plan(passed)
    assert passed.count() == ROWS / 4


def is_shared(array):
    """Returns whether an array's memory is mapped to read from a segment."""
    first = array.ctypes.data
    return any(
        begin <= first and first + array.nbytes <= end for begin, end, _ in segments_mapped()
    )


def segments_mapped():
    """Returns where segments are mapped to read, from and to which address, and their inodes."""
    segments = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            addresses, mode, _, _, inode = line.split()[:5]
            if mode == "r--s" and "/dev/shm/tensorarrow-" in line:
                segments.append((*(int(part, 16) for part in addresses.split("-")), inode))
    return segments


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


@pytest.mark.packages
def test_arrays_are_aligned_read_only_views_of_shared_memory(spark, path):

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
    tasks = df.mapInArrow(look, "good boolean, n long").collect()
    assert sum(row.n for row in tasks) >= ROWS // 4096, tasks
    assert all(row.good for row in tasks), tasks


@pytest.fixture
def every_dtype(spark, work):
    """Tensors of every dtype in shared memory, and what each is in NumPy."""
    samples = dtype_samples.SAMPLES["module_dtypes"]
    path = str(work / "dtypes.parquet")
    pq.write_table(dtype_samples.table(samples, DTYPE_ROWS), path)
    reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/module_dtypes")
    df = reader.options(handover="shared-memory", batchRows="4096").load(path)
    columns = {
        f"{dtype}_{name}_out": (dtype, sample.values, (DTYPE_ROWS, *shape))
        for dtype, sample in samples.items()
        for name, shape in dtype_samples.SHAPES.items()
    }
    return df.select("id", *columns), columns


@pytest.mark.packages
def test_arrays_of_every_dtype_are_views_but_for_strings(every_dtype):
    df, columns = every_dtype
    schema = df.schema

    def look(batches):
        for batch in batches:
            rows = batch.column("id").to_numpy()
            for name, (dtype, values, shape) in columns.items():
                array = ta.numpy(batch, name, schema=schema, raw=True)
                expected = np.resize(values, shape)[rows]
                same = array.dtype == expected.dtype and array.shape == expected.shape
                if dtype == "string":
                    same = same and array.tolist() == expected.tolist()
                else:
                    same = same and array.tobytes() == expected.tobytes()
                    same = same and not array.flags.writeable
                view = dtype != "string" and is_shared(array) and is_locked(array)
                if dtype == "bfloat16" and find_spec("ml_dtypes"):
                    named = ta.numpy(batch, name, schema=schema)
                    same = same and named.dtype.name == "bfloat16"
                    view = view and np.shares_memory(named, array) and is_locked(named)
                yield pa.RecordBatch.from_pydict({"dtype": [dtype], "same": [same], "view": [view]})

    arrays = df.mapInArrow(look, "dtype string, same boolean, view boolean").collect()
    assert {row.dtype for row in arrays} == {dtype for dtype, _, _ in columns.values()}, arrays
    assert all(row.same for row in arrays), [row for row in arrays if not row.same]
    assert {row.dtype for row in arrays if not row.view} == {"string"}, arrays


def test_only_plain_functions_get_widened_copies(every_dtype):
    half = every_dtype[0].select("uint8_vector_out")
    _, widened = it.metrics(half.mapInArrow(it.identity, half.schema))
    assert widened["widenedBytes"] == DTYPE_ROWS * 3, widened
    sums = ta.map_tensors(half, lambda t: {"n": t["uint8_vector_out"].sum(1)}, "n decimal(20,0)")
    _, widened = it.metrics(sums)
    assert widened["widenedBytes"] == 0, widened


@pytest.mark.packages
def test_workers_do_not_read_archives_again_with_each_task(spark, path):
    def look(batches):
        for _ in batches:
            importers = [
                (importer.archive, "invalidate_caches" in vars(importer))
                for importer in sys.path_importer_cache.values()
                if isinstance(importer, zipimport.zipimporter)
            ]
            archives, quiet = zip(*importers)
            yield pa.RecordBatch.from_pydict({"file": archives, "quiet": quiet})

    rows = it.scored(spark, path, "auto").mapInArrow(look, "file string, quiet boolean").collect()
    archives = {row.file for row in rows}
    # That of --py-files and that of the class path; Python 3.9 never reads a directory again.
    assert sum(Path(name).name.startswith("tensorarrow-") for name in archives) == 2, archives
    assert any("pyspark.zip" in name for name in archives), archives
    assert all(row.quiet for row in rows) or sys.version_info < (3, 10), rows


def test_views_of_another_session_give_the_same_data(spark, path):
    it.scored(spark, path, "auto").createOrReplaceGlobalTempView("scored")
    other = spark.newSession()
    mapped = other.table("global_temp.scored").mapInArrow(it.identity, "id long")
    assert "ColumnarMapInBatch" in it.plan(mapped)
    assert mapped.count() == ROWS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda df: df.orderBy("id"), "HandoverRows reason=Sort, which outputs rows"),
        (lambda df: df.limit(50), "reason=GlobalLimit, which outputs rows"),
        (lambda df: df.distinct(), "reason=Aggregate, which outputs rows"),
        (lambda df: df.selectExpr("id + 1 as id"), "reason=a projection that computes"),
    ],
    ids=["sort", "limit", "aggregate", "projection"],
)
def test_explain_gives_reason_for_rows(spark, path, change, reason):
    df = change(it.scored(spark, path, "auto").select("id", "digit"))
    mapped = df.mapInArrow(it.identity, df.schema)
    assert reason in it.plan(mapped)
    assert "ColumnarMapInBatch" not in it.plan(mapped), it.plan(mapped)
    assert mapped.count() == df.count()


def test_explain_says_that_rows_were_demanded(spark, path):
    mapped = it.scored(spark, path, "rows").mapInArrow(it.identity, "id long")
    assert "reason=handover=rows" in it.plan(mapped)


def test_explain_says_that_plain_functions_take_rows(spark, path):
    plain = functions.udf(lambda digit: digit + 1, "long")
    df = it.scored(spark, path, "auto").select(plain("digit").alias("n"))
    assert "reason=row-at-a-time Python UDF" in it.plan(df), it.plan(df)
    assert df.where("n between 1 and 10").count() == ROWS


def test_explain_omits_modes_of_other_sources(spark, path):
    other = spark.read.parquet(path).select("id").orderBy("id").mapInArrow(it.identity, "id long")
    assert "HandoverRows" not in it.plan(other)


@pytest.mark.parametrize("mode", ["arrow", "shared-memory"])
def test_unavailable_demanded_mode_is_an_error(spark, path, mode):
    df = it.scored(spark, path, mode)
    assert df.orderBy("id").select("id").limit(3).count() == 3
    with it.raises("TA_HANDOVER", f"handover={mode}", "found Sort, which outputs rows", "auto"):
        df.orderBy("id").mapInArrow(it.identity, df.schema).collect()


def test_scalar_functions_refuse_shared_memory_and_take_arrow(spark, path):
    with it.raises("TA_HANDOVER", "found scalar pandas UDF", "handover=arrow"):
        it.scored(spark, path, "shared-memory").select(next_digit()("digit")).collect()
    assert it.scored(spark, path, "arrow").select(next_digit()("digit")).count() == ROWS


def test_explain_says_the_mode_that_was_demanded(spark, path):
    df = it.scored(spark, path, "arrow").mapInArrow(it.identity, "id long")
    assert "handover=arrow" in it.plan(df), it.plan(df)


def next_digit():
    """Returns a scalar pandas function."""

    @functions.pandas_udf("long")
    def next_digit(digit: pd.Series) -> pd.Series:
        return digit + 1

    return next_digit


@pytest.fixture
def count():
    """Counts the rows of batches, and checks that each segment is mapped once in a worker."""

    def count(batches):
        for batch in batches:
            assert ta.numpy(batch, "probabilities").shape == (batch.num_rows, 10)
            # Worker and segments are used again, and each segment is mapped once.
            inodes = [inode for _, _, inode in segments_mapped()]
            assert len(set(inodes)) == len(inodes), inodes
            assert inodes or batch.num_rows < 5000
            yield pa.RecordBatch.from_arrays([pa.array([batch.num_rows])], ["rows"])

    return count


def test_tensors_are_copied_once_into_reused_segments(spark, path, count):
    df = it.scored(spark, path, "auto", batchRows="5000").select("probabilities")
    lengths = [row.rows for row in df.mapInArrow(count, "rows long").collect()]
    assert sum(lengths) == ROWS, lengths
    # A query's metrics add up over its runs, so this is another one.
    _, metrics = it.metrics(df.mapInArrow(count, "rows long"))
    # Lists have offsets, and buffers are aligned; there is nothing else, and nothing twice.
    copied = sum(aligned(4 * (n + 1)) + aligned(4 * 10 * n) for n in lengths)
    assert metrics["sharedBytes"] + metrics["inlineBytes"] == copied, (metrics, lengths)
    assert metrics["sharedBatches"] + metrics["inlineBatches"] == len(lengths), (metrics, lengths)
    assert metrics["sharedBatches"] >= 4, metrics
    assert metrics["convertedBytes"] == 0, metrics
    assert metrics["createdSegments"] == 0, metrics
    assert metrics["reusedSegments"] == metrics["sharedBatches"], metrics
    assert metrics["pythonDataSent"] < metrics["inlineBytes"] + 10_000, metrics


def test_small_batches_are_sent_inline(spark, path, count):
    small = it.scored(spark, path, "auto", batchRows="100").select("probabilities")
    _, metrics = it.metrics(small.mapInArrow(count, "rows long"))
    assert metrics["sharedBatches"] == 0, metrics
    assert metrics["inlineBatches"] >= ROWS // 100, metrics


def test_waiting_for_a_slow_function_is_measured(spark, path):
    def linger(batches):
        for batch in batches:
            time.sleep(0.3)
            yield batch.select(["id"])

    df = it.scored(spark, path, "auto", batchRows="2000")
    _, metrics = it.metrics(df.mapInArrow(linger, "id long"))
    assert metrics["sharedBatches"] >= 8, metrics
    # Nanoseconds: of the sleeps of both tasks after the first two batches of each, a part.
    assert metrics["handoverWaitTime"] > 1e8, metrics


def aligned(length):
    """Returns how long a buffer is on the wire."""
    return (length + 63) // 64 * 64
