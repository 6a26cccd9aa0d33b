"""The dtypes of tensors: how each travels in Arrow, and what it is in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tensorarrow._errors import TensorArrowError
from tensorarrow._spec import TensorSpec

Array = npt.NDArray[Any]

# Spark has no unsigned numbers of 64 bits.
UINT64_TYPE = pa.decimal128(20, 0)


@dataclass(frozen=True)
class Element:
    """How the elements of one dtype travel, and what they are in NumPy.

    Attributes:
        numpy: NumPy's name of the array's dtype; "bfloat16" is ml_dtypes' name.
        own: the Arrow type whose bytes are the tensor's own, if it has any.
        widened: the Arrow types that Spark's rows turn it into, if not into its own.
        narrow: turns widened values into the tensor's own; None for a value that it can't hold.
    """

    numpy: str
    own: pa.DataType | None
    widened: tuple[pa.DataType, ...] = ()
    narrow: Callable[[pa.Array], Array | None] | None = None

    def reads(self, arrow_type: pa.DataType) -> bool:
        """Returns whether values of an Arrow type can be this tensor's."""
        return arrow_type == self.own or any(_same(arrow_type, kind) for kind in self.widened)

    @property
    def arrow_types(self) -> str:
        """The Arrow types that can be read, for messages; those that Spark makes first."""
        own = () if self.own is None else (self.own,)
        return " or ".join(str(kind) for kind in (*self.widened, *own))

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
        if values.type == self.own:
            array: Array | None = _own_bytes(values)
        else:
            assert self.narrow is not None
            array = self.narrow(values)
        if array is None or not self._in_limits(array, spec):
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
        """Turns the tensor's own values, without nulls, into what Spark makes of them."""
        bits = _own_bytes(values)
        if self.numpy == "bfloat16":
            return pa.array(_widen_brain_halves(bits))
        return widen(bits.view(np.dtype(self.numpy)), arrow_type)

    def dtype(self, what: str, raw: bool) -> np.dtype[Any]:
        """Returns the array's dtype; ``what`` it is an array of is for messages."""
        if self.numpy != "bfloat16":
            return np.dtype(self.numpy)
        return np.dtype(np.uint16) if raw else _bfloat16(what)

    def _in_limits(self, array: Array, spec: TensorSpec) -> bool:
        limits = _LIMITS.get(spec.dtype)
        return not limits or not array.size or limits[0] <= array.min() <= array.max() <= limits[1]


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


def widen(array: Array, arrow_type: pa.DataType) -> pa.Array:
    """Returns a one-dimensional array as Spark has its dtype: exactly, never rounded.

    Args:
        array: values of a dtype that has this type in Spark, see ``WIDENINGS``.
        arrow_type: the Arrow type on the wire.
    """
    array = np.ascontiguousarray(array)
    if array.dtype.kind == "c":
        return pa.StructArray.from_arrays(
            [pa.array(np.ascontiguousarray(part)) for part in (array.real, array.imag)],
            fields=list(arrow_type),
        )
    if arrow_type == UINT64_TYPE:
        words = np.zeros((len(array), 2), np.uint64)
        words[:, 0] = array
        return pa.Array.from_buffers(arrow_type, len(array), [None, pa.py_buffer(words)])
    if str(array.dtype) == "bfloat16":
        return pa.array(_widen_brain_halves(array.view(np.uint16)))
    if array.dtype == np.float16:
        return pa.array(_widen_halves(array))
    return pa.array(array.astype(arrow_type.to_pandas_dtype(), copy=False), arrow_type)


def _own_bytes(values: pa.Array) -> Array:
    """Returns values of a tensor's own bytes as an array over the same memory."""
    if not pa.types.is_fixed_size_binary(values.type):
        # Not of pyarrow's tensors: what those give can be made writable, and a write kills.
        array: Array = values.to_numpy(zero_copy_only=True)
        return array
    width = values.type.byte_width
    if not len(values):
        return np.empty(0, f"V{width}")
    buffer = values.buffers()[1].slice(values.offset * width, len(values) * width)
    return np.frombuffer(buffer, f"V{width}")


def _integers(dtype: type[np.generic]) -> Callable[[pa.Array], Array | None]:
    limits = np.iinfo(np.dtype(dtype))

    def narrow(values: pa.Array) -> Array | None:
        wide = values.to_numpy(zero_copy_only=True)
        fits = not wide.size or (limits.min <= wide.min() and wide.max() <= limits.max)
        array: Array | None = wide.astype(dtype) if fits else None
        return array

    return narrow


def _decimals(values: pa.Array) -> Array | None:
    """Takes the lower of the two words of each decimal of 128 bits."""
    if not len(values):
        return np.empty(0, np.uint64)
    buffer = values.buffers()[1].slice(16 * values.offset, 16 * len(values))
    words = np.frombuffer(buffer, np.uint64).reshape(-1, 2)
    return None if words[:, 1].any() else words[:, 0].copy()


