"""Tensors whose dtype Spark lacks.

They arrive with native elements, and are widened for functions that expect Spark's types.
"""

from __future__ import annotations

import weakref

import pyarrow as pa

from tensorarrow._dtypes import element_of
from tensorarrow._errors import protocol_error
from tensorarrow._spec import NATIVE_KEY, TensorSpec, spec_of_field

# The batches of native elements, by the ids of the widened batches that were made of them.
_native_batches: dict[int, tuple[weakref.ref[pa.RecordBatch], pa.RecordBatch]] = {}


class NativeElements:
    """Both schemas of a stream's batches: with native elements, and with Spark's types.

    Args:
        schema: the fields as Spark has them; those marked with ``tensorarrow.raw`` arrive with the
            elements of their tensor.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._marked = [NATIVE_KEY.encode() in (field.metadata or {}) for field in schema]
        unmarked = [_unmarked(field) for field in schema]
        self.widened_schema = pa.schema(unmarked)
        self.native_schema = pa.schema(
            [
                _native_field(field) if marked else field
                for field, marked in zip(unmarked, self._marked)
            ]
        )

    def widened(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns a batch of Spark's types; ``native_column`` finds what it was made of."""
        if not any(self._marked):
            return batch
        columns = [
            _widened(column, field) if marked else column
            for column, field, marked in zip(batch.columns, self.widened_schema, self._marked)
        ]
        widened = pa.RecordBatch.from_arrays(columns, schema=self.widened_schema)
        key = id(widened)
        reference = weakref.ref(widened, lambda _: _native_batches.pop(key, None))
        _native_batches[key] = (reference, batch)
        return widened


def native_column(batch: pa.RecordBatch, index: int) -> pa.Array:
    """Returns a column of a batch: with native elements, if the batch came with them."""
    entry = _native_batches.get(id(batch))
    return (entry[1] if entry else batch).column(index)


def _unmarked(field: pa.Field) -> pa.Field:
    metadata = dict(field.metadata or {})
    metadata.pop(NATIVE_KEY.encode(), None)
    return field.with_metadata(metadata or None)


def _spec(field: pa.Field) -> TensorSpec:
    spec = spec_of_field(field)
    if spec is None:
        raise protocol_error(f"field '{field.name}' with native elements", "a tensor's metadata")
    return spec


def _native_field(field: pa.Field) -> pa.Field:
    spec = _spec(field)
    native = element_of(spec).native
    return field.with_type(_with_elements(field.type, len(spec.shape), native))


def _with_elements(kind: pa.DataType, dims: int, element: pa.DataType) -> pa.DataType:
    """Returns the type of a tensor's column with another type of elements."""
    if dims == 0:
        return element
    if pa.types.is_struct(kind):
        data = kind.field(0)
        return pa.struct([data.with_type(_with_elements(data.type, dims, element)), kind.field(1)])
    return pa.list_(kind.value_field.with_type(element))


def _widened(column: pa.Array, field: pa.Field) -> pa.Array:
    spec = _spec(field)
    element = element_of(spec)
    if not spec.shape:
        return element.widen(column, field.type)
    if not pa.types.is_struct(field.type):
        return _lists(column, field.type, element.widen(column.values, field.type.value_type))
    data = field.type.field(0).type
    values = column.field(0).values
    parts = [_lists(column.field(0), data, element.widen(values, data.value_type)), column.field(1)]
    return pa.StructArray.from_arrays(parts, fields=list(field.type))


def _lists(lists: pa.Array, kind: pa.DataType, values: pa.Array) -> pa.Array:
    """Returns the same lists with other values."""
    offsets = lists.buffers()[1]
    return pa.Array.from_buffers(kind, len(lists), [None, offsets], 0, children=[values])
