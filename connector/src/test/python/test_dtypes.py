"""Every dtype of a tensor: what Spark's rows made of it becomes the tensor's own again."""

import decimal

import numpy as np
import pyarrow as pa
import pytest
from helpers import address, batch_of, fails, lists, map_one, shaped

import tensorarrow as ta

EVERY_16_BITS = np.arange(1 << 16, dtype=np.uint16)
NAN_WITH_PAYLOAD = 0xFFA01234


def complexes(re, im, part):
    fields = [pa.field("re", part, nullable=False), pa.field("im", part, nullable=False)]
    return pa.StructArray.from_arrays([pa.array(re, part), pa.array(im, part)], fields=fields)


def bits(numbers, kind, dtype):
    return np.array(numbers, kind).view(dtype)


# The tensor's dtype, its values, and the column that Spark makes of them.
WIDENED = {
    "bool": (np.array([True, False, False, True, True, False]), pa.bool_()),
    "uint8": (np.array([0, 127, 128, 255, 1, 2], np.uint8), pa.int16()),
    "uint16": (np.array([0, 32767, 32768, 65535, 1, 2], np.uint16), pa.int32()),
    "uint32": (np.array([0, 2**31 - 1, 2**31, 2**32 - 1, 1, 2], np.uint32), pa.int64()),
    "uint64": (np.array([0, 2**63 - 1, 2**63, 2**64 - 1, 1, 2], np.uint64), pa.decimal128(20, 0)),
    "quint8": (np.array([0, 127, 128, 255, 1, 2], np.uint8), pa.int16()),
    "quint16": (np.array([0, 32767, 32768, 65535, 1, 2], np.uint16), pa.int32()),
    "float8_e5m2": (np.array([0, 127, 128, 255, 1, 2], np.uint8), pa.int16()),
    "float8_e4m3fn": (np.array([0, 127, 128, 255, 1, 2], np.uint8), pa.int16()),
    "float16": (np.array([0.5, -0.0, np.inf, 6e-8, 65504, -2], np.float16), pa.float32()),
}
NATIVE = {
    "qint8": (np.array([0, 127, -128, -1, 1, 2], np.int8), pa.int8()),
    "qint16": (np.array([0, 32767, -32768, -1, 1, 2], np.int16), pa.int16()),
    "qint32": (np.array([0, 2**31 - 1, -(2**31), -1, 1, 2], np.int32), pa.int32()),
    "int4": (np.array([0, 7, -8, -1, 1, 2], np.int8), pa.int8()),
    "uint4": (np.array([0, 7, 8, 15, 1, 2], np.uint8), pa.int8()),
    "uint16": (WIDENED["uint16"][0], pa.uint16()),
    "float16": (WIDENED["float16"][0], pa.float16()),
}
PAIR = pa.struct([("re", pa.float64()), ("im", pa.float64())])
COMPLEX = {"complex64": pa.float32(), "complex128": pa.float64()}
LIST_TYPES = {
    **{(dtype, str(wire)): (values, wire) for dtype, (values, wire) in WIDENED.items()},
    **{(dtype, str(wire)): (values, wire) for dtype, (values, wire) in NATIVE.items()},
}


def wire_values(values, wire):
    """Makes Spark's values one by one, without the code under test."""
    if wire == pa.decimal128(20, 0):
        return pa.array([decimal.Decimal(int(value)) for value in values], wire)
    if wire == pa.float16():
        return pa.array(values)
    return pa.array([value.item() for value in values], wire)


def as_column(flat, shape):
    """Returns the column whose rows have this shape; two open dimensions make structs."""
    if not shape:
        return flat
    rows = len(flat) // int(np.prod(shape))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(len(flat) // rows))
    return pa.ListArray.from_arrays(offsets, flat)


@pytest.mark.parametrize(("dtype", "wire"), LIST_TYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 2)])
def test_is_of_the_tensors_dtype_and_values(dtype, wire, shape):
    values, wire = LIST_TYPES[dtype, wire]
    batch = batch_of(as_column(wire_values(values, wire), shape), dtype, shape)

    found = ta.numpy(batch, "x")

    wanted = values.reshape(-1, *shape)
    assert found.dtype == values.dtype
    assert found.shape == wanted.shape
    assert found.tobytes() == wanted.tobytes()
    assert not found.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        found[...] = 0
    assert np.array_equal(ta.numpy(batch.slice(1), "x"), wanted[1:])
    assert ta.numpy(batch.slice(1, 0), "x").shape == (0, *shape)
    copy = found.copy()
    copy[...] = 0


