"""What functions of batches return arrives as declared, or is an error: never another number.

Where stock Spark takes a reply, so does each transfer mode, with the same rows; tensors as NumPy
has them are taken besides.
"""

import decimal

import helpers as it
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest

import tensorarrow as ta

pytestmark = pytest.mark.packages

COLUMNAR = ["arrow", "shared-memory"]
PAIR = pa.struct([("b", pa.int64()), ("a", pa.int64())])


def replied(spark, mode, reply, schema, chained=False):
    """Returns what a function replies, also after another function had it."""

    def once(batches):
        for _ in batches:
            pass
        yield pa.RecordBatch.from_pydict(reply)

    df = it.digits(spark, handover=mode).where("id < 100").select("id", "digit")
    mapped = df.mapInArrow(once, schema)
    return (mapped.mapInArrow(it.identity, schema) if chained else mapped).collect()


@pytest.fixture(params=COLUMNAR)
def mode(request):
    """A transfer mode in which the connector reads replies itself."""
    return request.param


@pytest.fixture
def tensors(spark, mode):
    """The model's tensors, to be handed over in a mode."""
    return it.digits(spark, handover=mode).select("id", "probabilities")


def by_id(df):
    return {row.id: row.probabilities for row in df.collect()}


@pytest.mark.parametrize("chained", [False, True], ids=["once", "chained"])
@pytest.mark.parametrize("step", [10_000, 100], ids=["relabelled", "sliced"])
def test_arrow_tensors_are_returned_unchanged(tensors, step, chained):
    def sliced(batches):
        for batch in map(ta.arrow, batches):
            for first in range(0, batch.num_rows, step):
                yield batch.slice(first, step)

    mapped = tensors.mapInArrow(sliced, tensors.schema)
    if chained:
        mapped = mapped.mapInArrow(sliced, tensors.schema)
    assert "ColumnarMapInBatch" in it.plan(mapped)
    assert by_id(mapped) == by_id(tensors)


def test_tensors_of_numpy_become_columns(tensors):
    def doubled(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities").reshape(-1, 5, 2) * 2
            column = pa.FixedShapeTensorArray.from_numpy_ndarray(p)
            yield pa.RecordBatch.from_arrays([batch.column(0), column], ["id", "probabilities"])

    actual = by_id(tensors.mapInArrow(doubled, tensors.schema))
    for row, values in by_id(tensors).items():
        assert actual[row] == [2 * value for value in values]


def test_null_lists_of_a_fixed_size_stay_null(tensors):
    def masked(batches):
        for batch in batches:
            p = batch.column(batch.schema.get_field_index("probabilities")).flatten()
            rows = pa.array(np.arange(batch.num_rows) % 3 == 0)
            lists = pa.FixedSizeListArray.from_arrays(p, 10)
            lists = pa.compute.if_else(rows, pa.scalar(None, lists.type), lists)
            yield pa.RecordBatch.from_arrays([batch.column(0), lists], ["id", "probabilities"])

    expected = by_id(tensors)
    nullable = "id bigint, probabilities array<float>"
    rows = tensors.mapInArrow(masked, nullable).mapInArrow(it.identity, nullable).collect()
    empty = [row.id for row in rows if row.probabilities is None]
    assert len(rows) == len(expected)
    assert len(expected) // 3 <= len(empty) <= len(expected) // 3 + 20, len(empty)
    assert all(row.probabilities in (None, expected[row.id]) for row in rows)


def test_dtypes_that_spark_widens_arrive_as_tensors_of_a_model_would(spark, mode):
    limits = {
        "uint8": "smallint",
        "uint16": "int",
        "uint32": "bigint",
        "uint64": "decimal(20,0)",
    }
    values = {dtype: np.array([0, 1, np.iinfo(dtype).max], dtype) for dtype in limits}
    float16 = np.array([1.5, -0.0, np.inf], np.float16)
    reply = {f"{dtype}_s": pa.array(array) for dtype, array in values.items()}
    for dtype, array in values.items():
        reply[f"{dtype}_l"] = pa.FixedSizeListArray.from_arrays(pa.array(array), 1)
    reply["float16"] = pa.array(float16)
    declared = [f"{dtype}_s {name}" for dtype, name in limits.items()]
    declared += [f"{dtype}_l array<{name}>" for dtype, name in limits.items()]
    rows = replied(spark, mode, reply, ", ".join([*declared, "float16 float"]))
    for dtype, array in values.items():
        assert [int(row[f"{dtype}_s"]) for row in rows] == array.tolist(), (dtype, rows)
        assert [int(row[f"{dtype}_l"][0]) for row in rows] == array.tolist(), (dtype, rows)
    assert str([row.float16 for row in rows]) == str(float16.tolist()), rows


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


@pytest.mark.parametrize("chained", [False, True], ids=["once", "chained"])
def test_replies_that_stock_spark_takes_give_the_same_rows(spark, mode, chained):
    reply, schema = taken()
    expected = replied(spark, "rows", reply, schema)
    assert len(expected) >= 3
    # Each partition replies the same once.
    assert replied(spark, mode, reply, schema, chained) == expected


NUMBERS = pa.array([1, 2, 3])
REFUSED = {
    "x bigint": NUMBERS.cast(pa.int32()),
    "x int": NUMBERS,
    "x float": NUMBERS.cast(pa.float64()),
    "x tinyint": NUMBERS.cast(pa.uint8()),
    "x string": NUMBERS.cast(pa.string()).cast(pa.binary()),
    "x timestamp": NUMBERS.cast(pa.timestamp("ns")),
    "x array<bigint>": pa.FixedSizeListArray.from_arrays(NUMBERS.cast(pa.int32()), 1),
    "x array<string>": pa.array([["a"]], pa.large_list(pa.string())),
    "x struct<a:bigint>": pa.array([{"a": "1"}]),
    "x date": pa.array(["a", "b"]).dictionary_encode(),
}


@pytest.mark.parametrize(("place", "schema"), enumerate(REFUSED))
def test_columns_of_other_types_are_refused(spark, place, schema):
    mode, chained = COLUMNAR[place % 2], place % 3 == 0
    with it.raises("[TA_RESULT_TYPE]", "column 'x'", "found Arrow type", schema.split()[1]):
        replied(spark, mode, {"x": REFUSED[schema]}, schema, chained)


@pytest.mark.parametrize("column", [NUMBERS, NUMBERS[:0]], ids=["rows", "no rows"])
def test_missing_columns_are_refused(spark, column):
    with it.raises("[TA_RESULT_COLUMNS]", "found 1 (x)", "the 2 that were declared (x, y)"):
        replied(spark, "auto", {"x": column}, "x bigint, y bigint")
