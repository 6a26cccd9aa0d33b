"""Values of every dtype, as NumPy has them and as a Parquet file has them."""

import decimal
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

ROWS = 8
SHAPES = {"scalar": (), "vector": (3,), "matrix": (2, 2)}


@dataclass(frozen=True)
class Sample:
    """Values of one dtype.

    Attributes:
        values: as the Python module gives them, with raw=True.
        column: the Arrow type whose Spark type the dtype has.
    """

    values: np.ndarray
    column: pa.DataType

    def array(self, shape, rows):
        """Returns an array of rows of a shape."""
        return np.resize(self.values, (rows, *shape))

    def cells(self, shape, rows):
        """Returns the same as an Arrow column, flat and row-major."""
        flat = self._flat(self.array(shape, rows).reshape(-1))
        if not shape:
            return flat
        offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(np.prod(shape))
        return pa.ListArray.from_arrays(pa.array(offsets), flat)

    def _flat(self, values):
        kind = self.column
        if pa.types.is_decimal(kind):
            return pa.array([decimal.Decimal(int(value)) for value in values], kind)
        if pa.types.is_struct(kind):
            parts = [np.ascontiguousarray(part) for part in (values.real, values.imag)]
            return pa.StructArray.from_arrays([pa.array(part) for part in parts], ["re", "im"])
        if values.dtype == np.uint16 and kind == pa.float32():
            return pa.array((values.astype(np.uint32) << np.uint32(16)).view(np.float32))
        if values.dtype == object:
            return pa.array(values.tolist(), kind)
        return pa.array(values.astype(kind.to_pandas_dtype()))


def _whole(dtype, column):
    limits = np.iinfo(dtype)
    return Sample(np.array([0, limits.min, limits.max, 1, limits.max // 3], dtype), column)


def _fractions(dtype, column):
    return Sample(np.array([1.5, -0.0, np.inf, -np.inf, np.nan, 1e-4, -3], dtype), column)


def _complex(dtype, part):
    values = [1.5 - 2j, complex(-0.0, 0.0), complex(np.inf, np.nan), 3e-3j, complex(7, -0.0)]
    return Sample(np.array(values, dtype), pa.struct([("re", part), ("im", part)]))


_TEXTS = np.array(["", "a\0b", "x" * 22, "x" * 23, "Ähre 三 \U0001f600" * 5], object)

SAMPLES = {
    "module_dtypes": {
        "bool": Sample(np.array([True, False, False, True, True]), pa.bool_()),
        "int8": _whole(np.int8, pa.int8()),
        "int16": _whole(np.int16, pa.int16()),
        "int32": _whole(np.int32, pa.int32()),
        "int64": _whole(np.int64, pa.int64()),
        "uint8": _whole(np.uint8, pa.int16()),
        "uint16": _whole(np.uint16, pa.int32()),
        "uint32": _whole(np.uint32, pa.int64()),
        "uint64": _whole(np.uint64, pa.decimal128(20, 0)),
        "float16": _fractions(np.float16, pa.float32()),
        # 1.5, -0, the largest, infinity, a NaN, and the smallest number.
        "bfloat16": Sample(
            np.array([0x3FC0, 0x8000, 0x7F7F, 0xFF80, 0x7FC1, 1], np.uint16), pa.float32()
        ),
        "float32": _fractions(np.float32, pa.float32()),
        "float64": _fractions(np.float64, pa.float64()),
        "complex64": _complex(np.complex64, pa.float32()),
        "complex128": _complex(np.complex128, pa.float64()),
        "string": Sample(_TEXTS, pa.string()),
    },
    "module_quantized": {
        "qint8": _whole(np.int8, pa.int8()),
        "quint8": _whole(np.uint8, pa.int16()),
        "qint16": _whole(np.int16, pa.int16()),
        "quint16": _whole(np.uint16, pa.int32()),
        "qint32": _whole(np.int32, pa.int32()),
    },
    "module_narrow": {
        "float8_e5m2": _whole(np.uint8, pa.int16()),
        "float8_e4m3fn": _whole(np.uint8, pa.int16()),
        "int4": Sample(np.array([0, -8, 7, -1, 3], np.int8), pa.int8()),
        "uint4": Sample(np.array([0, 8, 7, 15, 3], np.uint8), pa.int8()),
    },
}


def table(samples, rows=ROWS):
    """Returns the columns that a model of the zoo is fed with, and the rows' numbers as id."""
    columns = {"id": pa.array(np.arange(rows))}
    for dtype, sample in samples.items():
        for name, shape in SHAPES.items():
            columns[f"{dtype}_{name}"] = sample.cells(shape, rows)
    return pa.table(columns)


def arrays(samples, rows=ROWS):
    """Returns what a model's outputs are in NumPy, by column, all rows."""
    return {
        f"{dtype}_{name}_out": sample.array(shape, rows)
        for dtype, sample in samples.items()
        for name, shape in SHAPES.items()
    }
