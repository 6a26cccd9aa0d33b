"""tensorarrow.map_tensors: functions of arrays over the batches of a DataFrame."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
from helpers import (
    Column,
    Field,
    Frame,
    address,
    batch_of,
    fails,
    lists,
    map_one,
    metadata,
    unlabelled,
)

import tensorarrow as ta


@pytest.fixture
def batch():
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    return batch_of(lists(values), "float32", (3,))


def test_maps_every_batch_and_returns_only_the_declared_columns(batch):
    frame = Frame([batch, batch.slice(2)])

    first, second = ta.map_tensors(
        frame, lambda t: {"best": t["x"].argmax(1)}, [Column("best", "bigint")]
    )

    assert first.schema.names == ["best"]
    assert first.column(0).to_pylist() == [2, 2, 2, 2]
    assert second.num_rows == 2


def test_gives_views_of_tensors_and_of_numbers(batch):
    seen = {}

    def keep(t):
        seen.update(t)
        assert t["x"] is t["x"]
        return {"id": t["id"]}

    result = map_one(batch, keep, ("id", "bigint"))

    assert address(seen["x"]) == address(batch.column(1).values)
    assert seen["x"].shape == (4, 3)
    assert address(seen["id"]) == address(batch.column(0))
    assert not seen["id"].flags.writeable
    assert address(result.column(0)) == address(batch.column(0))


def test_takes_tensors_from_the_schema_of_the_dataframe(batch):
    schema = [Field("id", {}), Field("x", metadata("float32", (1, 3)))]

    def f(t):
        assert t["x"].shape == (4, 1, 3)
        return {"x": t["x"]}

    map_one(unlabelled(batch), f, ("x", "array<float>"), schema=schema)


def test_is_a_lazy_mapping(batch):
    ragged = pa.array([[1.0], [2.0, 3.0], [], []], pa.list_(pa.float32()))
    both = batch_of(ragged, "float32", (-1,))

    def f(t):
        assert list(t) == ["id", "x"]
        assert len(t) == 2
        assert "x" in t
        assert "y" not in t
        assert repr(t) == "<4 rows of id, x>"
        fails("TA_TENSOR_RAGGED", lambda: t["x"])
        fails("TA_COLUMN_UNKNOWN", lambda: t["y"])
        return {"id": t["id"]}

    assert map_one(both, f, ("id", "bigint")).num_rows == 4


def test_converts_other_columns():
    columns = {
        "s": pa.array(["a", None, "c"]),
        "b": pa.array([True, False, True]),
        "d": pa.array([datetime.date(2020, 1, 2)] * 3),
        "t": pa.array([datetime.datetime(2020, 1, 2)] * 3, pa.timestamp("us", tz="UTC")),
        "l": pa.array([[1.0], [2.0, 3.0], []]),
    }
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def f(t):
        assert t["l"][1].tolist() == [2.0, 3.0]
        return {name: t[name] for name in "sbdt"}

    types = [("s", "string"), ("b", "boolean"), ("d", "date"), ("t", "timestamp")]
    result = map_one(batch, f, *types)

    for name in "sbdt":
        assert result.column(result.schema.get_field_index(name)).equals(columns[name])


@pytest.mark.parametrize("cells", [pa.array([1, None]), pa.array([1.0, None])])
def test_refuses_numbers_with_nulls(cells):
    batch = pa.RecordBatch.from_arrays([cells], names=["n"])

    fails("TA_TENSOR_NULL", map_one, batch, lambda t: {"n": t["n"]}, ("n", "bigint"))


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        ("float32", "float"),
        ("float64", "double"),
        ("int8", "tinyint"),
        ("int16", "smallint"),
        ("int32", "int"),
        ("int64", "bigint"),
        ("bool", "boolean"),
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_returns_arrays_flattened_to_lists(batch, dtype, text, shape):
    values = (np.arange(4 * int(np.prod(shape))) % 2).astype(dtype).reshape(4, *shape)

    result = map_one(batch, lambda _: {"y": values}, ("y", f"array<{text}>" if shape else text))

    wanted = values.reshape(4, -1).tolist() if shape else values.tolist()
    assert result.column(0).to_pylist() == wanted
    if dtype != "bool":
        flat = result.column(0).flatten() if shape else result.column(0)
        assert address(flat) == address(values)


def test_returns_arrays_that_are_not_row_major(batch):
    values = np.arange(12).reshape(3, 4).T

    result = map_one(batch, lambda _: {"y": values}, ("y", "array<bigint>"))

    assert result.column(0).to_pylist() == values.tolist()


def test_returns_texts_and_bytes(batch):
    def f(_):
        return {"u": np.array(["ä\x00c", "b"]), "o": np.array(["x", None], object), "b": b}

    b = np.array([b"1", b"\x002"])
    result = map_one(batch, f, ("u", "string"), ("o", "string"), ("b", "binary"))

    assert result.column(0).to_pylist() == ["ä\x00c", "b"]
    assert result.column(1).to_pylist() == ["x", None]
    assert result.column(2).to_pylist() == [b"1", b"\x002"]


def test_returns_no_rows_and_other_numbers_of_rows(batch):
    assert map_one(batch, lambda t: {"x": t["x"][:0]}, ("x", "array<float>")).num_rows == 0
    assert map_one(batch, lambda t: {"x": t["x"].reshape(12)}, ("x", "float")).num_rows == 12


def test_orders_columns_as_declared(batch):
    f = lambda t: {"b": t["id"], "a": t["x"][:, 0]}  # noqa: E731

    result = map_one(batch, f, ("a", "float"), ("b", "bigint"))

    assert result.schema.names == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros(4, np.float64), "float"),
        (np.zeros(4, np.int32), "bigint"),
        (np.zeros(4, np.uint8), "tinyint"),
        (np.zeros((4, 3), np.float32), "float"),
        (np.zeros((4, 1), np.float32), "float"),
        (np.zeros(4, np.float32), "array<float>"),
        (np.zeros((4, 3), np.float64), "array<float>"),
        (np.float32(0), "float"),
        ([0.0] * 4, "float"),
        (pa.array([0.0]), "double"),
        (np.array(5.0), "double"),
        (np.array([1, 2], object), "string"),
        (np.array([1.5]), "string"),
        (np.array(["2020-01-02"], "datetime64[s]"), "timestamp"),
        (np.zeros(4, np.uint16), "smallint"),
        (np.zeros(4, np.uint32), "int"),
        (np.zeros(4, np.uint64), "bigint"),
        (np.zeros(4, np.int64), "decimal(20,0)"),
        (np.zeros(4, np.float16), "double"),
        (np.zeros(4, np.complex64), "struct<re:double,im:double>"),
        (np.zeros(4, np.float32), "struct<re:float,im:float>"),
        (np.zeros(4, np.uint8), "binary"),
        (np.zeros((4, 2), np.int8), "binary"),
        (np.zeros((4, 2), np.uint8), "array<binary>"),
        (np.zeros((4, 2)), "array<string>"),
    ],
)
def test_refuses_arrays_of_another_dtype_or_shape(batch, value, text):
    message = fails("TA_RESULT_TYPE", map_one, batch, lambda _: {"y": value}, ("y", text))

    assert "'y'" in message
    assert text in message
    assert "nothing is cast" in message


def test_names_missing_and_extra_columns(batch):
    f = lambda t: {"bset": t["id"]}  # noqa: E731

    message = fails("TA_RESULT_COLUMNS", map_one, batch, f, ("best", "bigint"))

    assert "missing: 'best'; extra: 'bset'" in message
    fails("TA_RESULT_COLUMNS", map_one, batch, lambda t: t["id"], ("best", "bigint"))
    fails("TA_RESULT_COLUMNS", map_one, batch, lambda t: None, ("best", "bigint"))


def test_refuses_columns_of_different_length(batch):
    f = lambda t: {"a": t["id"], "b": t["id"][:2]}  # noqa: E731

    message = fails("TA_RESULT_LENGTH", map_one, batch, f, ("a", "bigint"), ("b", "bigint"))

    assert "'a' 4, 'b' 2" in message


@pytest.mark.parametrize("text", ["map<string,int>", "array<date>", "decimal(10,0)", "void"])
def test_refuses_types_that_no_array_fits_before_anything_runs(text):
    called = []

    message = fails("TA_UNSUPPORTED", map_one, None, called.append, ("y", text))

    assert text in message
    assert not called
