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
        yield pa.RecordBatch.from_pydict(reply)

    df = it.digits(spark, handover=way).where("id < 100").select("id", "digit")
    mapped = df.mapInArrow(once, schema)
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
        nullable = "id bigint, probabilities array<float>"
        found = df.mapInArrow(masked, nullable).mapInArrow(identity, nullable).collect()
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
    values = {dtype: np.array([0, 1, np.iinfo(dtype).max], dtype) for dtype in limits}
    halves = np.array([1.5, -0.0, np.inf], np.float16)
    reply = {f"{dtype}_s": pa.array(array) for dtype, array in values.items()}
    for dtype, array in values.items():
        reply[f"{dtype}_l"] = pa.FixedSizeListArray.from_arrays(pa.array(array), 1)
    reply["half"] = pa.array(halves)
    declared = [f"{dtype}_s {name}" for dtype, name in limits.items()]
    declared += [f"{dtype}_l array<{name}>" for dtype, name in limits.items()]
    for way in COLUMNAR:
        rows = replied(spark, way, reply, ", ".join([*declared, "half float"]))
        for dtype, array in values.items():
            assert [int(row[f"{dtype}_s"]) for row in rows] == array.tolist(), (dtype, rows)
            assert [int(row[f"{dtype}_l"][0]) for row in rows] == array.tolist(), (dtype, rows)
        assert str([row.half for row in rows]) == str(halves.tolist()), rows


def taken():
    """Returns a reply that stock Spark takes, and what it is declared as: columns go by place."""
    long = pa.array([1, None, 3])
    time = pa.timestamp("us")
    amount = [decimal.Decimal("1.2350"), None, decimal.Decimal("-1.2349")]
    pairs = pa.array([{"b": 1, "a": 2}, None, {"b": 3}], PAIR)
    columns = {
        "large_text string": pa.array(["a", None, ""], pa.large_string()),
        "naive_time timestamp": long.cast(time),
        "time_of_a_zone timestamp_ntz": long.cast(pa.timestamp("us", "UTC")),
        "time_for_long bigint": long.cast(time),
        "long_for_time timestamp": long,
        "date_for_int int": long.cast(pa.int32()).cast(pa.date32()),
        "nulls bigint": pa.nulls(3),
        "null_lists array<string>": pa.nulls(3),
        "nulls_in_lists array<bigint>": pa.array([[None, None], None, []]),
        "another_scale decimal(10,2)": pa.array(amount, pa.decimal128(10, 4)),
        "other_fields struct<x:bigint,y:bigint>": pairs,
        "more_fields struct<b:bigint>": pairs,
    }
    reply = {f"c{i}": column for i, column in enumerate(columns.values())}
    return {**reply, "more": long}, ", ".join(columns)


def check_as_stock(spark):
    """Checks that what stock Spark takes gives the same rows, also to another function."""
    reply, schema = taken()
    wanted = replied(spark, "rows", reply, schema)
    assert len(wanted) >= 3
    for way in COLUMNAR:
        for chained in (False, True):
            found = replied(spark, way, reply, schema, chained)
            # Each partition replies the same once.
            assert found == wanted, (way, chained, found)


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
    for i, (schema, column) in enumerate(refused.items()):
        with it.raises("[TA_RESULT_TYPE]", "column 'x'", "found Arrow type", schema.split()[1]):
            replied(spark, COLUMNAR[i % 2], {"x": column}, schema, chained=i % 3 == 0)
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
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