def _halves(values: pa.Array) -> Array | None:
    wide = values.to_numpy(zero_copy_only=True)
    bits = wide.view(np.uint32)
    with np.errstate(all="ignore"):
        halves: Array = wide.astype(np.float16)
    # Of a NaN the payload counts, which conversions by hardware change.
    nan = np.isnan(wide)
    payload = (bits[nan] >> np.uint32(13)) & np.uint32(0x3FF)
    sign = (bits[nan] >> np.uint32(16)) & np.uint32(0x8000)
    halves.view(np.uint16)[nan] = (sign | np.uint32(0x7C00) | payload).astype(np.uint16)
    exact = bool((_widen_halves(halves).view(np.uint32) == bits).all())
    return halves if exact else None


def _widen_halves(halves: Array) -> Array:
    wide = halves.astype(np.float32)
    nan = np.isnan(halves)
    bits = halves.view(np.uint16)[nan].astype(np.uint32)
    sign = (bits & np.uint32(0x8000)) << np.uint32(16)
    payload = (bits & np.uint32(0x3FF)) << np.uint32(13)
    wide.view(np.uint32)[nan] = sign | np.uint32(0x7F800000) | payload
    return wide


def _widen_brain_halves(bits: Array) -> Array:
    """A bfloat16 is the upper half of a float."""
    wide: Array = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide


def _brain_halves(values: pa.Array) -> Array | None:
    """Takes the upper half of each float."""
    bits = values.to_numpy(zero_copy_only=True).view(np.uint32)
    array: Array = (bits >> np.uint32(16)).astype(np.uint16)
    return None if (bits & np.uint32(0xFFFF)).any() else array


def _complex(dtype: type[np.generic]) -> Callable[[pa.Array], Array | None]:
    def narrow(values: pa.Array) -> Array | None:
        array: Array = np.empty(len(values), dtype)
        array.real = values.field(0).to_numpy(zero_copy_only=True)
        array.imag = values.field(1).to_numpy(zero_copy_only=True)
        return array

    return narrow


def _objects(values: pa.Array) -> Array | None:
    array: Array = values.to_numpy(zero_copy_only=False)
    return array


def _same(found: pa.DataType, known: pa.DataType) -> bool:
    """Compares types without regard to whether fields of structs may be null."""
    if pa.types.is_struct(found) and pa.types.is_struct(known):
        return [(f.name, f.type) for f in found] == [(f.name, f.type) for f in known]
    equal: bool = found == known
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


def _struct(part: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field("re", part, nullable=False), pa.field("im", part, nullable=False)])


_UINT8 = (pa.uint8(), (pa.int16(),), _integers(np.uint8))
_UINT16 = (pa.uint16(), (pa.int32(),), _integers(np.uint16))
_TEXTS = (pa.string(), pa.binary(), pa.large_string(), pa.large_binary())
# The Spark type of 8-bit floats is that of their bits, and so is NumPy's.
_FLOAT8 = (
    "float8_e5m2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e4m3b11fnuz",
    "float8_e5m2fnuz",
)

ELEMENTS = {
    "float32": Element("float32", pa.float32()),
    "float64": Element("float64", pa.float64()),
    "int8": Element("int8", pa.int8()),
    "int16": Element("int16", pa.int16()),
    "int32": Element("int32", pa.int32()),
    "int64": Element("int64", pa.int64()),
    "bool": Element("bool", pa.uint8(), (pa.bool_(),), _objects),
    "float16": Element("float16", pa.float16(), (pa.float32(),), _halves),
    "bfloat16": Element("bfloat16", pa.uint16(), (pa.float32(),), _brain_halves),
    "uint8": Element("uint8", *_UINT8),
    "uint16": Element("uint16", *_UINT16),
    "uint32": Element("uint32", pa.uint32(), (pa.int64(),), _integers(np.uint32)),
    "uint64": Element("uint64", pa.uint64(), (UINT64_TYPE,), _decimals),
    "complex64": Element(
        "complex64", pa.binary(8), (_struct(pa.float32()),), _complex(np.complex64)
    ),
    "complex128": Element(
        "complex128", pa.binary(16), (_struct(pa.float64()),), _complex(np.complex128)
    ),
    "qint8": Element("int8", pa.int8()),
    "quint8": Element("uint8", *_UINT8),
    "qint16": Element("int16", pa.int16()),
    "quint16": Element("uint16", *_UINT16),
    "qint32": Element("int32", pa.int32()),
    **{name: Element("uint8", *_UINT8) for name in _FLOAT8},
    "int4": Element("int8", pa.int8()),
    "uint4": Element("uint8", pa.int8()),
    "str": Element("object", None, _TEXTS, _objects),
}

# Of dtypes that have no integer of their own size.
_LIMITS = {"int4": (-8, 7), "uint4": (0, 15)}

# Dtypes whose bytes in a tensor are not NumPy's.
UNCHANGEABLE = ("str", "int4", "uint4")

# NumPy's names of dtypes that Spark has to widen, and the type that each becomes there.
WIDENINGS = {
    "uint8": pa.int16(),
    "uint16": pa.int32(),
    "uint32": pa.int64(),
    "uint64": UINT64_TYPE,
    "float16": pa.float32(),
    "bfloat16": pa.float32(),
    "complex64": _struct(pa.float32()),
    "complex128": _struct(pa.float64()),
}
