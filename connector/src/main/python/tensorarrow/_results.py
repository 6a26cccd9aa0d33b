"""What a function of arrays returns, checked and turned into Arrow batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tensorarrow._arrays import Array
from tensorarrow._errors import TensorArrowError, closest_first

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

# Spark's name of a type, the NumPy dtypes that hold just its values, the Arrow type on the wire.
_NUMBERS: dict[str, pa.DataType] = {
    "float": pa.float32(),
    "double": pa.float64(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
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
_LIST_LIMIT = 2**31


@dataclass(frozen=True)
class Result:
    """One declared column: its name, Spark's type of its values, whether they are lists."""

    name: str
    type: str
    is_list: bool

    @property
    def ddl(self) -> str:
        """The column's type as Spark writes it."""
        return f"array<{self.type}>" if self.is_list else self.type

    @property
    def expected(self) -> str:
        """The arrays that fit, in words."""
        if self.type in _NUMBERS:
            dtype = _dtype_name(self.type)
        elif self.type in _UNITS:
            dtype = _UNITS[self.type]
        else:
            dtype = " or ".join(_KINDS[kind] for kind in _OTHERS[self.type][0])
        return f"{dtype} of shape {'(rows, n, ...)' if self.is_list else '(rows,)'}"

    def cells(self, array: Array) -> pa.Array:
        """Turns an array into a column: without a copy for numbers in row-major order."""
        if not isinstance(array, np.ndarray):
            raise self._misfit(f"a {type(array).__module__}.{type(array).__name__}")
        fits = array.ndim >= 2 if self.is_list else array.ndim == 1
        if not fits or not self._fits(array.dtype):
            raise self._misfit(f"{array.dtype} of shape {array.shape}")
        if not self.is_list:
            return self._column(array)
        if array.size >= _LIST_LIMIT:
            raise self._misfit(f"{array.size} elements in one batch, of shape {array.shape}")
        rows, length = len(array), array[:1].size
        offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(length)
        return pa.ListArray.from_arrays(pa.array(offsets), self._column(array.reshape(-1)))

    def _fits(self, dtype: np.dtype[Any]) -> bool:
        if self.type in _NUMBERS:
            return str(dtype) == _dtype_name(self.type)
        if self.type in _UNITS:
            return str(dtype) == _UNITS[self.type]
        return dtype.kind in _OTHERS[self.type][0]

    def _column(self, array: Array) -> pa.Array:
        arrow_type = _NUMBERS[self.type] if self.type in _NUMBERS else _OTHERS[self.type][1]
        # pyarrow ends fixed-size texts and bytes at their first NUL.
        values = array.tolist() if array.dtype.kind in "US" else array
        try:
            return pa.array(values, arrow_type)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as unfit:
            # pyarrow's own text may show a value.
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

    def __init__(self, schema: StructType) -> None:
        self._columns = [_result(field.name, field.dataType) for field in schema]

    def batch(self, arrays: Mapping[str, Array]) -> pa.RecordBatch:
        """Turns what the function returned into a batch, in the order that was declared."""
        names = [column.name for column in self._columns]
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
        cells = [column.cells(arrays[column.name]) for column in self._columns]
        lengths = {column.name: len(array) for column, array in zip(self._columns, cells)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise TensorArrowError(
                "TA_RESULT_LENGTH",
                f"Cannot return the columns: found lengths {listed}; expected the same for all",
            )
        return pa.RecordBatch.from_arrays(cells, names=names)


def _dtype_name(number: str) -> str:
    return str(np.dtype(_NUMBERS[number].to_pandas_dtype()))


def _result(name: str, data_type: DataType) -> Result:
    text = data_type.simpleString()
    is_list = text.startswith("array<") and text.endswith(">")
    value = text[len("array<") : -1] if is_list else text
    if value in _NUMBERS or (value in _OTHERS and not is_list):
        return Result(name, value, is_list)
    numbers = ", ".join(_NUMBERS)
    raise TensorArrowError(
        "TA_UNSUPPORTED",
        f"Cannot return column '{name}' from map_tensors: found type {text}; expected one of"
        f" {numbers}, an array of one of them, or one of {', '.join(_OTHERS)}; mapInArrow can"
        " return any type",
    )
