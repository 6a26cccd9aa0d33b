"""tensorarrow.numpy: views of tensor columns."""

import numpy as np
import pyarrow as pa
import pytest
from helpers import (
    WIRE,
    Field,
    address,
    batch_of,
    fails,
    lists,
    metadata,
    read_only,
    shaped,
    unlabelled,
)

import tensorarrow as ta

DTYPES = ["float32", "float64", "int8", "int16", "int32", "int64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 3, 4)])
def test_is_a_read_only_view_of_the_same_memory(dtype, shape):
    values = np.arange(5 * int(np.prod(shape)), dtype=dtype).reshape(5, *shape)
    cells = lists(values) if shape else pa.array(values)

    found = ta.numpy(batch_of(cells, dtype, shape), "x")

    assert found.dtype == np.dtype(dtype)
    assert found.shape == (5, *shape)
    assert np.array_equal(found, values)
    assert address(found) == address(cells.values if shape else cells)
    read_only(found)


@pytest.mark.parametrize("shape", [(), (4,), (2, 2)])
@pytest.mark.parametrize(("start", "length"), [(0, 3), (2, 5), (9, 1), (7, 3)])
def test_honours_slices(shape, start, length):
    values = np.arange(10 * int(np.prod(shape)), dtype=np.int16).reshape(10, *shape)
    cells = lists(values) if shape else pa.array(values)

    batch = batch_of(cells, "int16", shape).slice(1).slice(start - 1 if start else 0, length)

    found = ta.numpy(batch, "x")
    first = max(start, 1)
    assert np.array_equal(found, values[first : first + length])
    size = int(np.prod(shape)) * 2
    assert address(found) == address(cells.values if shape else cells) + first * size


def test_takes_dtype_and_shape_from_a_schema():
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    batch = unlabelled(batch_of(lists(values), "float32", (2, 3)))
    schema = [Field("id", {}), Field("x", metadata("float32", (2, 3)))]

    assert np.array_equal(ta.numpy(batch, "x", schema=schema), values.reshape(2, 2, 3))


def test_metadata_of_the_batch_take_precedence_over_the_schema():
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    batch = batch_of(lists(values), "float32", (2, 3))
    schema = [Field("x", metadata("float32", (3, 2)))]

    assert ta.numpy(batch, "x", schema=schema).shape == (2, 2, 3)


def test_takes_a_real_schema_of_pyspark():
    types = pytest.importorskip("pyspark.sql.types")
    kind = types.ArrayType(types.FloatType(), containsNull=False)
    schema = types.StructType(
        [
            types.StructField("id", types.LongType()),
            types.StructField("x", kind, False, metadata("float32", (2,))),
        ]
    )
    batch = unlabelled(batch_of(lists(np.ones((3, 2), np.float32)), "float32", (2,)))

    assert ta.numpy(batch, "x", schema=schema).shape == (3, 2)


def test_refuses_columns_without_tensor_metadata():
    batch = unlabelled(batch_of(lists(np.ones((3, 2), np.float32)), "float32", (2,)))

    assert "schema=scored.schema" in fails("TA_TENSOR_UNKNOWN", ta.numpy, batch, "x")
    schema = [Field("id", {}), Field("y", metadata("float32", (2,)))]
    assert "'y'" in fails("TA_TENSOR_UNKNOWN", ta.numpy, batch, "x", schema=schema)
    fails("TA_TENSOR_UNKNOWN", ta.numpy, batch, "id", schema=schema)


def test_names_the_columns_that_exist_closest_first():
    batch = batch_of(lists(np.ones((3, 2), np.float32)), "float32", (2,), name="probabilities")

    message = fails("TA_COLUMN_UNKNOWN", ta.numpy, batch, "probability")

    assert "'probabilities', 'id'" in message


def test_refuses_what_is_no_record_batch():
    table = pa.Table.from_batches([batch_of(pa.array([1.0]), "float64", ())])

    assert "pyarrow.lib.Table" in fails("TA_UNSUPPORTED", ta.numpy, table, "x")


@pytest.mark.parametrize(
    ("shape", "wanted"), [((-1,), (6,)), ((-1, 3), (2, 3)), ((2, -1), (2, 3)), ((1, 6, -1), None)]
)
def test_infers_one_unknown_dimension(shape, wanted):
    values = np.arange(24, dtype=np.int32).reshape(4, 6)
    wanted = wanted or (1, 6, 1)

    found = ta.numpy(batch_of(lists(values), "int32", shape), "x")

    assert np.array_equal(found, values.reshape(4, *wanted))


def test_refuses_rows_of_different_length():
    cells = pa.array([[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]], pa.list_(pa.float32()))
    batch = batch_of(cells, "float32", (-1,))

    message = fails("TA_TENSOR_RAGGED", ta.numpy, batch, "x")

    assert "1 to 3 elements" in message
    assert "slice(i, 1)" in message
    assert ta.numpy(batch.slice(1, 1), "x").tolist() == [[3.0]]


def test_refuses_rows_that_do_not_fit_the_shape():
    batch = batch_of(lists(np.ones((3, 4), np.float32)), "float32", (5,))
    assert "4 elements" in fails("TA_TENSOR_SHAPE", ta.numpy, batch, "x")

    batch = batch_of(lists(np.ones((3, 4), np.float32)), "float32", (-1, 3))
    assert "(-1, 3)" in fails("TA_TENSOR_SHAPE", ta.numpy, batch, "x")


def test_views_structs_of_data_and_shape():
    values = np.arange(3 * 2 * 5, dtype=np.float64).reshape(3, 2, 5)
    cells = shaped(values)
    batch = batch_of(cells, "float64", (-1, -1))

    found = ta.numpy(batch, "x")

    assert np.array_equal(found, values)
    assert address(found) == address(cells.field(0).values)
    read_only(found)
    assert np.array_equal(ta.numpy(batch.slice(1, 1), "x"), values[1:2])
    assert np.array_equal(ta.numpy(batch.slice(2), "x"), values[2:])


def test_refuses_structs_of_different_shapes():
    rows = [{"data": [1, 2], "shape": [1, 2]}, {"data": [3, 4], "shape": [2, 1]}]
    cells = pa.array(rows, pa.struct([("data", pa.list_(pa.int64())), SHAPE]))
    batch = batch_of(cells, "int64", (-1, -1))

    assert "(1, 1) to (2, 2)" in fails("TA_TENSOR_RAGGED", ta.numpy, batch, "x")
    assert ta.numpy(batch.slice(1), "x").tolist() == [[[3], [4]]]


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"data": [1, 2], "shape": [2, 1]}, (-1, -1, 2)),
        ({"data": [1, 2], "shape": [2, 2]}, (-1, -1)),
        ({"data": [1, 2], "shape": [1, 2, 1]}, (-1, -1, 3)),
    ],
)
def test_refuses_structs_that_contradict_themselves_or_the_model(row, shape):
    cells = pa.array([row], pa.struct([("data", pa.list_(pa.int64())), SHAPE]))

    fails("TA_TENSOR_SHAPE", ta.numpy, batch_of(cells, "int64", shape), "x")


