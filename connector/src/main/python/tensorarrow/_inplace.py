"""Replies of functions that change tensors in place, which are not sent back.

The other side is the JVM's package ``io.tensorarrow.spark.python``, whose description has the
layout.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from tensorarrow._convert import Array
from tensorarrow._errors import TensorArrowError
from tensorarrow._results import Result, Results
from tensorarrow._segments import InPlaceTensor
from tensorarrow._worker import COLUMN

_HEADER = struct.Struct("<iiiiq")
_SHARED = struct.Struct("<iiqq")
_DROPPED = struct.Struct("<ii")
_NOT_SHARED = -1

# PySpark's stream to the JVM has a buffer of this size, which it does not flush. The JVM holds the
# segments of replies until it gets them, so these fill it up.
_STREAM_BUFFER = 1 << 16
_MOST_BYTES = 2**31 - 1


class InPlaceReply:
    """What a function returned of one batch. It keeps no array.

    Args:
        results: the columns that the function is declared to return.
        arrays: what it returned.
        changeable: the tensors that it was given to change, by their names.
        types: Spark's types of these, by their names.
    """

    def __init__(
        self,
        results: Results,
        arrays: Mapping[str, Array],
        changeable: Mapping[str, InPlaceTensor],
        types: Mapping[str, str],
    ) -> None:
        self._rows = results.check(arrays)
        self._columns = results.columns
        self._changeable = changeable
        self._sink = pa.BufferOutputStream()
        # By the result's name, where it lies: in place, or in what is sent.
        self._in_place: dict[str, InPlaceTensor] = {}
        self._sent: dict[str, tuple[int, int]] = {}
        for column in self._columns:
            array = arrays[column.name]
            for name, tensor in changeable.items():
                used = tensor in self._in_place.values()
                if not used and types[name] == column.ddl and tensor.is_array(array):
                    self._in_place[column.name] = tensor
                    break
            else:
                self._send(column, array)

    def _send(self, column: Result, array: Array) -> None:
        cells = pa.RecordBatch.from_arrays([column.cells(array)], names=[column.name])
        begin = self._sink.tell()
        with pa.ipc.new_stream(self._sink, cells.schema) as stream:
            stream.write_batch(cells)
        self._sent[column.name] = (begin, self._sink.tell() - begin)

    def envelope(self) -> pa.RecordBatch:
        """Ends all changes; call it when nobody but the function can have kept an array."""
        copied = 0
        dropped = []
        for tensor in self._changeable.values():
            copy = tensor.end_changes()
            names = [name for name, each in self._in_place.items() if each is tensor]
            if copy is not None and names:
                del self._in_place[names[0]]
                self._send(next(c for c in self._columns if c.name == names[0]), copy)
                copied += copy.nbytes
            if copy is not None or not names:
                dropped.append(tensor.place)
        header = [_HEADER.pack(self._rows, len(self._columns), len(dropped), 0, copied)]
        for column in self._columns:
            if column.name in self._in_place:
                header.append(_SHARED.pack(*self._in_place[column.name].place, 0, 0))
            else:
                header.append(_SHARED.pack(_NOT_SHARED, 0, *self._sent[column.name]))
        header += [_DROPPED.pack(*place) for place in dropped]
        if self._in_place and self._sink.tell() < _STREAM_BUFFER:
            self._sink.write(bytes(_STREAM_BUFFER - self._sink.tell()))
        data = self._sink.getvalue()
        if data.size > _MOST_BYTES:
            raise TensorArrowError(
                "TA_UNSUPPORTED",
                f"Cannot return {data.size} bytes of one batch beside what is changed in place:"
                f" expected at most {_MOST_BYTES}: lower batchRows",
            )
        offsets = pa.py_buffer(np.array([0, data.size], np.int32))
        cells = [
            pa.array([b"".join(header)], pa.binary()),
            pa.Array.from_buffers(pa.binary(), 1, [None, offsets, data]),
        ]
        return pa.RecordBatch.from_arrays(cells, names=[COLUMN, "data"])
