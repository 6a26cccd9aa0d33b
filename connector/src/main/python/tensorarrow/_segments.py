"""Memory that the JVM shares with this worker, and the leases by which it is given back.

The other side is the JVM's package ``io.tensorarrow.spark.python``, whose description specifies
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
from tensorarrow._errors import TensorArrowError, protocol_error
from tensorarrow._spec import TensorSpec

# kind, pid, descriptor, segment, generation, ordinal, size, offset, length, nonce
HANDLE = struct.Struct("<iiiiiiqqqq")

_HEADER_BYTES = 4096
_MAGIC = 0x31534154
_AT_NONCE = 8
# Words of 4 bytes in the header.
_WORD_MAGIC, _WORD_GENERATION, _WORD_RELEASED, _WORD_SEEN, _WORD_DEAD = 0, 1, 16, 32, 48


_libc = ctypes.CDLL(None, use_errno=True)


class _Segment:
    """A segment that the JVM shares: its header to read and write, the rest to read."""

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
        self.words = memoryview(header).cast("I")
        (actual_nonce,) = struct.unpack_from("<q", header, _AT_NONCE)
        if self.words[_WORD_MAGIC] != _MAGIC or actual_nonce != nonce:
            raise protocol_error(f"another file at {path}", "the segment of the handle")
        self.address: int = np.frombuffer(self._body, np.uint8).ctypes.data

    @property
    def is_dead(self) -> bool:
        """Whether the JVM will not use the segment again."""
        return self.words[_WORD_DEAD] != 0

    def mark_seen(self, generation: int) -> None:
        """Tells the JVM that the batch after this one is asked for."""
        self.words[_WORD_SEEN] = generation

    def protect(self, protection: int) -> None:
        """Says what may be done; the header is mapped apart."""
        if _libc.mprotect(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size), protection):
            raise OSError(ctypes.get_errno(), "mprotect")


class Lease:
    """What all views of a batch keep alive; the segment goes back to the JVM when they are gone."""

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
        # One for each lease: the garbage collector may run while others are held.
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
            # What was read of the batch is read before the word is written, on processors without
            # such an order, too: a release followed by an acquire lets no write pass a read.
            self._fence.release()
            self._fence.acquire()
            self._segment.words[_WORD_RELEASED] = self._generation

    def mark_seen(self) -> None:
        """Tells the JVM that the batch after this one is asked for."""
        self._segment.mark_seen(self._generation)

    def make_writable(self) -> None:
        """Lets the batch be written to; its segment has nothing else, and no view of it yet."""
        if not self._is_writable:
            self._segment.protect(mmap.PROT_READ | mmap.PROT_WRITE)
            self._is_writable = True

    def protect(self) -> None:
        """Ends that: whoever still writes to it is ended by the system."""
        if self._is_writable:
            self._segment.protect(mmap.PROT_READ)
            self._is_writable = False


_segments: dict[tuple[int, int, int], _Segment] = {}
_leases: weakref.WeakSet[Lease] = weakref.WeakSet()


def _keep_all() -> None:
    """Keeps all leases for good: a forked child goes on to see the pages."""
    for lease in list(_leases):
        lease.never_released = True


os.register_at_fork(before=_keep_all)


class Memory:
    """The memory that a handle names, until its last view is gone."""

    def __init__(self, handle: pa.Buffer) -> None:
        _, pid, descriptor, number, generation, _, size, offset, length, nonce = HANDLE.unpack_from(
            handle
        )
        key = (pid, number, nonce)
        if key not in _segments:
            # A task may go on for long, and the JVM make segments of other sizes meanwhile.
            forget_dead()
            _segments[key] = _Segment(pid, descriptor, size, nonce)
        segment = _segments[key]
        current = segment.words[_WORD_GENERATION]
        if current != generation:
            raise protocol_error(
                f"generation {current} in segment {number}", f"generation {generation}"
            )
        if offset < _HEADER_BYTES or length < 0 or offset + length > segment.size:
            raise protocol_error(
                f"{length} bytes at {offset}", f"a batch in the segment's {segment.size}"
            )
        self.place = (number, generation)
        self.address = segment.address + offset
        self.length = length
        self.lease = Lease(segment, generation)
        self.mark_seen = partial(_mark_seen, weakref.ref(self.lease))

    def buffer(self) -> pa.Buffer:
        """Returns it for reading."""
        return pa.foreign_buffer(self.address, self.length, base=self.lease)


def _mark_seen(lease: weakref.ref[Lease]) -> None:
    """Tells the JVM that the next batch is asked for, but for what was released before.

    A segment that was released may be lent to another task by now, whose word it is.
    """
    alive = lease()
    if alive is not None:
        alive.mark_seen()


class _Writable:
    """What all arrays keep alive that may change a tensor in place."""

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
        self.place = memory.place
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
            # Not one of a subclass, which may say more than its bytes.
            type(array) is np.ndarray
            and array.shape[:1] == self._shape[:1]
            and array.flags.c_contiguous
            and array.nbytes == self.bytes
            and array.dtype == self._dtype
            and array.ctypes.data == self._address
        )

    def end_changes(self) -> Array | None:
        """Ends the changes: what is there now is what the JVM will see.

        Returns:
            None if nobody can write to it any more. Else a copy of what is there, to be used
            instead: views were kept, or a child was forked that has the memory, too.
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
    """Gives up the mappings of segments that the JVM will not use again."""
    for key in [key for key, segment in _segments.items() if segment.is_dead]:
        del _segments[key]
