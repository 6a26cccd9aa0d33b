"""Memory that the JVM shares with this worker, and the leases that release it.

The other side is the JVM's package ``io.tensorarrow.spark.python.shm``, whose description specifies
the segments.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
import weakref
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from tensorarrow._convert import Array
from tensorarrow._dtypes import element_of
from tensorarrow._envelopes import LeaseId, SegmentHandle
from tensorarrow._errors import TensorArrowError, protocol_error
from tensorarrow._spec import TensorSpec

# The layout of a segment's header, in bytes, as in the JVM's class SegmentLayout.
_HEADER_BYTES = 4096
_MAGIC = 0x31534154
_MAGIC_OFFSET = 0
_GENERATION_OFFSET = 4
_NONCE_OFFSET = 8
_RELEASED_OFFSET = 64
_SEEN_OFFSET = 128
_DEAD_OFFSET = 192
_WORD_BYTES = 4

_libc = ctypes.CDLL(None, use_errno=True)


class _Segment:
    """A segment of the JVM: its header mapped for reading and writing, the rest for reading."""

    def __init__(self, pid: int, descriptor: int, size: int, nonce: int) -> None:
        path = f"/proc/{pid}/fd/{descriptor}"
        try:
            opened = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as cause:
            raise protocol_error(f"{cause} at {path}", "the segment of the handle") from cause
        try:
            actual = os.fstat(opened).st_size
            if actual != size:
                raise protocol_error(f"{actual} bytes at {path}", f"{size} bytes")
            header = mmap.mmap(opened, _HEADER_BYTES)
            self._body = mmap.mmap(opened, size, prot=mmap.PROT_READ)
        finally:
            os.close(opened)
        self.size = size
        self._words = memoryview(header).cast("I")
        (actual_nonce,) = struct.unpack_from("<q", header, _NONCE_OFFSET)
        if self.word(_MAGIC_OFFSET) != _MAGIC or actual_nonce != nonce:
            raise protocol_error(f"another file at {path}", "the segment of the handle")
        self.address: int = np.frombuffer(self._body, np.uint8).ctypes.data

    def word(self, offset: int) -> int:
        """Reads a word of the header."""
        return self._words[offset // _WORD_BYTES]

    def set_word(self, offset: int, value: int) -> None:
        """Writes a word of the header, in one store."""
        self._words[offset // _WORD_BYTES] = value

    @property
    def is_dead(self) -> bool:
        """Whether the JVM will not use the segment again."""
        return self.word(_DEAD_OFFSET) != 0

    def mark_seen(self, generation: int) -> None:
        """Tells the JVM that the batch after this one is asked for."""
        self.set_word(_SEEN_OFFSET, generation)

    def protect(self, protection: int) -> None:
        """Sets the protection of the body; the header is mapped separately."""
        if _libc.mprotect(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size), protection):
            raise OSError(ctypes.get_errno(), "mprotect")


class Lease:
    """Releases a segment when it is deleted: all views of the segment's batch refer to it."""

    __slots__ = (
        "__weakref__",
        "_fence",
        "_generation",
        "_is_writable",
        "_pid",
        "_segment",
        "never_released",
    )

    def __init__(self, segment: _Segment, generation: int) -> None:
        self._segment = segment
        self._generation = generation
        self._is_writable = False
        self._pid = os.getpid()
        self.never_released = False
        # A lock of each lease: the garbage collector may run while other locks are held.
        self._fence = threading.Lock()
        self._fence.acquire()
        _leases.add(self)

    def __del__(self) -> None:
        if self._pid != os.getpid():
            return
        if self.never_released:
            self.mark_seen()
        else:
            self.protect()
            # Everything is read from the batch before the word is written, on processors that
            # reorder these, too: a release followed by an acquire lets no write pass a read.
            self._fence.release()
            self._fence.acquire()
            self._segment.set_word(_RELEASED_OFFSET, self._generation)

    def mark_seen(self) -> None:
        """Tells the JVM that the batch after this one is asked for."""
        self._segment.mark_seen(self._generation)

    def make_writable(self) -> None:
        """Makes the body writable; it holds one tensor only, of which there is no view yet."""
        if not self._is_writable:
            self._segment.protect(mmap.PROT_READ | mmap.PROT_WRITE)
            self._is_writable = True

    def protect(self) -> None:
        """Makes the body read-only again: the system kills a process that still writes to it."""
        if self._is_writable:
            self._segment.protect(mmap.PROT_READ)
            self._is_writable = False


_segments: dict[tuple[int, int, int], _Segment] = {}
_leases: weakref.WeakSet[Lease] = weakref.WeakSet()


