"""Tensor columns as NumPy arrays and as Arrow tensors, over the batch's own memory if possible."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tensorarrow._convert import Array
from tensorarrow._dtypes import element_of, is_bytes
from tensorarrow._errors import TensorArrowError
from tensorarrow._native import native_column
from tensorarrow._spec import (
    UNKNOWN,
    TensorSpec,
    column_index,
    spec_of_column,
    spec_of_field,
    specs_of_schema,
)

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


@overload
def numpy(
    batch: pa.RecordBatch,
    column: str,
    *,
    schema: StructType | None = ...,
    mask: Literal[False] = ...,
    raw: bool = ...,
) -> Array: ...


@overload
def numpy(
    batch: pa.RecordBatch,
    column: str,
    *,
    schema: StructType | None = ...,
    mask: Literal[True],
    raw: bool = ...,
) -> tuple[Array, npt.NDArray[np.bool_]]: ...


def numpy(
    batch: pa.RecordBatch,
    column: str,
    *,
    schema: StructType | None = None,
    mask: bool = False,
    raw: bool = False,
) -> Array | tuple[Array, npt.NDArray[np.bool_]]:
    """Views a tensor column as one array: of the tensor's dtype and shape, rows first.

    Where the batch holds the tensor's bytes, nothing is copied or converted: float32, float64,
    signed integers, and uint8 that came as binary; and, in the batches that TensorArrow hands over
    itself, all numbers and booleans. Where Spark's rows had to widen a dtype, it is converted
    back, bit by bit, into a new array: in the transfer mode ``rows``, and in batches that were made
    of others (slices, selections). Strings become an object array of str, or of bytes if the column
    is binary. Dtypes that NumPy lacks are the integers that hold them: the bits of 8-bit floats
    are uint8, int4 is int8. bfloat16 needs the package ``ml_dtypes``.

    The array is read-only and stays valid for as long as it is referenced, also past its batch;
    ``.copy()`` gives an independent one. A dimension that the model leaves open gets the length
    that all rows of the batch have in common.

    Args:
        batch: a batch as ``DataFrame.mapInArrow`` hands it over.
        column: the name of a column that a model computed.
        schema: the schema of the DataFrame with the model's outputs. It can be left out only if
            the batch itself carries the tensors' metadata.
        mask: whether nulls are allowed. If so, the result is a pair: the array, and a boolean
            array (rows,) that is True where the row is null. Null rows hold zeros or empty
            strings. A column that has nulls is copied for this.
        raw: whether bfloat16 is seen as the uint16 of the same bits.

    Returns:
        The array (rows, *shape), or the pair of array and mask.

    Raises:
        TensorArrowError: if the column is unknown or not known to be a tensor, has nulls, or has
            rows or values that do not fit the tensor, or rows that do not fit each other.
    """
    _check_batch(batch, column)
    spec = spec_of_column(batch, column, schema)
    cells = storage(native_column(batch, column_index(batch, column)))
    return tensor(cells, spec, raw=raw) if not mask else _masked(cells, spec, raw)


def arrow(batch: pa.RecordBatch, *, schema: StructType | None = None) -> pa.RecordBatch:
    """Relabels tensor columns as ``arrow.fixed_shape_tensor``, without a copy.

    Only columns that hold the tensor's bytes, whose shape is fully known, with one dimension
    or more and without nulls, can be of this type. All others stay as they are.

    Args:
        batch: a batch as ``DataFrame.mapInArrow`` hands it over.
        schema: as for ``numpy``.

    Returns:
        A batch with the same columns, over the same memory.

    Raises:
        TensorArrowError: if no column is known to be a tensor, or a tensor's rows do not fit it.
    """
    _check_batch(batch, "*")
    specs = specs_of_schema(schema)
    known = [spec_of_field(field) or specs.get(field.name) for field in batch.schema]
    if not any(known):
        raise TensorArrowError(
            "TA_TENSOR_UNKNOWN",
            "Cannot label the batch's tensors: found no column with tensor metadata; expected the"
            " schema of the DataFrame that has the model's outputs: schema=scored.schema, taken"
            " outside of the function",
        )
    labelled = [
        _labelled(field, cells, spec) if spec else (field, cells)
        for field, cells, spec in zip(batch.schema, batch.columns, known)
    ]
    return pa.RecordBatch.from_arrays(
        [cells for _, cells in labelled],
        schema=pa.schema([field for field, _ in labelled], batch.schema.metadata),
    )


def tensor(cells: pa.Array, spec: TensorSpec, *, raw: bool = False) -> Array:
    """Returns the cells of a tensor column without nulls as one read-only array."""
    values, shape = _values(cells, spec)
    return element_of(spec).array(values, spec, raw).reshape(shape)


def _masked(cells: pa.Array, spec: TensorSpec, raw: bool) -> tuple[Array, npt.NDArray[np.bool_]]:
    nulls = cells.is_null().to_numpy(zero_copy_only=False)
    nulls.flags.writeable = False
    if cells.null_count == 0:
        return tensor(cells, spec, raw=raw), nulls
    values = tensor(cells.drop_null(), spec, raw=raw)
    shape = (len(cells), *values.shape[1:])
    empty = b"" if _holds_bytes(cells.type) else ""
    is_text = values.dtype == object
    array = np.full(shape, empty, object) if is_text else np.zeros(shape, values.dtype)
    array[~nulls] = values
    array.flags.writeable = False
    return array, nulls


def _holds_bytes(kind: pa.DataType) -> bool:
    """Returns whether the strings below a column's type are binary."""
    while kind.num_fields:
        kind = kind.field(0).type
    return is_bytes(kind)


def _labelled(field: pa.Field, cells: pa.Array, spec: TensorSpec) -> tuple[pa.Field, pa.Array]:
    size = math.prod(spec.shape)
    labelled = isinstance(cells, pa.ExtensionArray)
    if labelled or not spec.shape or spec.unknown_dims or size == 0 or cells.null_count:
        return field, cells
    values, _ = _values(cells, spec)
    if values.type != element_of(spec).native:
        return field, cells
    label = pa.fixed_shape_tensor(values.type, spec.shape)
    storage = pa.FixedSizeListArray.from_arrays(_without_offset(values), size)
    return spec.label(field.with_type(label)), pa.ExtensionArray.from_storage(label, storage)


def _without_offset(values: pa.Array) -> pa.Array:
    """Moves an offset of numbers into their buffer: FixedShapeTensorArray overlooks it."""
    if values.offset == 0:
        return values
    width = values.type.bit_width // 8
    buffer = values.buffers()[1].slice(values.offset * width, len(values) * width)
    return pa.Array.from_buffers(values.type, len(values), [None, buffer], null_count=0)


def _values(cells: pa.Array, spec: TensorSpec) -> tuple[pa.Array, tuple[int, ...]]:
    """Returns all elements of a column in one Arrow array, and the shape of its NumPy array."""
    _refuse_nulls(cells, spec, "rows")
    rows = len(cells)
    if not spec.shape:
        _check_type(cells.type, element_of(spec).reads(cells.type), spec, "%s")
        _refuse_null_parts(cells, spec)
        return cells, (rows,)
    if spec.unknown_dims < 2:
        values, offsets = _elements(cells, spec, spec)
        length = _common_length(cells, offsets, spec)
        return values, (rows, *_shape_of_length(length, rows, spec))
    return _shaped_values(cells, spec)


def _shaped_values(cells: pa.Array, spec: TensorSpec) -> tuple[pa.Array, tuple[int, ...]]:
    """Returns the elements and the shape of a column of structs of data and shape."""
    names = [field.name for field in cells.type] if pa.types.is_struct(cells.type) else []
    expected = "struct<data: list<%s>, shape: list<int32>>"
    _check_type(cells.type, names == ["data", "shape"], spec, expected)
    data, shapes = cells.field(0), cells.field(1)
    _refuse_nulls(data, spec, "data")
    _refuse_nulls(shapes, spec, "shapes")
    dims = len(spec.shape)
    of_shape = TensorSpec(spec.column, "int32", (dims,))
    shape_values, shape_offsets = _elements(shapes, of_shape, spec)
    _shape_of_length(_common_length(shapes, shape_offsets, of_shape), len(cells), of_shape)
    values, offsets = _elements(data, spec, spec)

    by_row = shape_values.to_numpy(zero_copy_only=True).reshape(-1, dims)
    if len(by_row) and (by_row != by_row[0]).any():
        low, high = by_row.min(axis=0).tolist(), by_row.max(axis=0).tolist()
        raise _ragged(spec, f"rows of shapes from {tuple(low)} to {tuple(high)}")
    shape = tuple(by_row[0].tolist()) if len(by_row) else tuple(max(d, 0) for d in spec.shape)
    fits = all(known in (UNKNOWN, dim) for known, dim in zip(spec.shape, shape))
    if not fits or _common_length(data, offsets, spec) not in (None, math.prod(shape)):
        raise _misshapen(spec, f"rows of shape {shape} or with elements for another one")
    return values, (len(cells), *shape)


def _elements(
    cells: pa.Array, element: TensorSpec, spec: TensorSpec
) -> tuple[pa.Array, Array | None]:
    """Returns the elements of lists or of bytes, of which none is null, over the same memory.

    Returns:
        the elements, and where each list begins among all that the column has, and the last ends;
        None for lists of a fixed size.
    """
    kind = cells.type
    if element.dtype == "uint8" and is_bytes(kind):
        offsets = _offsets(cells)
        return _bytes_of_rows(cells, offsets), offsets
    is_list = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    fits = is_list and element_of(element).reads(kind.value_type)
    _check_type(kind, fits, element, "list<%s>")
    if pa.types.is_fixed_size_list(kind):
        # Unlike values, flatten() honours the offsets of slices; without nulls it makes a slice.
        values, bounds = cells.flatten(), None
    else:
        # Not flatten(), which takes several times as long for the same result.
        bounds = _offsets(cells)
        values = cells.values.slice(int(bounds[0]), int(bounds[-1] - bounds[0]))
    _refuse_nulls(values, spec, "elements")
    _refuse_null_parts(values, spec)
    return values, bounds


