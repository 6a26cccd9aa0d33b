"""What a function of arrays returns, checked and turned into Arrow batches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tensorarrow._convert import UINT64_TYPE, Array, widen
from tensorarrow._dtypes import WIDENED, element_of
from tensorarrow._errors import TensorArrowError, closest_first
from tensorarrow._spec import UNKNOWN, TensorSpec

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

# Spark's name of a type, and the Arrow type on the wire.
_NUMBERS: dict[str, pa.DataType] = {
    "float": pa.float32(),
    "double": pa.float64(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
}
# Types that only tensors of other dtypes become.
_WIDENED_TYPES: dict[str, pa.DataType] = {
    "decimal(20,0)": UINT64_TYPE,
    "struct<re:float,im:float>": WIDENED["complex64"],
    "struct<re:double,im:double>": WIDENED["complex128"],
}
_OTHERS: dict[str, tuple[str, pa.DataType]] = {
    "string": ("OU", pa.string()),
    "binary": ("OS", pa.binary()),
    "date": ("M", pa.date32()),
    "timestamp": ("M", pa.timestamp("us", tz="UTC")),
    "timestamp_ntz": ("M", pa.timestamp("us")),
}
_UNITS = {"date": "datetime64[D]", "timestamp": "datetime64[us]", "timestamp_ntz": "datetime64[us]"}
_KINDS = {"U": "str", "S": "bytes", "O": "object"}
_LISTED_TEXTS = ("string", "binary")
_LIST_LIMIT = 2**31


@dataclass(frozen=True)
class Result:
    """One declared column.

    Attributes:
        name: its name.
        type: Spark's type of its values, or of the lists' elements.
        is_list: whether the values are lists.
        tensor: the dtype and shape that it has to keep, if it is changed in place.
    """

    name: str
    type: str
    is_list: bool
    tensor: TensorSpec | None = None

    @property
    def ddl(self) -> str:
        """The column's type as Spark writes it."""
        return f"array<{self.type}>" if self.is_list else self.type

    @property
    def expected(self) -> str:
        """The arrays that fit, in words."""
        shape = "(rows, n, ...)" if self.is_list else "(rows,)"
        if self.type in _UNITS:
            return f"{_UNITS[self.type]} of shape {shape}"
        if self.type in _OTHERS:
            kinds = " or ".join(_KINDS[kind] for kind in _OTHERS[self.type][0])
            rows = ", or uint8 of shape (rows, n, ...)" if self.ddl == "binary" else ""
            return f"{kinds} of shape {shape}{rows}"
        return f"{' or '.join(_dtype_names(self.type))} of shape {shape}"

    def check(self, array: Any) -> None:
        """Checks that an array fits the column."""
        if not isinstance(array, np.ndarray):
            raise self._misfit(f"a {type(array).__module__}.{type(array).__name__}")
        bytes_of_rows = self._takes_bytes(array)
        fits = array.ndim >= 2 if self.is_list or bytes_of_rows else array.ndim == 1
        if not fits or not (bytes_of_rows or self._fits(array.dtype)):
            raise self._misfit(f"{array.dtype} of shape {array.shape}")
        if (self.is_list or bytes_of_rows) and array.size >= _LIST_LIMIT:
            raise self._misfit(f"{array.size} elements in one batch, of shape {array.shape}")
        if self.tensor:
            self._check_tensor(array, self.tensor)

    def _check_tensor(self, array: Array, spec: TensorSpec) -> None:
        dtype = element_of(spec).dtype(f"column '{self.name}'", raw=False)
        dims = array.shape[1:]
        same = len(dims) == len(spec.shape) and all(
            known in (UNKNOWN, dim) for known, dim in zip(spec.shape, dims)
        )
        # Rows are flattened in any case.
        same = same or (not spec.unknown_dims and math.prod(dims) == math.prod(spec.shape))
        if array.dtype != dtype or not same:
            raise TensorArrowError(
                "TA_RESULT_TYPE",
                f"Cannot return column '{self.name}', which is changed in place: found"
                f" {array.dtype} of shape {array.shape}; expected {dtype} of shape (rows,"
                f" *{spec.shape}) as before (-1: any), or another name",
            )

    def _takes_bytes(self, array: Array) -> bool:
        return self.ddl == "binary" and array.dtype == np.uint8

    def cells(self, array: Array) -> pa.Array:
        """Turns an array that fits into a column: without a copy for numbers in row-major order."""
        bytes_of_rows = self._takes_bytes(array)
        if not self.is_list and not bytes_of_rows:
            return self._column(array)
        rows, length = len(array), array[:1].size
        offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(length)
        if bytes_of_rows:
            buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(array))]
            return pa.Array.from_buffers(pa.binary(), rows, buffers)
        return pa.ListArray.from_arrays(pa.array(offsets), self._column(array.reshape(-1)))

    def _fits(self, dtype: np.dtype[Any]) -> bool:
        if self.type in _UNITS:
            return str(dtype) == _UNITS[self.type]
        if self.type in _OTHERS:
            return dtype.kind in _OTHERS[self.type][0]
        return str(dtype) in _dtype_names(self.type)

    def _column(self, array: Array) -> pa.Array:
        if str(array.dtype) in WIDENED:
            return widen(array, _arrow_type(self.type))
        # pyarrow ends fixed-size texts and bytes at their first NUL.
        values = array.tolist() if array.dtype.kind in "US" else array
        try:
            return pa.array(values, _arrow_type(self.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as unfit:
            # pyarrow's text may show a value.
            raise self._misfit(f"{array.dtype} with objects of another type") from unfit

    def _misfit(self, found: str) -> TensorArrowError:
        return TensorArrowError(
            "TA_RESULT_TYPE",
            f"Cannot return column '{self.name}' as {self.ddl}: found {found}; expected an array"
            f" {self.expected}: nothing is cast (use astype or reshape, or declare another type;"
            " rows of different length need mapInArrow)",
        )


class Results:
    """The columns that a function is declared to return."""

    def __init__(self, schema: StructType, tensors: Mapping[str, TensorSpec] | None = None) -> None:
        """Reads the declared columns.

        Args:
            schema: the columns' names and types.
            tensors: the columns that have to keep their dtype and shape, by name.
        """
        specs = tensors or {}
        self.columns = [
            replace(_result(field.name, field.dataType), tensor=specs.get(field.name))
            for field in schema
        ]

    def batch(self, arrays: Mapping[str, Array]) -> pa.RecordBatch:
        """Converts the returned arrays into a batch, in the declared order."""
        self.check(arrays)
        cells = [column.cells(arrays[column.name]) for column in self.columns]
        return pa.RecordBatch.from_arrays(cells, names=[column.name for column in self.columns])

    def check(self, arrays: Any) -> int:
        """Checks the columns against the declared ones; returns the number of rows."""
        names = [column.name for column in self.columns]
        if not isinstance(arrays, Mapping):
            raise TensorArrowError(
                "TA_RESULT_COLUMNS",
                f"Cannot return the columns: found a {type(arrays).__name__};"
                f" expected a dict with {closest_first('', names)}",
            )
        missing, extra = set(names) - set(arrays), set(arrays) - set(names)
        if missing or extra:
            raise TensorArrowError(
                "TA_RESULT_COLUMNS",
                f"Cannot return the columns: found {closest_first('', map(str, arrays))}; expected"
                f" those of the schema (missing: {closest_first('', missing)};"
                f" extra: {closest_first('', map(str, extra))})",
            )
        for column in self.columns:
            column.check(arrays[column.name])
        lengths = {name: len(arrays[name]) for name in names}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise TensorArrowError(
                "TA_RESULT_LENGTH",
                f"Cannot return the columns: found lengths {listed}; expected the same for all",
            )
        return next(iter(lengths.values()), 0)


def _arrow_type(value: str) -> pa.DataType:
    return _OTHERS[value][1] if value in _OTHERS else {**_NUMBERS, **_WIDENED_TYPES}[value]


def _dtype_names(value: str) -> list[str]:
    """Returns the dtypes that are of a type of Spark's: the same first, then those it widens."""
    same = [str(np.dtype(_NUMBERS[value].to_pandas_dtype()))] if value in _NUMBERS else []
    return same + [name for name, widened in WIDENED.items() if widened == _arrow_type(value)]


def _result(name: str, data_type: DataType) -> Result:
    text = data_type.simpleString()
    is_list = text.startswith("array<") and text.endswith(">")
    value = text[len("array<") : -1] if is_list else text
    numbers = {**_NUMBERS, **_WIDENED_TYPES}
    if value in numbers or value in (_LISTED_TEXTS if is_list else _OTHERS):
        return Result(name, value, is_list)
    raise TensorArrowError(
        "TA_UNSUPPORTED",
        f"Cannot return column '{name}' from map_tensors: found type {text}; expected one of"
        f" {', '.join([*numbers, *_LISTED_TEXTS])}, an array of one of them, or one of"
        f" {', '.join(_UNITS)}; mapInArrow can return any type",
    )
