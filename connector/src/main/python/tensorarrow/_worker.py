"""What runs in a worker before the user's function: it takes batches out of their envelopes.

The other side is the JVM's package ``io.tensorarrow.spark.python``, whose description specifies
the protocol.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from tensorarrow._errors import TensorArrowError

COLUMN = "tensorarrow/1"

_KIND_SCHEMA, _KIND_HANDLE, _KIND_INLINE = 1, 2, 3
_SCHEMA_AT = 8
_INLINE_AT = 64

# kind, pid, descriptor, segment, generation, -, size, offset, length, nonce
_HANDLE = struct.Struct("<iiiiiiqqqq")

_HEADER_BYTES = 4096
_MAGIC = 0x31534154
_AT_NONCE = 8
# Words of 4 bytes in the header.
_WORD_MAGIC, _WORD_GENERATION, _WORD_RELEASED, _WORD_SEEN, _WORD_DEAD = 0, 1, 16, 32, 48


class _Segment:
    """A segment that the JVM shares: its header to read and write, the rest to read."""

    def __init__(self, pid: int, descriptor: int, size: int, nonce: int) -> None:
        path = f"/proc/{pid}/fd/{descriptor}"
        try:
            opened = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as fault:
            raise _stale(f"{fault} at {path}", "the segment of the handle") from fault
        try:
            found = os.fstat(opened).st_size
            if found != size:
                raise _stale(f"{found} bytes at {path}", f"{size} bytes")
            header = mmap.mmap(opened, _HEADER_BYTES)
            self._body = mmap.mmap(opened, size, prot=mmap.PROT_READ)
        finally:
            os.close(opened)
        self.size = size
        self.words = memoryview(header).cast("I")
        (found_nonce,) = struct.unpack_from("<q", header, _AT_NONCE)
        if self.words[_WORD_MAGIC] != _MAGIC or found_nonce != nonce:
            raise _stale(f"another file at {path}", "the segment of the handle")
        self.address: int = np.frombuffer(self._body, np.uint8).ctypes.data

    @property
    def is_dead(self) -> bool:
        """Whether the JVM will not use the segment again."""
        return self.words[_WORD_DEAD] != 0


class _Lease:
    """What all views of a batch keep alive; the segment goes back to the JVM when they are gone."""

    __slots__ = ("__weakref__", "_fence", "_generation", "_pid", "_segment", "pinned")

    def __init__(self, segment: _Segment, generation: int) -> None:
        self._segment = segment
        self._generation = generation
        self._pid = os.getpid()
        self.pinned = False
        # Its own: the garbage collector may run while others are held.
        self._fence = threading.Lock()
        self._fence.acquire()
        _leases.add(self)

    def __del__(self) -> None:
        if not self.pinned and self._pid == os.getpid():
            # What was read of the batch is read before the word is written, on processors without
            # such an order, too: a release followed by an acquire lets no write pass a read.
            self._fence.release()
            self._fence.acquire()
            self._segment.words[_WORD_RELEASED] = self._generation


_segments: dict[tuple[int, int, int], _Segment] = {}
_leases: weakref.WeakSet[_Lease] = weakref.WeakSet()


def _pin_all() -> None:
    """Keeps all leases for good: a forked child goes on to see the pages."""
    for lease in list(_leases):
        lease.pinned = True


os.register_at_fork(before=_pin_all)


def batches(envelopes: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Takes batches out of the envelopes that a JVM sent.

    A batch in shared memory is read-only; its pages stay as they are for as long as anything
    refers to it.
    """
    return _opened(batch.column(0)[0].as_buffer() for batch in envelopes)


def frames(time_zone: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Returns a function that does it for ``mapInPandas``.

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
        opened = _opened(pa.py_buffer(frame.iloc[0, 0]) for frame in envelopes)
        for batch in opened:
            columns = pa.StructArray.from_arrays(batch.columns, fields=list(batch.schema))
            yield serializer.arrow_to_pandas(pa.chunked_array([columns]))

    return attach


def _opened(envelopes: Iterable[pa.Buffer]) -> Iterator[pa.RecordBatch]:
    for key in [key for key, segment in _segments.items() if segment.is_dead]:
        del _segments[key]
    schema: pa.Schema | None = None
    seen: Callable[[], None] | None = None
    try:
        for envelope in envelopes:
            if seen:
                seen()
                seen = None
            kind = _kind(envelope)
            if kind == _KIND_SCHEMA:
                schema = pa.ipc.read_schema(envelope.slice(_SCHEMA_AT))
                continue
            if kind == _KIND_HANDLE:
                message, seen = _shared(envelope)
            elif kind == _KIND_INLINE:
                message = envelope.slice(_INLINE_AT)
            else:
                raise _stale(f"an envelope of kind {kind}", "kind 1, 2 or 3")
            if schema is None:
                raise _stale("a batch", "the schema before it")
            batch = pa.ipc.read_record_batch(message, schema)
            del envelope, message
            yield batch
            del batch
    finally:
        if seen:
            seen()


def _kind(envelope: pa.Buffer) -> int:
    """Returns the kind of an envelope that is long enough for it."""
    if envelope.size < 4:
        raise _stale(f"{envelope.size} bytes", "an envelope")
    kind: int = struct.unpack_from("<i", envelope)[0]
    if kind == _KIND_HANDLE and envelope.size != _HANDLE.size:
        raise _stale(f"a handle of {envelope.size} bytes", f"{_HANDLE.size}")
    return kind


def _shared(envelope: pa.Buffer) -> tuple[pa.Buffer, Callable[[], None]]:
    """Returns a batch's message in shared memory, and what tells that the batch was passed on."""
    _, pid, descriptor, number, generation, _, size, offset, length, nonce = _HANDLE.unpack_from(
        envelope
    )
    key = (pid, number, nonce)
    if key not in _segments:
        _segments[key] = _Segment(pid, descriptor, size, nonce)
    segment = _segments[key]
    found = segment.words[_WORD_GENERATION]
    if found != generation:
        raise _stale(f"generation {found} in segment {number}", f"generation {generation}")
    if offset < _HEADER_BYTES or length < 0 or offset + length > segment.size:
        raise _stale(f"{length} bytes at {offset}", f"a batch in the segment's {segment.size}")
    lease = _Lease(segment, generation)
    words = segment.words

    def seen() -> None:
        words[_WORD_SEEN] = generation

    return pa.foreign_buffer(segment.address + offset, length, base=lease), seen


def _stale(found: str, expected: str) -> TensorArrowError:
    return TensorArrowError(
        "TA_HANDOVER",
        f"Cannot take a batch out of shared memory: found {found}; expected {expected}",
    )
