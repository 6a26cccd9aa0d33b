"""Envelopes: what comes out of them, and what is not taken out."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from test_numpy import fails

from tensorarrow import _worker

SIZE = 1 << 16
NONCE = 123456789
MAGIC = 0x31534154
HANDLE = "<iiiiiiqqqq"

BATCH = pa.RecordBatch.from_arrays([pa.array(np.arange(1000, dtype=np.float32))], ["x"])


class Segment:
    """What the JVM makes: a file in memory with a header page and one batch."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.descriptor = os.memfd_create("segment")
        os.truncate(self.descriptor, SIZE)
        self.memory = mmap.mmap(self.descriptor, SIZE)
        struct.pack_into("<iiq", self.memory, 0, MAGIC, 1, NONCE)
        self.message = BATCH.serialize()
        self.memory[4096 : 4096 + self.message.size] = self.message.to_pybytes()

    def word(self, offset: int) -> int:
        found: int = struct.unpack_from("<i", self.memory, offset)[0]
        return found

    def handle(self, **changes: int) -> bytes:
        fields = {
            "kind": 2,
            "pid": os.getpid(),
            "descriptor": self.descriptor,
            "number": self.number,
            "generation": 1,
            "zero": 0,
            "size": SIZE,
            "offset": 4096,
            "length": self.message.size,
            "nonce": NONCE,
        }
        return struct.pack(HANDLE, *{**fields, **changes}.values())


@pytest.fixture
def segment(request: pytest.FixtureRequest) -> Iterator[Segment]:
    made = Segment(abs(hash(request.node.name)) % 1_000_000)
    yield made
    os.close(made.descriptor)


def schema_envelope() -> bytes:
    return struct.pack("<ii", 1, 0) + BATCH.schema.serialize().to_pybytes()


def opened(*envelopes: bytes) -> Iterator[pa.RecordBatch]:
    stream = (
        pa.RecordBatch.from_arrays([pa.array([each], pa.binary())], [_worker.COLUMN])
        for each in envelopes
    )
    return _worker.batches(stream)


def taken(*envelopes: bytes) -> list[pa.RecordBatch]:
    return list(opened(*envelopes))


def test_a_handle_gives_a_view_of_the_segment(segment: Segment) -> None:
    batch = next(opened(schema_envelope(), segment.handle()))
    assert batch.equals(BATCH)
    array = batch.column(0).to_numpy(zero_copy_only=True)
    struct.pack_into("<f", segment.memory, segment.memory.find(BATCH.column(0).buffers()[1]), 42)
    assert array[0] == 42
    assert not array.flags.writeable


def test_an_inline_batch_needs_no_segment() -> None:
    inline = struct.pack("<i", 3).ljust(64, b"\0") + BATCH.serialize().to_pybytes()
    assert [batch.equals(BATCH) for batch in opened(schema_envelope(), inline)] == [True]


def test_the_segment_is_released_with_the_last_view(segment: Segment) -> None:
    batches = opened(schema_envelope(), segment.handle())
    batch = next(batches)
    column = batch.column(0)
    view = column.to_numpy(zero_copy_only=True)
    assert segment.word(128) == 0
    del batch, column
    assert next(batches, None) is None
    assert segment.word(128) == 1, "seen"
    assert segment.word(64) == 0, "not released"
    assert view[999] == 999
    del view
    assert segment.word(64) == 1, "released"


def test_what_a_forked_child_sees_is_never_released(segment: Segment) -> None:
    batches = opened(schema_envelope(), segment.handle())
    batch = next(batches)
    child = os.fork()
    if child == 0:
        os._exit(0 if batch.equals(BATCH) else 1)
    assert os.waitpid(child, 0)[1] == 0
    del batch
    assert next(batches, None) is None
    assert segment.word(64) == 0


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pid": 2**30}, "No such file"),
        ({"descriptor": 10**6}, "No such file"),
        ({"size": SIZE // 2}, f"{SIZE} bytes"),
        ({"nonce": NONCE + 1}, "another file"),
        ({"generation": 2}, "generation 1"),
        ({"generation": 0}, "generation 1"),
        ({"offset": 0}, "bytes at 0"),
        ({"offset": -1}, "bytes at -1"),
        ({"offset": 2**62}, "bytes at"),
        ({"length": SIZE}, f"{SIZE} bytes at 4096"),
        ({"length": -1}, "-1 bytes at 4096"),
        ({"kind": 9}, "an envelope of kind 9"),
    ],
)
def test_a_handle_that_does_not_fit_is_refused(
    segment: Segment, changes: dict[str, int], found: str
) -> None:
    assert found in fails("TA_HANDOVER", taken, schema_envelope(), segment.handle(**changes))
    assert segment.word(64) == 0


def test_another_file_behind_the_same_descriptor_is_refused(segment: Segment) -> None:
    struct.pack_into("<i", segment.memory, 0, 7)
    message = fails("TA_HANDOVER", taken, schema_envelope(), segment.handle())
    assert "another file" in message


def test_a_truncated_envelope_is_an_error(segment: Segment) -> None:
    fails("TA_HANDOVER", taken, schema_envelope(), segment.handle()[:20])
    fails("TA_HANDOVER", taken, b"\2")


def test_batches_need_a_schema(segment: Segment) -> None:
    fails("TA_HANDOVER", taken, segment.handle())