def test_views_no_rows_at_all():
    for shape, wanted in [((), (0,)), ((2, 3), (0, 2, 3)), ((-1, 3), (0, 0, 3))]:
        values = np.zeros((0, *(abs(dim) for dim in shape)), np.float32)
        cells = lists(values) if shape else pa.array(values)
        found = ta.numpy(batch_of(cells, "float32", shape), "x")
        assert found.shape == wanted
        assert found.dtype == np.float32

    structs = shaped(np.zeros((0, 2, 3), np.int8))
    assert ta.numpy(batch_of(structs, "int8", (-1, -1)), "x").shape == (0, 0, 0)
    full = batch_of(lists(np.ones((3, 2), np.int8)), "int8", (2,))
    assert ta.numpy(full.slice(3), "x").shape == (0, 2)


def test_views_rows_without_elements():
    cells = lists(np.zeros((3, 0), np.float32))

    assert ta.numpy(batch_of(cells, "float32", (-1,)), "x").shape == (3, 0)
    assert ta.numpy(batch_of(cells, "float32", (0, 4)), "x").shape == (3, 0, 4)
    assert ta.numpy(batch_of(cells, "float32", (0, -1)), "x").shape == (3, 0, 0)


@pytest.mark.parametrize("large", [False, True])
def test_views_lists_of_fixed_and_of_large_size(large):
    values = np.arange(12, dtype=np.int64).reshape(4, 3)
    flat = pa.array(values.reshape(-1))
    cells = (
        pa.LargeListArray.from_arrays(pa.array([0, 3, 6, 9, 12], pa.int64()), flat)
        if large
        else pa.FixedSizeListArray.from_arrays(flat, 3)
    )
    batch = batch_of(cells, "int64", (3,))

    assert address(ta.numpy(batch, "x")) == address(flat)
    assert np.array_equal(ta.numpy(batch.slice(1, 2), "x"), values[1:3])
    assert address(ta.numpy(batch.slice(1, 2), "x")) == address(flat) + 3 * 8


