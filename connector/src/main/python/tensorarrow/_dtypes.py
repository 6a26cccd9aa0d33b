"""The dtypes of tensors: how each travels in Arrow, and what it is in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tensorarrow._convert import (
    UINT64_TYPE,
    Array,
    complex_type,
    native_array,
    refuse_others,
    to_bfloat16,
    to_complex,
    to_float16,
    to_integers,
    to_objects,
    to_uint64,
    widen,
    widen_bfloat16,
)
from tensorarrow._dtype_table import DTYPES, DTypeFacts
from tensorarrow._errors import TensorArrowError
from tensorarrow._spec import TensorSpec


@dataclass(frozen=True)
class Element:
    """How the elements of one dtype travel, and what they are in NumPy.

    Attributes:
        numpy: NumPy's name of the array's dtype; "bfloat16" is ml_dtypes' name.
        native: the Arrow type of native elements, whose bytes are the tensor's; None for strings.
        widened: the Arrow types that Spark's rows have instead, where Spark lacks the native one.
        narrow: turns widened values into native ones; returns None for a value that is none.
        limits: the least and the greatest value, of dtypes that have no integer of their size.
        changeable: whether the bytes in a tensor are NumPy's, so that functions may change them.
    """

    numpy: str
    native: pa.DataType | None
    widened: tuple[pa.DataType, ...] = ()
    narrow: Callable[[pa.Array], Array | None] = refuse_others
    limits: tuple[int, int] | None = None
    changeable: bool = True

    def reads(self, arrow_type: pa.DataType) -> bool:
        """Returns whether values of an Arrow type can be this tensor's."""
        return arrow_type == self.native or any(_same(arrow_type, kind) for kind in self.widened)

    @property
    def arrow_types(self) -> str:
        """The Arrow types that can be read, for messages; those that Spark makes first."""
        native = () if self.native is None else (self.native,)
        return " or ".join(str(kind) for kind in (*self.widened, *native))

    def array(self, values: pa.Array, spec: TensorSpec, raw: bool) -> Array:
        """Returns values without nulls as a read-only array (elements,): a view, if they can be.

        Args:
            values: an array of a type that this reads.
            spec: the tensor, for messages.
            raw: whether a dtype that NumPy lacks is seen as the unsigned integer of its bits.

        Raises:
            TensorArrowError: TA_TENSOR_UNSUPPORTED for bfloat16, if ml_dtypes can't be imported;
                TA_TENSOR_VALUE if a value can't be one of the tensor's.
        """
        dtype = self.dtype(f"column '{spec.column}'", raw)
        is_native = values.type == self.native
        array = native_array(values) if is_native else self.narrow(values)
        if array is None or not self._in_limits(array):
            raise TensorArrowError(
                "TA_TENSOR_VALUE",
                f"Cannot view column '{spec.column}': found a value of type {values.type} that a"
                f" tensor of {spec.dtype} can't hold; expected only values that the model gave:"
                " was the column changed after the model?",
            )
        array = array if array.dtype == dtype else array.view(dtype)
        array.flags.writeable = False
        return array

    def widen(self, values: pa.Array, arrow_type: pa.DataType) -> pa.Array:
        """Turns native elements, without nulls, into what Spark makes of them."""
        array = native_array(values)
        if self.numpy == "bfloat16":
            return pa.array(widen_bfloat16(array))
        return widen(array.view(np.dtype(self.numpy)), arrow_type)

    def dtype(self, what: str, raw: bool) -> np.dtype[Any]:
        """Returns the array's dtype; ``what`` it is an array of is for messages."""
        if self.numpy != "bfloat16":
            return np.dtype(self.numpy)
        return np.dtype(np.uint16) if raw else _bfloat16(what)

    def _in_limits(self, array: Array) -> bool:
        if self.limits is None or not array.size:
            return True
        minimum, maximum = self.limits
        return bool(minimum <= array.min() and array.max() <= maximum)


# What Spark has for an element, as an Arrow type, by the names of SparkElement.java.
_SPARK_TYPES = {
    "BOOLEAN": pa.bool_(),
    "BYTE": pa.int8(),
    "SHORT": pa.int16(),
    "INT": pa.int32(),
    "LONG": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DECIMAL": UINT64_TYPE,
    "COMPLEX_FLOAT": complex_type(pa.float32()),
    "COMPLEX_DOUBLE": complex_type(pa.float64()),
}

_TEXTS = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())