def _bytes_of_rows(cells: pa.Array, offsets: Array) -> pa.Array:
    """Returns the bytes of binary cells in one array, over the same memory."""
    begin, size = int(offsets[0]), int(offsets[-1] - offsets[0])
    if size == 0:
        return pa.array([], pa.uint8())
    buffer = cells.buffers()[2].slice(begin, size)
    return pa.Array.from_buffers(pa.uint8(), size, [None, buffer], null_count=0)


def _offsets(cells: pa.Array) -> Array:
    """Returns where each list or binary value begins, and where the last ends."""
    if len(cells) == 0:
        return np.zeros(1, np.int32)
    large = pa.types.is_large_binary(cells.type) or pa.types.is_large_list(cells.type)
    # pyarrow's way to an array's offsets takes several times as long.
    offsets = np.frombuffer(cells.buffers()[1], np.int64 if large else np.int32)
    return offsets[cells.offset : cells.offset + len(cells) + 1]


def _common_length(cells: pa.Array, offsets: Array | None, spec: TensorSpec) -> int | None:
    """Returns the length that all lists have; None if there are no lists."""
    if len(cells) == 0:
        return None
    if offsets is None:
        size: int = cells.type.list_size
        return size
    lengths = offsets[1:] - offsets[:-1]
    length = int(lengths[0])
    if np.count_nonzero(lengths != length):
        raise _ragged(spec, f"rows of {lengths.min()} to {lengths.max()} elements")
    return length


def _shape_of_length(length: int | None, rows: int, spec: TensorSpec) -> tuple[int, ...]:
    """Fits the length of the rows to the tensor's shape, of which one dimension may be open."""
    known = math.prod(dim for dim in spec.shape if dim != UNKNOWN)
    if length is None:
        return tuple(0 if dim == UNKNOWN else dim for dim in spec.shape)
    if not spec.unknown_dims:
        if length != known:
            raise _misshapen(spec, f"rows of {length} elements")
        return spec.shape
    if (length % known if known else length) != 0:
        raise _misshapen(spec, f"rows of {length} elements")
    return tuple((length // known if known else 0) if d == UNKNOWN else d for d in spec.shape)


def storage(cells: pa.Array) -> pa.Array:
    return cells.storage if isinstance(cells, pa.ExtensionArray) else cells


def _check_batch(batch: object, column: str) -> None:
    if not isinstance(batch, pa.RecordBatch):
        raise TensorArrowError(
            "TA_UNSUPPORTED",
            f"Cannot view column '{column}': found a {type(batch).__module__}."
            f"{type(batch).__name__}; expected a pyarrow.RecordBatch, as mapInArrow gives it",
        )


def _check_type(actual: pa.DataType, fits: bool, spec: TensorSpec, expected: str) -> None:
    if not fits:
        raise TensorArrowError(
            "TA_TENSOR_TYPE",
            f"Cannot view column '{spec.column}': found the Arrow type {actual}; expected"
            f" {expected % element_of(spec).arrow_types} for a {spec.dtype} tensor of shape"
            f" {spec.shape} per row",
        )


def _refuse_nulls(cells: pa.Array, spec: TensorSpec, what: str) -> None:
    if cells.null_count == 0:
        return
    fix = (
        "numpy(batch, column, mask=True), which also returns where they are, or rows filtered out"
        if what == "rows"
        else "rows without them: an array has no place for a null element"
    )
    raise TensorArrowError(
        "TA_TENSOR_NULL",
        f"Cannot view column '{spec.column}': found {cells.null_count} null {what}; expected {fix}",
    )


def _refuse_null_parts(values: pa.Array, spec: TensorSpec) -> None:
    """Refuses complex numbers of which a part is null."""
    if pa.types.is_struct(values.type):
        for index in range(values.type.num_fields):
            _refuse_nulls(values.field(index), spec, "elements")


def _ragged(spec: TensorSpec, found: str) -> TensorArrowError:
    return TensorArrowError(
        "TA_TENSOR_RAGGED",
        f"Cannot view column '{spec.column}' as one array: found {found}; expected all rows of a"
        " batch alike: take them one by one (batch.slice(i, 1)), group them by shape before, or"
        " pad the model's input",
    )


def _misshapen(spec: TensorSpec, found: str) -> TensorArrowError:
    return TensorArrowError(
        "TA_TENSOR_SHAPE",
        f"Cannot view column '{spec.column}': found {found}; expected the shape {spec.shape} that"
        " its tensor has per row (-1: any): was the column changed after the model?",
    )