def test_refuses_null_rows():
    cells = lists(np.ones((4, 2), np.float32), nulls=[1, 2])

    message = fails("TA_TENSOR_NULL", ta.numpy, batch_of(cells, "float32", (2,)), "x")

    assert "2 null rows" in message
    assert "mask=True" in message
    fails("TA_TENSOR_NULL", ta.numpy, batch_of(pa.array([1, None]), "int64", ()), "x")


@pytest.mark.parametrize("shape", [(2,), (-1,), (2, -1)])
def test_masks_null_rows(shape):
    values = np.arange(1, 9, dtype=np.float32).reshape(4, 2)
    batch = batch_of(lists(values, nulls=[1]), "float32", shape)

    found, mask = ta.numpy(batch, "x", mask=True)

    assert mask.tolist() == [False, True, False, False]
    assert mask.dtype == np.bool_
    wanted = np.where(mask[:, None], 0, values).reshape(found.shape)
    assert np.array_equal(found, wanted)
    assert found.dtype == np.float32
    assert not found.flags.writeable
    sliced, mask = ta.numpy(batch.slice(1, 2), "x", mask=True)
    assert mask.tolist() == [True, False]
    assert np.array_equal(sliced, wanted[1:3])


def test_masks_null_scalars_and_structs():
    found, mask = ta.numpy(batch_of(pa.array([7, None, 9]), "int64", ()), "x", mask=True)
    assert (found.tolist(), mask.tolist()) == ([7, 0, 9], [False, True, False])

    rows = [None, {"data": [1, 2], "shape": [2, 1]}]
    cells = pa.array(rows, pa.struct([("data", pa.list_(pa.int64())), SHAPE]))
    batch = batch_of(cells, "int64", (-1, -1))
    fails("TA_TENSOR_NULL", ta.numpy, batch, "x")
    found, mask = ta.numpy(batch, "x", mask=True)
    assert found.tolist() == [[[0], [0]], [[1], [2]]]
    assert mask.tolist() == [True, False]


def test_masks_without_a_copy_where_there_are_no_nulls():
    cells = lists(np.ones((4, 2), np.float32))

    found, mask = ta.numpy(batch_of(cells, "float32", (2,)), "x", mask=True)

    assert address(found) == address(cells.values)
    assert not mask.any()
    assert not ta.numpy(batch_of(cells, "float32", (2,)).slice(4), "x", mask=True)[1].any()


def test_masks_when_all_rows_are_null():
    cells = pa.nulls(3, pa.list_(pa.float32()))

    for shape, wanted in [((2,), (3, 2)), ((-1, 4), (3, 0, 4))]:
        found, mask = ta.numpy(batch_of(cells, "float32", shape), "x", mask=True)
        assert found.shape == wanted
        assert mask.all()
        assert not found.any()


def test_refuses_null_elements_with_and_without_mask():
    cells = pa.array([[1.0, 2.0], [None, 4.0], [5.0, 6.0]], pa.list_(pa.float32()))
    batch = batch_of(cells, "float32", (2,))

    assert "null elements" in fails("TA_TENSOR_NULL", ta.numpy, batch, "x")
    fails("TA_TENSOR_NULL", ta.numpy, batch, "x", mask=True)
    assert ta.numpy(batch.slice(2), "x").tolist() == [[5.0, 6.0]]


def test_refuses_nulls_inside_structs():
    kind = pa.struct([("data", pa.list_(pa.int64())), SHAPE])
    for row in [
        {"data": None, "shape": [1, 1]},
        {"data": [1], "shape": None},
        {"data": [None], "shape": [1, 1]},
        {"data": [1], "shape": [1, None]},
    ]:
        fails("TA_TENSOR_NULL", ta.numpy, batch_of(pa.array([row], kind), "int64", (-1, -1)), "x")


@pytest.mark.parametrize(
    ("cells", "dtype", "shape"),
    [
        (pa.array([[1.0]], pa.list_(pa.float64())), "float32", (1,)),
        (pa.array([[1]], pa.list_(pa.int32())), "int64", (1,)),
        (pa.array([1.0]), "float64", (1,)),
        (pa.array([[1.0]], pa.list_(pa.float64())), "float64", ()),
        (pa.array(["a"]), "float64", ()),
        (pa.array([[[1.0]]], pa.list_(pa.list_(pa.float64()))), "float64", (1, 1)),
        (pa.array([[1.0]], pa.list_(pa.float64())), "float64", (-1, -1)),
        (pa.array([[1]], pa.list_(pa.int32())), "uint8", (1,)),
        (pa.array([b"1"]), "uint8", ()),
        (pa.array([b"1"]), "quint8", (1,)),
        (pa.array([[1.0]], pa.list_(pa.float64())), "float16", (1,)),
        (pa.array([{"a": 1.0, "b": 2.0}]), "complex128", ()),
        (pa.array([1]), "str", ()),
    ],
)
def test_refuses_types_that_do_not_fit_the_tensor(cells, dtype, shape):
    message = fails("TA_TENSOR_TYPE", ta.numpy, batch_of(cells, dtype, shape), "x")

    assert str(cells.type) in message
    assert dtype in message


@pytest.mark.parametrize("dtype", ["resource", "nonsense"])
def test_names_the_dtypes_it_can_view(dtype):
    batch = batch_of(pa.array([1], pa.int8()), dtype, ())

    message = fails("TA_TENSOR_UNSUPPORTED", ta.numpy, batch, "x")

    assert dtype in message
    assert "float32, float64, int8" in message


def test_views_bfloat16_with_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.array([[1.5, -2.0], [3.0, 0.25]], dtype=ml_dtypes.bfloat16)
    cells = lists(values.view(np.uint16))

    found = ta.numpy(batch_of(cells, "bfloat16", (2,)), "x")

    assert found.dtype == ml_dtypes.bfloat16
    assert np.array_equal(found, values)
    assert address(found) == address(cells.values)
    read_only(found)


def test_names_the_package_that_bfloat16_needs(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    cells = lists(np.array([[1, 2]], np.uint16))

    message = fails("TA_TENSOR_UNSUPPORTED", ta.numpy, batch_of(cells, "bfloat16", (2,)), "x")

    assert "pip install ml_dtypes" in message
    assert "raw=True" in message


def test_gives_the_bits_of_bfloat16_without_any_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    cells = lists(np.array([[1, 2]], np.uint16))

    found = ta.numpy(batch_of(cells, "bfloat16", (2,)), "x", raw=True)

    assert found.dtype == np.uint16
    assert address(found) == address(cells.values)


def test_raw_changes_nothing_for_dtypes_of_numpy():
    cells = lists(np.array([[1, 2]], np.float32))

    assert ta.numpy(batch_of(cells, "float32", (2,)), "x", raw=True).dtype == np.float32


def test_array_outlives_its_batch():
    values = np.arange(200_000, dtype=np.float32).reshape(1000, 200)
    sink = pa.BufferOutputStream()
    batch = batch_of(lists(values), "float32", (200,))
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    del batch
    found = ta.numpy(pa.ipc.open_stream(sink.getvalue()).read_next_batch(), "x")
    del sink
    # What had the memory before would be overwritten by now.
    noise = [np.full(200_000, -1, np.float32) for _ in range(20)]

    assert np.array_equal(found, values)
    assert len(noise) == 20


@pytest.mark.parametrize("seed", range(40))
def test_round_trips(seed):
    random = np.random.default_rng(seed)
    dtype = DTYPES[seed % len(DTYPES)]
    rows, rank = int(random.integers(0, 40)), int(random.integers(0, 4))
    shape = tuple(int(dim) for dim in random.integers(1, 6, size=rank))
    nulls = sorted(np.flatnonzero(random.random(rows) < random.choice([0, 0.3])).tolist())
    values = (random.normal(size=(rows, *shape)) * 100).astype(dtype)
    is_null = np.isin(np.arange(rows), nulls)
    cells = lists(values, nulls) if rank else pa.array(values, mask=is_null)
    assert cells.type == (pa.list_(WIRE[dtype]) if rank else WIRE[dtype])
    start = int(random.integers(0, rows + 1))
    length = int(random.integers(0, rows - start + 1))
    batch = batch_of(cells, dtype, shape).slice(start, length)

    found, mask = ta.numpy(batch, "x", mask=True)

    wanted = values.copy()
    wanted[is_null] = 0
    assert np.array_equal(mask, is_null[start : start + length])
    assert np.array_equal(found, wanted[start : start + length])
    assert found.dtype == values.dtype


SHAPE = ("shape", pa.list_(pa.int32()))
