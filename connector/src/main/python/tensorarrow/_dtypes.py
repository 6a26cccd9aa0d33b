"""The dtypes that can be viewed, and how each travels in Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tensorarrow._errors import TensorArrowError
from tensorarrow._spec import TensorSpec

# On the wire these are the same bytes as in NumPy.
SAME_BYTES = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
}


def wire_type(spec: TensorSpec) -> pa.DataType:
    """Returns the Arrow type of a tensor's elements."""
    if spec.dtype == "bfloat16":
        return pa.uint16()
    if spec.dtype in SAME_BYTES:
        return SAME_BYTES[spec.dtype]
    raise TensorArrowError(
        "TA_TENSOR_UNSUPPORTED",
        f"Cannot view column '{spec.column}': found dtype {spec.dtype};"
        f" expected one of {', '.join(SAME_BYTES)}, bfloat16",
    )


def numpy_dtype(spec: TensorSpec, raw: bool) -> np.dtype[Any]:
    """Returns the dtype of a tensor's array.

    Args:
        spec: the tensor.
        raw: whether a dtype that NumPy lacks is seen as the unsigned integer of the same bits.

    Raises:
        TensorArrowError: TA_TENSOR_UNSUPPORTED for bfloat16, if ml_dtypes can't be imported.
    """
    if spec.dtype != "bfloat16":
        return np.dtype(spec.dtype)
    if raw:
        return np.dtype(np.uint16)
    try:
        import ml_dtypes
    except ImportError as missing:
        raise TensorArrowError(
            "TA_TENSOR_UNSUPPORTED",
            f"Cannot view column '{spec.column}': found dtype bfloat16, which NumPy lacks, and no"
            " package ml_dtypes; expected it on driver and executors (pip install ml_dtypes), or"
            " raw=True for the bits as uint16",
        ) from missing
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype
