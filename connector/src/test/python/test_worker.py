"""Opening of envelopes, valid and invalid ones."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from helpers import BATCH, NONCE, SIZE, Segment, fails, schema_envelope

import tensorarrow as ta
from tensorarrow import _envelopes, _native, _worker


@pytest.fixture
def segment(request: pytest.FixtureRequest) -> Iterator[Segment]:
    made = Segment(abs(hash(request.node.name)) % 1_000_000)
    yield made
    os.close(made.descriptor)


def stream(*envelopes: bytes) -> Iterator[pa.RecordBatch]:
    for each in envelopes:
        yield pa.RecordBatch.from_arrays([pa.array([each], pa.binary())], [_envelopes.COLUMN_NAME])


def opened(*envelopes: bytes) -> Iterator[pa.RecordBatch]:
    return _worker.batches(stream(*envelopes))


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


def test_a_segment_that_was_released_is_not_marked_seen(segment: Segment) -> None:
    batches = _worker.tensors(stream(schema_envelope(), segment.handle()))
    batch = next(batches)
    del batch
    assert segment.word(64) == 1, "released"
    # Another task's worker is at it by now.
    struct.pack_into("<i", segment.memory, 128, 2)
    assert next(batches, None) is None
    assert segment.word(128) == 2


def test_segments_that_a_forked_child_sees_are_never_released(segment: Segment) -> None:
    batches = opened(schema_envelope(), segment.handle())
    batch = next(batches)
    child = os.fork()
    if child == 0:
        os._exit(0 if batch.equals(BATCH) else 1)
    assert os.waitpid(child, 0)[1] == 0
    del batch
    assert next(batches, None) is None
    assert segment.word(64) == 0
    assert segment.word(128) == 1, "seen, as nobody else gets it"


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


def test_envelopes_of_another_version_are_refused() -> None:
    other = pa.RecordBatch.from_arrays([pa.array([b"x"])], ["tensorarrow/2"])
    message = fails("TA_HANDOVER", list, _worker.batches(iter([other])))
    assert "tensorarrow/2" in message


def test_a_batch_before_the_schema_is_refused(segment: Segment) -> None:
    fails("TA_HANDOVER", taken, segment.handle())


def native_column(dtype: str, values: np.ndarray[Any, Any], native: pa.DataType) -> pa.Array:
    """Returns rows of two elements with the bytes of a tensor."""
    size = values.size
    elements = pa.Array.from_buffers(native, size, [None, pa.py_buffer(values.tobytes())])
    offsets = pa.array(np.arange(0, size + 1, 2, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, elements)


@pytest.mark.parametrize(
    ("dtype", "native", "widened"),
    [
        ("bool", pa.uint8(), pa.bool_()),
        ("uint8", pa.uint8(), pa.int16()),
        ("quint8", pa.uint8(), pa.int16()),
        ("float8_e5m2", pa.uint8(), pa.int16()),
        ("uint16", pa.uint16(), pa.int32()),
        ("uint32", pa.uint32(), pa.int64()),
        ("uint64", pa.uint64(), pa.decimal128(20, 0)),
        ("float16", pa.float16(), pa.float32()),
        ("bfloat16", pa.uint16(), pa.float32()),
        ("complex64", pa.binary(8), pa.struct([("re", pa.float32()), ("im", pa.float32())])),
        ("complex128", pa.binary(16), pa.struct([("re", pa.float64()), ("im", pa.float64())])),
    ],
)
def test_native_elements_are_widened_to_sparks_types(
    dtype: str, native: pa.DataType, widened: pa.DataType
) -> None:
    width = native.byte_width if pa.types.is_fixed_size_binary(native) else native.bit_width // 8
    bits = np.random.default_rng(7).integers(0, 256, 12 * width, np.uint8)
    values = bits & 1 if dtype == "bool" else bits
    column = native_column(dtype, values.view(f"V{width}"), native)
    field = pa.field(
        "x",
        pa.list_(pa.field("element", widened, nullable=False)),
        nullable=False,
        metadata={"tensor.dtype": dtype, "tensor.shape": "[2]", "tensorarrow.raw": ""},
    )
    native_batch = pa.RecordBatch.from_arrays([column], names=["x"])
    inline = struct.pack("<i", 3).ljust(64, b"\0") + native_batch.serialize().to_pybytes()
    messages = [schema_envelope(pa.schema([field])), inline]

    [found] = taken(*messages)

    assert found.schema.field("x").type == field.type
    assert b"tensorarrow.raw" not in found.schema.field("x").metadata
    array = ta.numpy(found, "x", raw=True)
    assert array.shape == (6, 2)
    assert array.tobytes() == values.tobytes()
    assert not array.flags.owndata
    assert not array.flags.writeable
    # What was widened gives the same when it is narrowed again.
    again = pa.RecordBatch.from_arrays(found.columns, schema=found.schema)
    assert ta.numpy(again, "x", raw=True).tobytes() == values.tobytes()
    assert ta.numpy(again.slice(2, 3), "x", raw=True).tobytes() == array[2:5].tobytes()
    # And nothing is kept of batches that are gone.
    assert _native._native_batches
    del found
    assert not _native._native_batches


def test_native_elements_without_tensor_metadata_are_refused() -> None:
    field = pa.field("x", pa.int16(), metadata={"tensorarrow.raw": ""})
    inline = struct.pack("<i", 3).ljust(64, b"\0") + BATCH.serialize().to_pybytes()

    message = fails("TA_HANDOVER", taken, schema_envelope(pa.schema([field])), inline)

    assert "field 'x'" in message
