"""What runs in a worker before the user's function: it takes batches out of their envelopes.

The other side is the JVM's package ``io.tensorarrow.spark.python``, whose description specifies
the protocol.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tensorarrow._archive import cache_zip_directories
from tensorarrow._dtypes import element_of
from tensorarrow._errors import protocol_error
from tensorarrow._native import NativeElements
from tensorarrow._segments import HANDLE, InPlaceTensor, Memory, forget_dead
from tensorarrow._spec import spec_of_field

COLUMN = "tensorarrow/1"

_KIND_SCHEMA, _KIND_HANDLE, _KIND_INLINE, _KIND_IN_PLACE = 1, 2, 3, 4
_SCHEMA_AT = 8
_INLINE_AT = 64


@dataclass(frozen=True)
class TensorBatch:
    """A batch whose tensors are as the model made them.

    Attributes:
        batch: the columns, but for those of ``in_place``.
        in_place: by its column's name, each tensor that may be changed in place.
    """

    batch: pa.RecordBatch
    in_place: dict[str, InPlaceTensor]


def batches(envelopes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Takes batches out of the envelopes that a JVM sent.

    A batch in shared memory is read-only; its pages stay as they are for as long as anything
    refers to it. Columns have the types that they have in Spark's own batches.
    """
    opener = _Opener()
    for opened in opener.opened(_messages(envelopes)):
        widened = opener.widened(opened)
        del opened
        yield widened
        del widened


def tensors(envelopes: Iterable[pa.RecordBatch]) -> Iterator[TensorBatch]:
    """Does the same for ``map_tensors``, which takes tensors as they are."""
    return _Opener().opened(_messages(envelopes))


def _messages(envelopes: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer]:
    for batch in envelopes:
        _check_protocol(batch.schema.names)
        yield batch.column(0)[0].as_buffer()


def _check_protocol(names: list[str]) -> None:
    """Refuses envelopes of another version, as a module of another version than the jar's gets."""
    if names != [COLUMN]:
        raise protocol_error(f"columns {names}", f"'{COLUMN}': a module of the jar's version")


def pandas_batches(time_zone: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Returns a function that does the same for ``mapInPandas``.

    Args:
        time_zone: the session's, which pandas timestamps are in.
    """
    from pyspark.sql.pandas import serializers

    stock: Any = serializers.ArrowStreamPandasUDFSerializer
    serializer = stock(
        time_zone,
        safecheck=True,
        assign_cols_by_name=True,
        df_for_struct=True,
        struct_in_pandas="dict",
        ndarray_as_list=False,
        arrow_cast=False,
    )

    def attach(envelopes: Iterable[Any]) -> Iterator[Any]:
        opener = _Opener()
        for opened in opener.opened(_buffers(envelopes)):
            widened = opener.widened(opened)
            del opened
            columns = pa.StructArray.from_arrays(widened.columns, fields=list(widened.schema))
            yield serializer.arrow_to_pandas(pa.chunked_array([columns]))
            del widened, columns

    return attach


def _buffers(envelopes: Iterable[Any]) -> Iterator[pa.Buffer]:
    for pandas_batch in envelopes:
        _check_protocol(list(pandas_batch.columns))
        yield pa.py_buffer(pandas_batch.iloc[0, 0])


class _Opener:
    """Opens the envelopes of one task."""

    def __init__(self) -> None:
        self._native: NativeElements | None = None
        # By the ordinals of their columns.
        self._in_place: dict[int, InPlaceTensor] = {}
        self._unseen: list[Callable[[], None]] = []

    def opened(self, envelopes: Iterable[pa.Buffer]) -> Iterator[TensorBatch]:
        cache_zip_directories()
        forget_dead()
        try:
            for envelope in envelopes:
                kind = _kind(envelope)
                if kind == _KIND_SCHEMA:
                    self._native = NativeElements(pa.ipc.read_schema(envelope.slice(_SCHEMA_AT)))
                elif kind == _KIND_IN_PLACE:
                    self._add_in_place(envelope)
                elif kind in (_KIND_HANDLE, _KIND_INLINE):
                    # Nothing here may refer to a batch after it was passed on.
                    yield self._batch(kind, envelope)
                    self._mark_seen()
                else:
                    raise protocol_error(f"an envelope of kind {kind}", "kind 1, 2, 3 or 4")
                del envelope
        finally:
            self._mark_seen()

    def widened(self, opened: TensorBatch) -> pa.RecordBatch:
        """Returns a batch of the types that Spark has."""
        return self._schemas().widened(opened.batch)

    def _schemas(self) -> NativeElements:
        if self._native is None:
            raise protocol_error("a batch", "the schema before it")
        return self._native

    def _add_in_place(self, envelope: pa.Buffer) -> None:
        memory = Memory(envelope)
        self._unseen.append(memory.mark_seen)
        ordinal = HANDLE.unpack_from(envelope)[5]
        schema = self._schemas().native_schema
        spec = spec_of_field(schema.field(ordinal)) if 0 <= ordinal < len(schema) else None
        if spec is None:
            raise protocol_error(f"column {ordinal}", "a tensor")
        count = (envelope.size - HANDLE.size) // 8
        shape = struct.unpack_from(f"<{count}q", envelope, HANDLE.size)
        itemsize = element_of(spec).dtype(f"column {ordinal}", raw=True).itemsize
        if min(shape, default=-1) < 0 or math.prod(shape) * itemsize != memory.length:
            raise protocol_error(
                f"a shape {shape} of {memory.length} bytes", f"{spec.dtype} of that shape"
            )
        self._in_place[ordinal] = InPlaceTensor(memory, spec, shape)

    def _batch(self, kind: int, envelope: pa.Buffer) -> TensorBatch:
        if kind == _KIND_HANDLE:
            memory = Memory(envelope)
            self._unseen.append(memory.mark_seen)
            message = memory.buffer()
        else:
            message = envelope.slice(_INLINE_AT)
        schema = self._schemas().native_schema
        if not self._in_place:
            return TensorBatch(pa.ipc.read_record_batch(message, schema), {})
        in_place, self._in_place = self._in_place, {}
        fields = list(schema)
        others = pa.schema([field for i, field in enumerate(fields) if i not in in_place])
        by_name = {fields[i].name: tensor for i, tensor in in_place.items()}
        return TensorBatch(pa.ipc.read_record_batch(message, others), by_name)

    def _mark_seen(self) -> None:
        for mark_seen in self._unseen:
            mark_seen()
        self._unseen.clear()


def _kind(envelope: pa.Buffer) -> int:
    """Returns the kind of an envelope that is long enough for it."""
    if envelope.size < 4:
        raise protocol_error(f"{envelope.size} bytes", "an envelope")
    kind: int = struct.unpack_from("<i", envelope)[0]
    if (kind == _KIND_HANDLE and envelope.size != HANDLE.size) or (
        kind == _KIND_IN_PLACE and envelope.size < HANDLE.size
    ):
        raise protocol_error(f"a handle of {envelope.size} bytes", f"{HANDLE.size}")
    return kind
