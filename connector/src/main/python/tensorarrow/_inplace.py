"""Replies of functions that change tensors in place: such tensors are not sent back.

The other side is the JVM's class ``InPlaceReplies`` in ``io.tensorarrow.spark.python.worker``. The
page "Hand-over protocol" of the documentation has the layout.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from tensorarrow._convert import Array
from tensorarrow._envelopes import COLUMN_NAME, LeaseId, ReplyColumn, ReplyHeader
from tensorarrow._errors import TensorArrowError
from tensorarrow._results import Result, Results
from tensorarrow._segments import InPlaceTensor

# PySpark's stream to the JVM has a buffer of this size, which it does not flush. The JVM holds the
# segments of replies until it gets them, so these fill it up.
_STREAM_BUFFER = 1 << 16
_MAX_BYTES = 2**31 - 1


class InPlaceReply:
    """The columns that a function returned for one batch. It keeps no array.

    Args:
        results: the columns that the function is declared to return.
        arrays: the arrays that it returned, by the columns' names.
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
        # By the columns' names: tensors that stay in place, and others in the data that is sent.
        self._in_place: dict[str, InPlaceTensor] = {}
        self._sent: dict[str, ReplyColumn] = {}
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
        offset = self._sink.tell()
        with pa.ipc.new_stream(self._sink, cells.schema) as stream:
            stream.write_batch(cells)
        self._sent[column.name] = ReplyColumn(None, offset, self._sink.tell() - offset)

    def _column(self, name: str) -> ReplyColumn:
        if name in self._in_place:
            return ReplyColumn(self._in_place[name].lease_id)
        return self._sent[name]

    def envelope(self) -> pa.RecordBatch:
        """Ends all changes; to be called when only the function can have kept an array."""
        copied_bytes = 0
        not_returned: list[LeaseId] = []
        for tensor in self._changeable.values():
            copy = tensor.end_changes()
            names = [name for name, kept in self._in_place.items() if kept is tensor]
            if copy is not None and names:
                del self._in_place[names[0]]
                self._send(next(c for c in self._columns if c.name == names[0]), copy)
                copied_bytes += copy.nbytes
            if copy is not None or not names:
                not_returned.append(tensor.lease_id)
        columns = [self._column(column.name) for column in self._columns]
        header = ReplyHeader(self._rows, copied_bytes, columns, not_returned)
        if self._in_place and self._sink.tell() < _STREAM_BUFFER:
            self._sink.write(bytes(_STREAM_BUFFER - self._sink.tell()))
        data = self._sink.getvalue()
        if data.size > _MAX_BYTES:
            raise TensorArrowError(
                "TA_UNSUPPORTED",
                f"Cannot return {data.size} bytes of one batch beside what is changed in place:"
                f" expected at most {_MAX_BYTES}: lower batchRows",
            )
        offsets = pa.py_buffer(np.array([0, data.size], np.int32))
        cells = [
            pa.array([header.pack()], pa.binary()),
            pa.Array.from_buffers(pa.binary(), 1, [None, offsets, data]),
        ]
        return pa.RecordBatch.from_arrays(cells, names=[COLUMN_NAME, "data"])