def _never_release_current() -> None:
    """Never releases the leases that there are: a forked child keeps seeing their pages."""
    for lease in list(_leases):
        lease.never_released = True


os.register_at_fork(before=_never_release_current)


class Memory:
    """The part of a segment that a handle names; leased until its last view is gone."""

    def __init__(self, handle: SegmentHandle) -> None:
        key = (handle.pid, handle.segment, handle.nonce)
        if key not in _segments:
            # During a long task the JVM may have replaced segments by others of another size.
            forget_dead()
            _segments[key] = _Segment(handle.pid, handle.descriptor, handle.size, handle.nonce)
        segment = _segments[key]
        generation = segment.word(_GENERATION_OFFSET)
        if generation != handle.generation:
            raise protocol_error(
                f"generation {generation} in segment {handle.segment}",
                f"generation {handle.generation}",
            )
        end = handle.offset + handle.length
        if handle.offset < _HEADER_BYTES or handle.length < 0 or end > segment.size:
            raise protocol_error(
                f"{handle.length} bytes at {handle.offset}",
                f"a batch in the segment's {segment.size}",
            )
        self.lease_id = LeaseId(handle.segment, handle.generation)
        self.address = segment.address + handle.offset
        self.length = handle.length
        self.lease = Lease(segment, handle.generation)
        self.mark_seen = partial(_mark_seen, weakref.ref(self.lease))

    def buffer(self) -> pa.Buffer:
        """Returns the memory as a read-only buffer."""
        return pa.foreign_buffer(self.address, self.length, base=self.lease)


def _mark_seen(lease: weakref.ref[Lease]) -> None:
    """Tells the JVM that the next batch is asked for, unless the lease was released before.

    A segment that was released may be leased by another task by now, which the word belongs to.
    """
    alive = lease()
    if alive is not None:
        alive.mark_seen()


class _Writable:
    """The owner of the writable arrays of a tensor: it lives as long as one of them."""

    __slots__ = ("__array_interface__", "__weakref__", "_lease")

    def __init__(self, memory: Memory) -> None:
        self._lease = memory.lease
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            "shape": (memory.length,),
            "data": (memory.address, False),
        }


class InPlaceTensor:
    """A tensor in a segment of its own, for a function to change in place.

    Args:
        memory: the tensor's bytes.
        spec: the column.
        shape: the tensor's shape, rows first.
    """

    def __init__(self, memory: Memory, spec: TensorSpec, shape: tuple[int, ...]) -> None:
        self.lease_id = memory.lease_id
        self.bytes = memory.length
        self._address = memory.address
        self._memory: Memory | None = memory
        self._writable: weakref.ref[_Writable] | None = None
        self._dtype: np.dtype[Any] | None = None
        self._spec = spec
        self._shape = shape

    def array(self) -> Array:
        """Returns the tensor as an array that can be written to."""
        if self._memory is None:
            raise TensorArrowError(
                "TA_UNSUPPORTED",
                f"Cannot change column '{self._spec.column}': found that the function has returned;"
                " expected it asked for before",
            )
        self._dtype = element_of(self._spec).dtype(f"column '{self._spec.column}'", raw=False)
        writable = self._writable() if self._writable else None
        if writable is None:
            self._memory.lease.make_writable()
            writable = _Writable(self._memory)
            self._writable = weakref.ref(writable)
        array: Array = np.asarray(writable).view(self._dtype).reshape(self._shape)
        return array

    def is_array(self, array: Any) -> bool:
        """Returns whether an array is the complete tensor, with its rows where they were."""
        return (
            # Not of a subclass, whose meaning may differ from its bytes.
            type(array) is np.ndarray
            and array.shape[:1] == self._shape[:1]
            and array.flags.c_contiguous
            and array.nbytes == self.bytes
            and array.dtype == self._dtype
            and array.ctypes.data == self._address
        )

    def end_changes(self) -> Array | None:
        """Ends the changes: the JVM will see the tensor as it is now.

        Returns:
            None if nobody can write to the tensor any more. Else a copy of it, to be sent instead:
            views were kept, or a child was forked that has the memory, too.
        """
        if self._memory is None:
            raise protocol_error(f"changes of column '{self._spec.column}' ended twice", "once")
        lease = self._memory.lease
        copy = None
        if self._writable and (lease.never_released or self._writable() is not None):
            copy = self.array().copy()
        else:
            lease.protect()
        self._memory = None
        return copy


def forget_dead() -> None:
    """Unmaps the segments that the JVM will not use again."""
    for key in [key for key, segment in _segments.items() if segment.is_dead]:
        del _segments[key]