# The Arrow types of native elements that are not Arrow's type for the array's dtype.
_NATIVE_TYPES = {
    "bool": pa.uint8(),
    "bfloat16": pa.uint16(),
    "complex64": pa.binary(8),
    "complex128": pa.binary(16),
}

# How Spark's values become those of an array's dtype; unsigned integers have a rule of their own.
_NARROWERS = {
    "bool": to_objects,
    "float16": to_float16,
    "bfloat16": to_bfloat16,
    "uint64": to_uint64,
    "complex64": to_complex(np.complex64),
    "complex128": to_complex(np.complex128),
}


def _element_of(facts: DTypeFacts) -> Element:
    numpy = facts.array_dtype
    changeable = facts.layout != "TENSORFLOW"
    if facts.spark_element == "STRING":
        return Element(numpy, None, _TEXTS, to_objects, changeable=changeable)
    spark = _SPARK_TYPES[facts.spark_element]
    if facts.layout != "NUMPY":
        return Element(numpy, spark, limits=_limits(facts), changeable=changeable)
    native = _NATIVE_TYPES.get(numpy) or pa.from_numpy_dtype(np.dtype(numpy))
    narrow = _NARROWERS.get(numpy) or to_integers(np.dtype(numpy).type)
    return Element(numpy, native, (spark,), narrow)


def _limits(facts: DTypeFacts) -> tuple[int, int] | None:
    if facts.bit_size == 8 * facts.byte_size:
        return None
    if np.dtype(facts.array_dtype).kind == "u":
        return 0, 2**facts.bit_size - 1
    return -(2 ** (facts.bit_size - 1)), 2 ** (facts.bit_size - 1) - 1


# TensorFlow's dtypes by NumPy's names, or those of ml_dtypes. 8-bit floats are their bits in Spark
# and in NumPy.
ELEMENTS = {facts.name: _element_of(facts) for facts in DTYPES}

# NumPy's dtypes that Spark lacks, and the type that each becomes there.
WIDENED = {
    facts.name: _SPARK_TYPES[facts.spark_element]
    for facts in DTYPES
    if facts.layout == "NUMPY" and facts.name == facts.array_dtype != "bool"
}


def element_of(spec: TensorSpec) -> Element:
    """Finds how a tensor's elements travel.

    Raises:
        TensorArrowError: TA_TENSOR_UNSUPPORTED for a dtype that is not known.
    """
    return _element(f"column '{spec.column}'", spec.dtype)


def numpy_dtype(what: str, dtype: str, raw: bool) -> np.dtype[Any]:
    """Returns what a dtype of TensorFlow is in NumPy.

    Args:
        what: what is of this dtype, for messages.
        dtype: NumPy's name of it, or that of ``ml_dtypes``.
        raw: whether a dtype that NumPy lacks is seen as the unsigned integer of its bits.

    Raises:
        TensorArrowError: TA_TENSOR_UNSUPPORTED for a dtype that is not known, and for bfloat16, if
            ml_dtypes can't be imported.
    """
    return _element(what, dtype).dtype(what, raw)


def _element(what: str, dtype: str) -> Element:
    if dtype not in ELEMENTS:
        raise TensorArrowError(
            "TA_TENSOR_UNSUPPORTED",
            f"Cannot view {what}: found dtype {dtype}; expected one of {', '.join(ELEMENTS)}",
        )
    return ELEMENTS[dtype]


def is_bytes(arrow_type: pa.DataType) -> bool:
    """Returns whether values of an Arrow type are bytes of any length."""
    binary: bool = pa.types.is_binary(arrow_type) or pa.types.is_large_binary(arrow_type)
    return binary


def _same(actual: pa.DataType, known: pa.DataType) -> bool:
    """Compares types without regard to whether fields of structs may be null."""
    if pa.types.is_struct(actual) and pa.types.is_struct(known):
        return [(f.name, f.type) for f in actual] == [(f.name, f.type) for f in known]
    equal: bool = actual == known
    return equal


def _bfloat16(what: str) -> np.dtype[Any]:
    try:
        import ml_dtypes
    except ImportError as missing:
        raise TensorArrowError(
            "TA_TENSOR_UNSUPPORTED",
            f"Cannot view {what}: found dtype bfloat16, which NumPy lacks, and no"
            " package ml_dtypes; expected it on driver and executors (pip install ml_dtypes), or"
            " raw=True for the bits as uint16",
        ) from missing
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype
