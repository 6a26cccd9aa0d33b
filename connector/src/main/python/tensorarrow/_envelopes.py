"""The bytes of envelopes, version 1, and of replies.

The other side is the JVM's class ``Envelopes`` in ``io.tensorarrow.spark.python.worker``, whose
package description explains the protocol. Both sides are tested against the same bytes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import pyarrow as pa

from tensorarrow._errors import protocol_error

COLUMN_NAME = "tensorarrow/1"

KIND_SCHEMA, KIND_HANDLE, KIND_INLINE, KIND_IN_PLACE = 1, 2, 3, 4
SCHEMA_OFFSET = 8
INLINE_OFFSET = 64

# kind, pid, descriptor, segment, generation, ordinal, size, offset, length, nonce
_HANDLE = struct.Struct("<iiiiiiqqqq")
# rows, columns, leases that are not returned, 0, copied bytes
_REPLY_HEADER = struct.Struct("<iiiiq")
# segment and generation, or -1 and 0; offset and length in the data
_REPLY_COLUMN = struct.Struct("<iiqq")
# segment and generation
_REPLY_LEASE = struct.Struct("<ii")
_DIM_BYTES = 8


class LeaseId(NamedTuple):
    """How a reply names a lease."""

    segment: int
    generation: int


class SegmentHandle(NamedTuple):
    """What is needed to open a batch, or a tensor, in a segment.

    Attributes:
        pid: the JVM's process, which has the segment's file open.
        descriptor: the file's descriptor there.
        segment: the segment's number in that process.
        generation: the lease's generation.
        ordinal: the tensor's column; 0 for a batch.
        size: the segment's size in bytes.
        offset: where in the segment the batch begins.
        length: how many bytes the batch has.
        nonce: the segment's random number.
    """

    pid: int
    descriptor: int
    segment: int
    generation: int
    ordinal: int
    size: int
    offset: int
    length: int
    nonce: int

    @classmethod
    def parse(cls, envelope: pa.Buffer) -> SegmentHandle:
        """Reads the handle of an envelope whose kind was checked by ``kind_of``."""
        _, *fields = _HANDLE.unpack_from(envelope)
        return cls(*fields)


class ReplyColumn(NamedTuple):
    """Where a column of a reply is.

    Attributes:
        lease: the lease of the tensor that it is; None if it is in the reply's data.
        offset: where in the data its Arrow stream begins.
        length: how many bytes the stream has.
    """

    lease: LeaseId | None
    offset: int = 0
    length: int = 0


class ReplyHeader(NamedTuple):
    """The header of a reply of a function that changes tensors in place.

    Attributes:
        rows: the number of rows that the function returned.
        copied_bytes: how many bytes were copied because views of tensors were kept.
        columns: the declared columns, in order.
        not_returned: the leases of tensors that are not among the columns.
    """

    rows: int
    copied_bytes: int
    columns: list[ReplyColumn]
    not_returned: list[LeaseId]

    def pack(self) -> bytes:
        counts = (self.rows, len(self.columns), len(self.not_returned))
        parts = [_REPLY_HEADER.pack(*counts, 0, self.copied_bytes)]
        for lease, offset, length in self.columns:
            parts.append(_REPLY_COLUMN.pack(*(lease or (-1, 0)), offset, length))
        parts += [_REPLY_LEASE.pack(*lease) for lease in self.not_returned]
        return b"".join(parts)


def kind_of(envelope: pa.Buffer) -> int:
    """Returns the kind of an envelope, which is long enough for what such a one has."""
    if envelope.size < 4:
        raise protocol_error(f"{envelope.size} bytes", "an envelope")
    kind: int = struct.unpack_from("<i", envelope)[0]
    if (kind == KIND_HANDLE and envelope.size != _HANDLE.size) or (
        kind == KIND_IN_PLACE and envelope.size < _HANDLE.size
    ):
        raise protocol_error(f"a handle of {envelope.size} bytes", f"{_HANDLE.size}")
    return kind


def shape_of(envelope: pa.Buffer) -> tuple[int, ...]:
    """Returns the shape, rows first, of the tensor of an envelope of kind ``KIND_IN_PLACE``."""
    dims = (envelope.size - _HANDLE.size) // _DIM_BYTES
    return struct.unpack_from(f"<{dims}q", envelope, _HANDLE.size)
