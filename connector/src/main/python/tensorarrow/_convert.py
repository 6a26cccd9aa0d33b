"""Conversions between the elements of tensors and the wider types of Spark: exact, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tensorarrow._errors import TensorArrowError

Array = npt.NDArray[Any]

# Spark has no unsigned numbers of 64 bits.
UINT64_TYPE = pa.decimal128(20, 0)


def complex_type(part: pa.DataType) -> pa.DataType:
    """Returns the Arrow type that complex numbers have in Spark's rows."""
    return pa.struct([pa.field("re", part, nullable=False), pa.field("im", part, nullable=False)])


def native_array(values: pa.Array) -> Array:
    """Returns native elements, whose bytes are the tensor's, as an array over the same memory."""
    if not pa.types.is_fixed_size_binary(values.type):
        # Not of pyarrow's tensors: what those give can be made writable, and a write kills.
        array: Array = values.to_numpy(zero_copy_only=True)
        return array
    width = values.type.byte_width
    if not len(values):
        return np.empty(0, f"V{width}")
    buffer = values.buffers()[1].slice(values.offset * width, len(values) * width)
    return np.frombuffer(buffer, f"V{width}")


def widen(array: Array, arrow_type: pa.DataType) -> pa.Array:
    """Returns a one-dimensional array as Spark has its dtype: exactly, never rounded.

    Args:
        array: values of a dtype that has this type in Spark, see ``_dtypes.WIDENED``.
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
        return pa.array(widen_bfloat16(array.view(np.uint16)))
    if array.dtype == np.float16:
        return pa.array(_widen_float16(array))
    return pa.array(array.astype(arrow_type.to_pandas_dtype(), copy=False), arrow_type)


def refuse_others(values: pa.Array) -> Array | None:
    """Narrows nothing: of elements that Spark has as they are."""
    raise TensorArrowError(
        "TA_TENSOR_TYPE",
        f"Cannot narrow values: found the Arrow type {values.type}; expected native elements",
    )


def to_integers(dtype: type[np.generic]) -> Callable[[pa.Array], Array | None]:
    """Returns what narrows integers to a dtype; None for values that it can't hold."""
    limits = np.iinfo(np.dtype(dtype))

    def narrow(values: pa.Array) -> Array | None:
        widened = values.to_numpy(zero_copy_only=True)
        fits = not widened.size or (limits.min <= widened.min() and widened.max() <= limits.max)
        array: Array | None = widened.astype(dtype) if fits else None
        return array

    return narrow


def to_uint64(values: pa.Array) -> Array | None:
    """Takes the lower of the two words of each decimal of 128 bits."""
    if not len(values):
        return np.empty(0, np.uint64)
    buffer = values.buffers()[1].slice(16 * values.offset, 16 * len(values))
    words = np.frombuffer(buffer, np.uint64).reshape(-1, 2)
    return None if words[:, 1].any() else words[:, 0].copy()


def to_float16(values: pa.Array) -> Array | None:
    """Narrows floats; None if one is no float16."""
    widened = values.to_numpy(zero_copy_only=True)
    bits = widened.view(np.uint32)
    with np.errstate(all="ignore"):
        narrowed: Array = widened.astype(np.float16)
    # Of a NaN the payload counts, which conversions by hardware change.
    nan = np.isnan(widened)
    payload = (bits[nan] >> np.uint32(13)) & np.uint32(0x3FF)
    sign = (bits[nan] >> np.uint32(16)) & np.uint32(0x8000)
    narrowed.view(np.uint16)[nan] = (sign | np.uint32(0x7C00) | payload).astype(np.uint16)
    exact = bool((_widen_float16(narrowed).view(np.uint32) == bits).all())
    return narrowed if exact else None


def to_bfloat16(values: pa.Array) -> Array | None:
    """Takes the upper half of each float, which is a bfloat16; None if the lower half has bits."""
    bits = values.to_numpy(zero_copy_only=True).view(np.uint32)
    array: Array = (bits >> np.uint32(16)).astype(np.uint16)
    return None if (bits & np.uint32(0xFFFF)).any() else array


def to_complex(dtype: type[np.generic]) -> Callable[[pa.Array], Array | None]:
    """Returns what puts real and imaginary parts together."""

    def narrow(values: pa.Array) -> Array | None:
        array: Array = np.empty(len(values), dtype)
        array.real = values.field(0).to_numpy(zero_copy_only=True)
        array.imag = values.field(1).to_numpy(zero_copy_only=True)
        return array

    return narrow


def to_objects(values: pa.Array) -> Array | None:
    """Returns values as pyarrow gives them: booleans, or objects."""
    array: Array = values.to_numpy(zero_copy_only=False)
    return array


def _widen_float16(array: Array) -> Array:
    widened = array.astype(np.float32)
    nan = np.isnan(array)
    bits = array.view(np.uint16)[nan].astype(np.uint32)
    sign = (bits & np.uint32(0x8000)) << np.uint32(16)
    payload = (bits & np.uint32(0x3FF)) << np.uint32(13)
    widened.view(np.uint32)[nan] = sign | np.uint32(0x7F800000) | payload
    return widened


def widen_bfloat16(bits: Array) -> Array:
    """Makes each the upper half of a float."""
    widened: Array = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return widened
