"""What runs in a worker before the user's function: it takes batches out of their envelopes.

The other side is the JVM's package ``io.tensorarrow.spark.python.worker``, whose description
specifies the protocol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tensorarrow._archive import cache_zip_directories
from tensorarrow._dtypes import element_of
from tensorarrow._envelopes import (
    COLUMN_NAME,
    INLINE_OFFSET,
    KIND_HANDLE,
    KIND_IN_PLACE,
    KIND_INLINE,
    KIND_SCHEMA,
    SCHEMA_OFFSET,
    SegmentHandle,
    kind_of,
    shape_of,
)
from tensorarrow._errors import protocol_error
from tensorarrow._native import NativeElements
from tensorarrow._segments import InPlaceTensor, Memory, forget_dead
from tensorarrow._spec import spec_of_field


@dataclass(frozen=True)
class TensorBatch:
    """A batch with native elements.

    Attributes:
        batch: the columns that are not in ``in_place``.
        in_place: the tensors that may be changed in place, by the names of their columns.
    """

    batch: pa.RecordBatch
    in_place: dict[str, InPlaceTensor]


def batches(envelopes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Takes batches out of the envelopes that a JVM sent.

    A batch in shared memory is read-only; its pages stay as they are for as long as anything
    refers to it. Columns have the types that they have in Spark's own batches.
    """
    opener = _Opener()
    for batch in opener.open(_messages(envelopes)):
        widened = opener.widened(batch)
        del batch
        yield widened
        del widened


def tensors(envelopes: Iterable[pa.RecordBatch]) -> Iterator[TensorBatch]:
    """Takes batches out of envelopes for ``map_tensors``, which reads native elements itself."""
    return _Opener().open(_messages(envelopes))


def _messages(envelopes: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer]:
    for batch in envelopes:
        _check_protocol(batch.schema.names)
        yield batch.column(0)[0].as_buffer()


def _check_protocol(names: list[str]) -> None:
    """Refuses envelopes of another version, as a module of another version than the jar's gets."""
    if names != [COLUMN_NAME]:
        raise protocol_error(f"columns {names}", f"'{COLUMN_NAME}': a module of the jar's version")


def pandas_batches(time_zone: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Returns a function that takes batches out of envelopes for ``mapInPandas``.

    Args:
        time_zone: the session's, which pandas timestamps are in.
    """
    from pyspark.sql.pandas import serializers

    serializer_class: Any = serializers.ArrowStreamPandasUDFSerializer
    serializer = serializer_class(
        time_zone,
        safecheck=True,
        assign_cols_by_name=True,
        df_for_struct=True,
        struct_in_pandas="dict",
        ndarray_as_list=False,
        arrow_cast=False,
    )

    def open_batches(envelopes: Iterable[Any]) -> Iterator[Any]:
        opener = _Opener()
        for batch in opener.open(_buffers(envelopes)):
            widened = opener.widened(batch)
            del batch
            columns = pa.StructArray.from_arrays(widened.columns, fields=list(widened.schema))
            yield serializer.arrow_to_pandas(pa.chunked_array([columns]))
            del widened, columns

    return open_batches


def _buffers(envelopes: Iterable[Any]) -> Iterator[pa.Buffer]:
    for pandas_batch in envelopes:
        _check_protocol(list(pandas_batch.columns))
        yield pa.py_buffer(pandas_batch.iloc[0, 0])


class _Opener:
    """Opens the envelopes of one task."""

    def __init__(self) -> None:
        self._native: NativeElements | None = None
        # Tensors of the next batch, by the ordinals of their columns.
        self._in_place: dict[int, InPlaceTensor] = {}
        self._unseen: list[Callable[[], None]] = []

    def open(self, envelopes: Iterable[pa.Buffer]) -> Iterator[TensorBatch]:
        cache_zip_directories()
        forget_dead()
        try:
            for envelope in envelopes:
                kind = kind_of(envelope)
                if kind == KIND_SCHEMA:
                    self._native = NativeElements(pa.ipc.read_schema(envelope.slice(SCHEMA_OFFSET)))
                elif kind == KIND_IN_PLACE:
                    self._add_in_place(envelope)
                elif kind in (KIND_HANDLE, KIND_INLINE):
                    # Nothing here may refer to a batch after it was passed on.
                    yield self._batch(kind, envelope)
                    self._mark_seen()
                else:
                    raise protocol_error(f"an envelope of kind {kind}", "kind 1, 2, 3 or 4")
                del envelope
        finally:
            self._mark_seen()

    def widened(self, batch: TensorBatch) -> pa.RecordBatch:
        """Returns a batch with the types of Spark."""
        return self._schemas().widened(batch.batch)

    def _schemas(self) -> NativeElements:
        if self._native is None:
            raise protocol_error("a batch", "the schema before it")
        return self._native

    def _add_in_place(self, envelope: pa.Buffer) -> None:
        handle = SegmentHandle.parse(envelope)
        memory = Memory(handle)
        self._unseen.append(memory.mark_seen)
        ordinal = handle.ordinal
        schema = self._schemas().native_schema
        spec = spec_of_field(schema.field(ordinal)) if 0 <= ordinal < len(schema) else None
        if spec is None:
            raise protocol_error(f"column {ordinal}", "a tensor")
        shape = shape_of(envelope)
        itemsize = element_of(spec).dtype(f"column {ordinal}", raw=True).itemsize
        if min(shape, default=-1) < 0 or math.prod(shape) * itemsize != memory.length:
            raise protocol_error(
                f"a shape {shape} of {memory.length} bytes", f"{spec.dtype} of that shape"
            )
        self._in_place[ordinal] = InPlaceTensor(memory, spec, shape)

    def _batch(self, kind: int, envelope: pa.Buffer) -> TensorBatch:
        if kind == KIND_HANDLE:
            memory = Memory(SegmentHandle.parse(envelope))
            self._unseen.append(memory.mark_seen)
            message = memory.buffer()
        else:
            message = envelope.slice(INLINE_OFFSET)
        schema = self._schemas().native_schema
        if not self._in_place:
            return TensorBatch(pa.ipc.read_record_batch(message, schema), {})
        in_place, self._in_place = self._in_place, {}
        fields = list(schema)
        schema_of_others = pa.schema([field for i, field in enumerate(fields) if i not in in_place])
        by_name = {fields[i].name: tensor for i, tensor in in_place.items()}
        return TensorBatch(pa.ipc.read_record_batch(message, schema_of_others), by_name)

    def _mark_seen(self) -> None:
        for mark_seen in self._unseen:
            mark_seen()
        self._unseen.clear()
