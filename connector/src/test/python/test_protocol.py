"""The bytes that cross between the JVM and a worker; the JVM's tests read the same file."""

from __future__ import annotations

import mmap
import os
import re
import struct
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from helpers import BATCH

from tensorarrow import _worker
from tensorarrow._envelopes import (
    COLUMN_NAME,
    KIND_HANDLE,
    KIND_IN_PLACE,
    KIND_INLINE,
    KIND_SCHEMA,
    LeaseId,
    ReplyColumn,
    ReplyHeader,
    SegmentHandle,
    kind_of,
    shape_of,
)
from tensorarrow._segments import Memory

FILE = Path(__file__).parents[1] / "resources" / "handover-protocol.txt"
FIELD = re.compile(r" *(\d+)  ((?:[0-9a-f]{2} )*[0-9a-f]{2}) +(.+) = (.+)")


class Section(NamedTuple):
    """A section of the file: its bytes, and by each field's name the value and the offset."""

    data: bytes
    values: dict[str, str]
    offsets: dict[str, int]

    def number(self, field: str) -> int:
        return int(self.values[field])

    def handle(self) -> SegmentHandle:
        return SegmentHandle(*map(self.number, SegmentHandle._fields))

    def lease(self, prefix: str) -> LeaseId:
        return LeaseId(*(self.number(f"{prefix} {field}") for field in LeaseId._fields))

    def range(self, prefix: str) -> tuple[int, int]:
        return self.number(f"{prefix} offset"), self.number(f"{prefix} length")


def section(name: str) -> Section:
    data = bytearray()
    values, offsets = {}, {}
    _, _, text = FILE.read_text().partition(f"[{name}]\n")
    for line in text.partition("\n[")[0].splitlines():
        if not line or line.startswith("#"):
            continue
        match = FIELD.fullmatch(line)
        assert match, line
        offset, field = int(match[1]), bytes.fromhex(match[2])
        data = data.ljust(offset, b"\0") + field
        values[match[3]], offsets[match[3]] = match[4], offset
    assert values, name
    return Section(bytes(data), values, offsets)


def batches(*envelopes: bytes) -> list[pa.RecordBatch]:
    stream = (
        pa.RecordBatch.from_arrays([pa.array([envelope], pa.binary())], [COLUMN_NAME])
        for envelope in envelopes
    )
    return list(_worker.batches(stream))


def test_the_column_name_is_that_of_the_protocol() -> None:
    name = section("column name")
    assert name.values["name"] == COLUMN_NAME
    assert name.data == COLUMN_NAME.encode()


def test_schema_and_inline_envelopes_are_read_after_the_prefixes_of_the_protocol() -> None:
    schema, inline = section("schema prefix"), section("inline prefix")
    assert kind_of(pa.py_buffer(schema.data)) == schema.number("kind") == KIND_SCHEMA
    assert kind_of(pa.py_buffer(inline.data)) == inline.number("kind") == KIND_INLINE
    [batch] = batches(
        schema.data + BATCH.schema.serialize().to_pybytes(),
        inline.data + BATCH.serialize().to_pybytes(),
    )
    assert batch.equals(BATCH)


def test_a_handle_of_the_protocol_has_these_values() -> None:
    expected = section("handle")
    envelope = pa.py_buffer(expected.data)
    assert kind_of(envelope) == expected.number("kind") == KIND_HANDLE
    assert SegmentHandle.parse(envelope) == expected.handle()


def test_a_tensor_in_place_of_the_protocol_has_these_values() -> None:
    expected = section("in place")
    envelope = pa.py_buffer(expected.data)
    assert kind_of(envelope) == expected.number("kind") == KIND_IN_PLACE
    assert SegmentHandle.parse(envelope) == expected.handle()
    assert shape_of(envelope) == tuple(expected.number(f"dim {i}") for i in range(3))


def test_a_reply_header_has_the_bytes_of_the_protocol() -> None:
    expected = section("reply header")
    columns = [
        ReplyColumn(None, *expected.range("column 0")),
        ReplyColumn(expected.lease("column 1"), *expected.range("column 1")),
    ]
    header = ReplyHeader(
        expected.number("rows"),
        expected.number("copied bytes"),
        columns,
        [expected.lease("lease 0")],
    )
    assert header.pack() == expected.data


def test_the_header_of_a_segment_has_the_bytes_of_the_protocol() -> None:
    expected = section("segment header")
    size = len(expected.data) + 4096
    descriptor = os.memfd_create("segment")
    try:
        os.truncate(descriptor, size)
        with mmap.mmap(descriptor, size) as memory:
            memory[: len(expected.data)] = expected.data
            for field in ("released", "seen"):
                struct.pack_into("<i", memory, expected.offsets[field], 0)
            handle = SegmentHandle(
                pid=os.getpid(),
                descriptor=descriptor,
                segment=1,
                generation=expected.number("generation"),
                ordinal=0,
                size=size,
                offset=len(expected.data),
                length=8,
                nonce=expected.number("nonce"),
            )

            def word(field: str) -> int:
                (value,) = struct.unpack_from("<i", memory, expected.offsets[field])
                return int(value)

            opened = Memory(handle)
            assert opened.lease._segment.is_dead
            opened.mark_seen()
            assert (word("seen"), word("released")) == (expected.number("seen"), 0)
            del opened
            assert word("released") == expected.number("released")
            assert memory[: len(expected.data)] == expected.data
    finally:
        os.close(descriptor)