@pytest.mark.parametrize(("dtype", "wire"), LIST_TYPES)
def test_reads_structs_of_data_and_shape(dtype, wire):
    values, wire = LIST_TYPES[dtype, wire]
    shapes = shaped(np.zeros((3, 2, 1))).field(1)
    data = as_column(wire_values(values, wire), (2, 1))
    cells = pa.StructArray.from_arrays([data, shapes], ["data", "shape"])

    found = ta.numpy(batch_of(cells, dtype, (-1, -1)).slice(1), "x")

    assert found.dtype == values.dtype
    assert np.array_equal(found, values.reshape(3, 2, 1)[1:])


@pytest.mark.parametrize("dtype", ["qint8", "qint16", "qint32", "int4", "uint4"])
def test_views_what_came_as_the_tensors_own_bytes(dtype):
    values, wire = NATIVE[dtype]
    cells = wire_values(values, wire)

    assert address(ta.numpy(batch_of(cells, dtype, ()), "x")) == address(cells)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("shape", [(), (2,), (3, 1)])
def test_puts_complex_numbers_together(dtype, shape):
    re, im = [1.5, -0.0, np.inf, 0.0, 5.0, 6.0], [-1.0, 2.0, np.nan, -0.0, 0.5, 0.25]
    cells = as_column(complexes(re, im, COMPLEX[dtype]), shape)
    batch = batch_of(cells, dtype, shape)

    found = ta.numpy(batch, "x")

    assert found.dtype == np.dtype(dtype)
    assert found.shape == (6 // int(np.prod(shape)), *shape)
    assert found.real.tobytes() == np.array(re, found.real.dtype).tobytes()
    assert found.imag.tobytes() == np.array(im, found.imag.dtype).tobytes()
    assert not found.flags.writeable
    assert ta.numpy(batch.slice(1), "x").tobytes() == found[1:].tobytes()


def test_refuses_complex_numbers_of_which_a_part_is_null():
    cells = complexes([1.0, None], [1.0, 2.0], pa.float32())

    fails("TA_TENSOR_NULL", ta.numpy, batch_of(cells, "complex64", ()), "x")
    fails("TA_TENSOR_NULL", ta.numpy, batch_of(as_column(cells, (2,)), "complex64", (2,)), "x")


def test_every_float16_comes_back_bit_by_bit():
    widened = EVERY_16_BITS.view(np.float16).astype(np.float32)
    # Conversions may make quiet NaNs of others; Spark's rows keep them.
    nan = np.isnan(widened)
    widened.view(np.uint32)[nan] = [
        (int(bits) & 0x8000) << 16 | 0x7F800000 | (int(bits) & 0x3FF) << 13
        for bits in EVERY_16_BITS[nan]
    ]

    found = ta.numpy(batch_of(pa.array(widened), "float16", ()), "x")

    assert found.dtype == np.float16
    assert np.array_equal(found.view(np.uint16), EVERY_16_BITS)


def test_every_bfloat16_comes_back_bit_by_bit():
    widened = (EVERY_16_BITS.astype(np.uint32) << np.uint32(16)).view(np.float32)
    batch = batch_of(pa.array(widened), "bfloat16", ())

    found = ta.numpy(batch, "x", raw=True)

    assert found.dtype == np.uint16
    assert np.array_equal(found, EVERY_16_BITS)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    assert ta.numpy(batch, "x").dtype == ml_dtypes.bfloat16
    assert np.array_equal(ta.numpy(batch, "x").view(np.uint16), EVERY_16_BITS)


def test_names_the_package_that_widened_bfloat16_needs(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    batch = batch_of(lists(np.ones((2, 3), np.float32)), "bfloat16", (3,))

    assert "pip install ml_dtypes" in fails("TA_TENSOR_UNSUPPORTED", ta.numpy, batch, "x")
    assert ta.numpy(batch, "x", raw=True).tolist() == [[0x3F80] * 3] * 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_the_bits_of_floats(dtype):
    values = {
        "float32": bits([NAN_WITH_PAYLOAD, 0x80000000, 1, 0x7F800000], np.uint32, np.float32),
        "float64": bits([0xFFF4000012345678, 1 << 63, 1, 0x7FF << 52], np.uint64, np.float64),
    }[dtype]

    found = ta.numpy(batch_of(lists(values.reshape(2, 2)), dtype, (2,)), "x")

    assert found.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("dtype", "value", "wire"),
    [
        ("uint8", 256, pa.int16()),
        ("uint8", -1, pa.int16()),
        ("quint8", 300, pa.int16()),
        ("float8_e5m2", -1, pa.int16()),
        ("uint16", 65536, pa.int32()),
        ("uint16", -1, pa.int32()),
        ("uint32", 1 << 32, pa.int64()),
        ("uint32", -1, pa.int64()),
        ("uint64", decimal.Decimal(1 << 64), pa.decimal128(20, 0)),
        ("uint64", decimal.Decimal(-1), pa.decimal128(20, 0)),
        ("float16", 0.1, pa.float32()),
        ("float16", 65536.0, pa.float32()),
        ("float16", 1e-10, pa.float32()),
        ("bfloat16", 0.1, pa.float32()),
        ("int4", 8, pa.int8()),
        ("int4", -9, pa.int8()),
        ("uint4", 16, pa.int8()),
        ("uint4", -1, pa.int8()),
    ],
)
def test_refuses_values_that_no_such_tensor_has(dtype, value, wire):
    cells = as_column(pa.array([1, 2, 3, value], wire), (2,))

    message = fails("TA_TENSOR_VALUE", ta.numpy, batch_of(cells, dtype, (2,)), "x", raw=True)

    assert f"a value of type {wire}" in message
    assert dtype in message
    assert ta.numpy(batch_of(cells.slice(0, 1), dtype, (2,)), "x", raw=True).shape == (1, 2)


def test_refuses_a_nan_that_no_float16_has():
    cells = pa.array(bits([0x7F800001], np.uint32, np.float32))

    fails("TA_TENSOR_VALUE", ta.numpy, batch_of(cells, "float16", ()), "x")
    fails("TA_TENSOR_VALUE", ta.numpy, batch_of(cells, "bfloat16", ()), "x", raw=True)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("shape", [(6,), (-1,), (2, 3), (2, -1)])
def test_views_bytes_of_rows(kind, shape):
    values = np.arange(24, dtype=np.uint8).reshape(4, 6)
    cells = pa.array([row.tobytes() for row in values], kind)
    batch = batch_of(cells, "uint8", shape)
    wanted = values.reshape(4, *(3 if dim == -1 and len(shape) > 1 else dim for dim in shape))
    wanted = values if shape == (-1,) else wanted

    found = ta.numpy(batch, "x")

    assert found.dtype == np.uint8
    assert np.array_equal(found, wanted)
    assert address(found) == cells.buffers()[2].address
    with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
        found.flags.writeable = True
    assert np.array_equal(ta.numpy(batch.slice(1, 2), "x"), wanted[1:3])
    assert address(ta.numpy(batch.slice(1, 2), "x")) == address(found) + 6
    assert ta.numpy(batch.slice(4), "x").shape[0] == 0


def test_views_bytes_in_structs_and_without_elements():
    shapes = pa.array([[3, 1], [3, 1]], pa.list_(pa.int32()))
    cells = pa.StructArray.from_arrays([pa.array([b"abc", b"def"]), shapes], ["data", "shape"])
    found = ta.numpy(batch_of(cells, "uint8", (-1, -1)), "x")
    assert found.tolist() == [[[97], [98], [99]], [[100], [101], [102]]]
    assert ta.numpy(batch_of(pa.array([b"", b""]), "uint8", (-1, 2)), "x").shape == (2, 0, 2)

    fails("TA_TENSOR_RAGGED", ta.numpy, batch_of(pa.array([b"", b"1"]), "uint8", (-1,)), "x")
    fails("TA_TENSOR_SHAPE", ta.numpy, batch_of(pa.array([b"12"]), "uint8", (3,)), "x")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("shape", [(), (2,), (1, 2)])
def test_gives_strings_as_objects(kind, shape):
    texts = ["", "a\x00b", "ä€😀", "x" * 70_000]
    wanted = texts if "string" in str(kind) else [text.encode() for text in texts]
    batch = batch_of(as_column(pa.array(wanted, kind), shape), "str", shape)

    found = ta.numpy(batch, "x")

    assert found.dtype == object
    assert found.shape == (4 // int(np.prod(shape)), *shape)
    assert found.reshape(-1).tolist() == wanted
    assert not found.flags.writeable
    assert ta.numpy(batch.slice(1), "x").tolist() == found[1:].tolist()


def test_keeps_bytes_that_are_no_text():
    assert ta.numpy(batch_of(pa.array([b"\xff\x00"]), "str", ()), "x").tolist() == [b"\xff\x00"]


@pytest.mark.parametrize(
    ("cells", "dtype", "shape", "wanted"),
    [
        (pa.array(["a", None]), "str", (), ["a", ""]),
        (pa.array([b"a", None]), "str", (), [b"a", b""]),
        (pa.array([["a", "b"], None]), "str", (2,), [["a", "b"], ["", ""]]),
        (pa.array([[b"a"], None]), "str", (1,), [[b"a"], [b""]]),
        (pa.array([True, None]), "bool", (), [True, False]),
        (pa.array([b"ab", None]), "uint8", (2,), [[97, 98], [0, 0]]),
        (pa.array([[1, 255], None], pa.list_(pa.int16())), "uint8", (2,), [[1, 255], [0, 0]]),
        (pa.array([{"re": 1.0, "im": 2.0}, None], PAIR), "complex128", (), [1 + 2j, 0]),
        (pa.array([decimal.Decimal(7), None], pa.decimal128(20, 0)), "uint64", (), [7, 0]),
    ],
)
def test_masks_null_rows(cells, dtype, shape, wanted):
    found, mask = ta.numpy(batch_of(cells, dtype, shape), "x", mask=True)

    assert mask.tolist() == [False, True]
    assert found.tolist() == wanted
    assert not found.flags.writeable
    fails("TA_TENSOR_NULL", ta.numpy, batch_of(cells, dtype, shape), "x")


def test_labels_own_bytes_only():
    rows = np.arange(8, dtype=np.uint8).reshape(4, 2)
    binary = pa.array([row.tobytes() for row in rows])
    column = ta.arrow(batch_of(binary, "uint8", (2,))).column(1)
    assert column.type == pa.fixed_shape_tensor(pa.uint8(), (2,))
    assert address(column.storage.flatten()) == binary.buffers()[2].address
    assert np.array_equal(ta.numpy(ta.arrow(batch_of(binary, "uint8", (2,))), "x"), rows)

    for cells, dtype in [
        (lists(rows.astype(np.int16)), "uint8"),
        (lists(rows.astype(np.float32)), "float16"),
        (as_column(pa.array([True, False]), (2,)), "bool"),
        (as_column(complexes([1.0, 2.0], [1.0, 2.0], pa.float32()), (2,)), "complex64"),
        (pa.array([["a", "b"]]), "str"),
    ]:
        batch = batch_of(cells, dtype, (2,))
        assert ta.arrow(batch).equals(batch)


RESULTS = {
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal(20,0)",
    "float16": "float",
    "complex64": "struct<re:float,im:float>",
    "complex128": "struct<re:double,im:double>",
    "bool": "boolean",
}


@pytest.mark.parametrize("dtype", RESULTS)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_functions_of_arrays_get_and_return_every_dtype(dtype, shape):
    if dtype in COMPLEX:
        flat = complexes([1.0, -0.0, 3.0] * 2, [0.5, np.inf, 0.0] * 2, COMPLEX[dtype])
    else:
        flat = wire_values(*WIDENED[dtype])
    batch = batch_of(as_column(flat, shape), dtype, shape)
    seen = []

    def f(t):
        seen.append(t["x"])
        return {"x": t["x"], "copy": np.asfortranarray(t["x"].copy())}

    text = f"array<{RESULTS[dtype]}>" if shape else RESULTS[dtype]
    result = map_one(batch, f, ("x", text), ("copy", text))

    assert seen[0].dtype == np.dtype(dtype)
    for column in result.columns:
        values = column.flatten() if shape else column
        assert values.type == flat.type
        assert values.equals(flat)
        assert column.equals(batch.column(1))


def test_functions_of_arrays_return_bfloat16_and_nans_bit_by_bit():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    batch = batch_of(pa.array(np.zeros(1 << 16, np.float32)), "float32", ())

    def f(_):
        return {"h": EVERY_16_BITS.view(np.float16), "b": EVERY_16_BITS.view(ml_dtypes.bfloat16)}

    result = map_one(batch, f, ("h", "float"), ("b", "float"))

    for name, dtype in [("h", "float16"), ("b", "bfloat16")]:
        column = result.column(result.schema.get_field_index(name))
        assert column.type == pa.float32()
        found = ta.numpy(batch_of(column, dtype, ()), "x", raw=True)
        assert np.array_equal(found.view(np.uint16), EVERY_16_BITS)


def test_functions_of_arrays_return_strings_and_bytes_of_rows():
    batch = batch_of(pa.array([["a", "b"], ["c", "d\x00"]]), "str", (2,))
    image = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)

    def f(t):
        return {"s": t["x"], "u": t["x"].astype("U2"), "b": t["x"].astype("S2"), "i": image}

    texts = ("s", "array<string>"), ("u", "array<string>"), ("b", "array<binary>"), ("i", "binary")
    result = map_one(batch, f, *texts)

    assert result.column(0).to_pylist() == [["a", "b"], ["c", "d\x00"]]
    assert result.column(1).to_pylist() == [["a", "b"], ["c", "d"]]
    assert result.column(2).to_pylist() == [[b"a", b"b"], [b"c", b"d"]]
    assert result.column(3).to_pylist() == [bytes([0, 1, 2, 3]), bytes([4, 5, 6, 7])]


def test_functions_of_arrays_return_no_rows_of_any_dtype():
    batch = batch_of(pa.array([], pa.float32()), "float32", ())
    for dtype, text in RESULTS.items():
        result = map_one(
            batch,
            lambda _, dtype=dtype: {"y": np.zeros(0, dtype), "l": np.zeros((0, 3), dtype)},
            ("y", text),
            ("l", f"array<{text}>"),
        )
        assert result.num_rows == 0
