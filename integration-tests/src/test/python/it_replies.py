"""What functions of batches return arrives as declared, or is an error: never another number.

Where stock Spark takes a reply, so do all tiers, with the same rows; tensors as NumPy has them are
taken besides.
"""

import decimal

import it_common as it
import numpy as np
import pyarrow as pa

import tensorarrow as ta

COLUMNAR = ["arrow", "shared-memory"]
PAIR = pa.struct([("b", pa.int64()), ("a", pa.int64())])


def replied(spark, way, reply, schema, chained=False):
    """Returns what a function replies, also after another function had it."""

    def once(batches):
        for _ in batches:
            pass
        yield pa.RecordBatch.from_pydict({name: column for name, column in reply.items()})

    df = it.digits(spark, handover=way).where("id < 100").select("id", "digit")
    mapped = df.coalesce(1) if way == "rows" else df
    mapped = mapped.mapInArrow(once, schema)
    return (mapped.mapInArrow(identity, schema) if chained else mapped).collect()


def identity(batches):
    yield from batches


def check_tensors(spark):
    """Checks that tensors come back as they went, sliced and masked, also past another function."""
    shape = (5, 2)

    def relabelled(batches):
        for batch in batches:
            yield ta.arrow(batch)

    def sliced(batches):
        for batch in map(ta.arrow, batches):
            for first in range(0, batch.num_rows, 100):
                yield batch.slice(first, 100)

    def masked(batches):
        for batch in batches:
            p = batch.column(batch.schema.get_field_index("probabilities")).flatten()
            rows = pa.array(np.arange(batch.num_rows) % 3 == 0)
            lists = pa.FixedSizeListArray.from_arrays(p, 10)
            lists = pa.compute.if_else(rows, pa.scalar(None, lists.type), lists)
            yield pa.RecordBatch.from_arrays([batch.column(0), lists], ["id", "probabilities"])

    def arrays(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities").reshape(-1, *shape) * 2
            column = pa.FixedShapeTensorArray.from_numpy_ndarray(p)
            yield pa.RecordBatch.from_arrays([batch.column(0), column], ["id", "probabilities"])

    for way in COLUMNAR:
        df = it.digits(spark, handover=way).select("id", "probabilities")
        wanted = {row.id: row.probabilities for row in df.collect()}
        for f in (relabelled, sliced):
            for mapped in (
                df.mapInArrow(f, df.schema),
                df.mapInArrow(f, df.schema).mapInArrow(f, df.schema),
            ):
                assert "ColumnarMapInBatch" in it.plan(mapped)
                assert {row.id: row.probabilities for row in mapped.collect()} == wanted, (way, f)
        doubled = {row.id: row.probabilities for row in df.mapInArrow(arrays, df.schema).collect()}
        for row, values in wanted.items():
            assert doubled[row] == [2 * value for value in values]
        found = df.mapInArrow(masked, df.schema).mapInArrow(identity, df.schema).collect()
        empty = [row.id for row in found if row.probabilities is None]
        assert len(found) == len(wanted)
        assert len(wanted) // 3 <= len(empty) <= len(wanted) // 3 + 20, len(empty)
        assert all(row.probabilities in (None, wanted[row.id]) for row in found)


def check_dtypes(spark):
    """Checks that the dtypes that Spark widens arrive as tensors of the model would."""
    limits = {
        "uint8": "smallint",
        "uint16": "int",
        "uint32": "bigint",
        "uint64": "decimal(20,0)",
    }
    for dtype, declared in limits.items():
        values = np.array([0, 1, np.iinfo(dtype).max], dtype)
        cells = {"x": pa.array(values), "l": pa.FixedSizeListArray.from_arrays(values, 1)}
        for way in COLUMNAR:
            rows = replied(spark, way, cells, f"x {declared}, l array<{declared}>")
            assert [int(row.x) for row in rows] == values.tolist(), (dtype, rows)
            assert [int(row.l[0]) for row in rows] == values.tolist(), (dtype, rows)
    halves = np.array([1.5, -0.0, np.inf, 6e-8, 65504], np.float16)
    for way in COLUMNAR:
        rows = replied(spark, way, {"x": pa.array(halves)}, "x float")
        assert str([row.x for row in rows]) == str(halves.astype(np.float32).tolist()), rows


def taken():
    """Returns replies that stock Spark takes, each with the schema that it is declared as."""
    long = pa.array([1, None, 3])
    time = pa.timestamp("us")
    amount = pa.array([decimal.Decimal("1.2350"), None], pa.decimal128(10, 4))
    return {
        "large text": ({"x": pa.array(["a", None], pa.large_string())}, "x string"),
        "naive time": ({"x": long.cast(time)}, "x timestamp"),
        "time of a zone": ({"x": long.cast(pa.timestamp("us", "UTC"))}, "x timestamp_ntz"),
        "time for long": ({"x": long.cast(time)}, "x bigint"),
        "long for time": ({"x": long}, "x timestamp"),
        "date for int": ({"x": long.cast(pa.int32()).cast(pa.date32())}, "x int"),
        "nulls": ({"x": pa.nulls(2), "y": pa.nulls(2)}, "x bigint, y array<string>"),
        "nulls in lists": ({"x": pa.array([[None, None], None])}, "x array<bigint>"),
        "decimal of another scale": ({"x": amount}, "x decimal(10,2)"),
        "more columns": ({"x": long, "y": long}, "x bigint"),
        "columns of other names": ({"y": long, "x": long.cast(pa.string())}, "x bigint, y string"),
        "fields of other names": (
            {"x": pa.array([{"b": 1, "a": 2}, None], PAIR)},
            "x struct<a:bigint,b:bigint>",
        ),
        "more fields": ({"x": pa.array([{"b": 1, "a": 2}, None], PAIR)}, "x struct<b:bigint>"),
        "no rows of any type": ({"x": pa.array([], pa.float16())}, "x bigint"),
    }


def check_as_stock(spark):
    """Checks that what stock Spark takes gives the same rows, also to another function."""
    for name, (reply, schema) in taken().items():
        # Java's Arrow has no 16-bit floats, with or without rows.
        wanted = replied(spark, "rows", reply, schema) if name != "no rows of any type" else []
        for way in COLUMNAR:
            for chained in (False, True):
                found = replied(spark, way, reply, schema, chained)
                assert found == wanted, (name, way, chained, found)


def check_errors(spark):
    """Checks that other replies say what was found and what was declared."""
    numbers = pa.array([1, 2, 3])
    refused = {
        "x bigint": numbers.cast(pa.int32()),
        "x int": numbers,
        "x float": numbers.cast(pa.float64()),
        "x tinyint": numbers.cast(pa.uint8()),
        "x string": numbers.cast(pa.string()).cast(pa.binary()),
        "x timestamp": numbers.cast(pa.timestamp("ns")),
        "x array<bigint>": pa.FixedSizeListArray.from_arrays(numbers.cast(pa.int32()), 1),
        "x array<string>": pa.array([["a"]], pa.large_list(pa.string())),
        "x struct<a:bigint>": pa.array([{"a": "1"}]),
        "x date": pa.array(["a", "b"]).dictionary_encode(),
    }
    for schema, column in refused.items():
        for way in COLUMNAR:
            for chained in (False, True):
                declared = schema.split()[1]
                with it.raises("[TA_RESULT_TYPE]", "column 'x'", "found Arrow type", declared):
                    replied(spark, way, {"x": column}, schema, chained)
    for column in (numbers, numbers[:0]):
        with it.raises("[TA_RESULT_COLUMNS]", "found 1 (x)", "the 2 that were declared (x, y)"):
            replied(spark, "auto", {"x": column}, "x bigint, y bigint")


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    check_tensors(spark)
    check_dtypes(spark)
    check_as_stock(spark)
    check_errors(spark)
    allocator = spark.sparkContext._jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    it.eventually(lambda: allocator.getAllocatedMemory() == 0)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
