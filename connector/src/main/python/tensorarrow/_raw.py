"""Tensors whose dtype Spark lacks.

They arrive with their own bytes, and are widened for those who expect Spark's types.
"""

from __future__ import annotations

import weakref

import pyarrow as pa

from tensorarrow._dtypes import ELEMENTS
from tensorarrow._spec import RAW_KEY, spec_of_field

# By the id of a widened batch, the batch that it was made of.
_own: dict[int, tuple[weakref.ref[pa.RecordBatch], pa.RecordBatch]] = {}


class Widening:
    """What the JVM says of the batches of a stream, and both forms of their schema.

    Args:
        schema: the fields as Spark has them; those marked with ``tensorarrow.raw`` arrive with the
            elements of their tensor.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._marked = [RAW_KEY.encode() in (field.metadata or {}) for field in schema]
        unmarked = [_unmarked(field) for field in schema]
        self.wide = pa.schema(unmarked)
        self.own = pa.schema(
            [
                _own_field(field) if marked else field
                for field, marked in zip(unmarked, self._marked)
            ]
        )

    def widened(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Returns a batch of the types that Spark has; ``own_column`` finds what it was made of."""
        if not any(self._marked):
            return batch
        columns = [
            _widened(column, field) if marked else column
            for column, field, marked in zip(batch.columns, self.wide, self._marked)
        ]
        wide = pa.RecordBatch.from_arrays(columns, schema=self.wide)
        key = id(wide)
        _own[key] = (weakref.ref(wide, lambda _: _own.pop(key, None)), batch)
        return wide


def own_column(batch: pa.RecordBatch, index: int) -> pa.Array:
    """Returns a column of a batch: with its tensor's own elements, if the batch came with them."""
    found = _own.get(id(batch))
    return (found[1] if found else batch).column(index)


def _unmarked(field: pa.Field) -> pa.Field:
    metadata = dict(field.metadata or {})
    metadata.pop(RAW_KEY.encode(), None)
    return field.with_metadata(metadata or None)


def _own_field(field: pa.Field) -> pa.Field:
    spec = spec_of_field(field)
    assert spec is not None, field
    return field.with_type(_with_elements(field.type, len(spec.shape), ELEMENTS[spec.dtype].own))


def _with_elements(kind: pa.DataType, dims: int, element: pa.DataType) -> pa.DataType:
    """Returns the type of a tensor's column with another type of elements."""
    if dims == 0:
        return element
    if pa.types.is_struct(kind):
        data = kind.field(0)
        return pa.struct([data.with_type(_with_elements(data.type, dims, element)), kind.field(1)])
    return pa.list_(kind.value_field.with_type(element))


def _widened(column: pa.Array, field: pa.Field) -> pa.Array:
    spec = spec_of_field(field)
    assert spec is not None, field
    element = ELEMENTS[spec.dtype]
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
