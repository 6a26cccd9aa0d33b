"""Tensors that functions change in place, and what goes back."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from helpers import HANDLE, Segment, fails, schema_envelope
from pyspark.sql import types

import tensorarrow as ta
from tensorarrow import _envelopes, _worker

ROWS, WIDTH = 50, 4
VALUES = np.arange(ROWS * WIDTH, dtype=np.float32).reshape(ROWS, WIDTH)
IDS = pa.array(np.arange(ROWS))
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field(
            "p",
            pa.list_(pa.field("element", pa.float32(), nullable=False)),
            nullable=False,
            metadata={"tensor.dtype": "float32", "tensor.shape": f"[{WIDTH}]"},
        ),
    ]
)
TYPES = {
    "bigint": types.LongType(),
    "float": types.FloatType(),
    "string": types.StringType(),
    "array<float>": types.ArrayType(types.FloatType()),
    "array<double>": types.ArrayType(types.DoubleType()),
    "array<int>": types.ArrayType(types.IntegerType()),
}
TENSOR = {"tensor.dtype": "float32", "tensor.shape": [WIDTH]}


def columns(*declared: tuple[str, str]) -> types.StructType:
    return types.StructType([types.StructField(name, TYPES[text]) for name, text in declared])


COLUMNS = columns(("id", "bigint"), ("p", "array<float>"))


class Frame:
    """A DataFrame that keeps the function that is mapped over it."""

    def __init__(self, dtype: str = "float32") -> None:
        metadata = {**TENSOR, "tensor.dtype": dtype}
        self.schema = types.StructType(
            [
                types.StructField("id", types.LongType()),
                types.StructField("p", TYPES["array<float>"], False, metadata),
            ]
        )

    def mapInArrow(self, f: Any, schema: Any) -> Frame:  # noqa: N802  PySpark's name
        self.function, self.declared = f, schema
        return self


@pytest.fixture
def segment(request: pytest.FixtureRequest) -> Iterator[Segment]:
    made = Segment(abs(hash(request.node.name)) % 1_000_000, VALUES.tobytes())
    yield made
    os.close(made.descriptor)


def in_place(segment: Segment) -> bytes:
    handle = segment.handle(kind=4, zero=1, length=VALUES.nbytes)
    return handle + struct.pack("<2q", ROWS, WIDTH)


def batch(segment: Segment) -> list[bytes]:
    """Returns the messages of a batch of which a tensor may be changed."""
    others = pa.RecordBatch.from_arrays([IDS], schema=pa.schema([SCHEMA.field("id")]))
    inline = struct.pack("<i", 3).ljust(64, b"\0") + others.serialize().to_pybytes()
    return [schema_envelope(SCHEMA), in_place(segment), inline]


def mapped(f: Callable[[Any], Any], declared: types.StructType = COLUMNS) -> Any:
    """Returns what map_tensors hands to Spark."""
    frame: Any = Frame()
    return ta.map_tensors(frame, f, declared, inplace=["p"])


def replies(
    messages: list[bytes], f: Callable[[Any], Any], declared: types.StructType = COLUMNS
) -> list[Any]:
    """Runs a function as a worker does; returns what it sends back."""
    stream = (
        pa.RecordBatch.from_arrays([pa.array([each], pa.binary())], [_envelopes.COLUMN_NAME])
        for each in messages
    )
    return list(mapped(f, declared).function(_worker.tensors(stream)))


def parsed(reply: pa.RecordBatch) -> tuple[tuple[int, ...], list[Any], list[tuple[int, int]]]:
    """Takes a reply apart: header, columns as places or arrays, places that are not returned."""
    assert reply.schema.names == [_envelopes.COLUMN_NAME, "data"]
    header, data = reply.column(0)[0].as_py(), reply.column(1)[0].as_py()
    rows, count, dropped, _, copied = struct.unpack_from("<iiiiq", header)
    columns: list[Any] = []
    for i in range(count):
        number, generation, offset, length = struct.unpack_from("<iiqq", header, 24 + 24 * i)
        if number >= 0:
            columns.append((number, generation))
        else:
            with pa.ipc.open_stream(data[offset : offset + length]) as stream:
                columns.append(stream.read_next_batch().column(0))
    places = [struct.unpack_from("<ii", header, 24 + 24 * count + 8 * i) for i in range(dropped)]
    assert len(header) == 24 + 24 * count + 8 * dropped
    return (rows, copied), columns, places  # type: ignore[return-value]


def changed(segment: Segment) -> np.ndarray[Any, Any]:
    found = np.frombuffer(segment.memory, np.float32, VALUES.size, 4096)
    return found.reshape(VALUES.shape).copy()


def add_one(t: Any) -> dict[str, Any]:
    assert list(t) == ["id", "p"]
    p = t["p"]
    assert p.flags.writeable
    assert not p.flags.owndata
    assert np.array_equal(p, VALUES)
    p += 1
    return {"id": t["id"], "p": p}


def test_a_tensor_returned_in_place_is_answered_with_its_lease(segment: Segment) -> None:
    [reply] = replies(batch(segment), add_one)
    (rows, copied), found, dropped = parsed(reply)
    assert (rows, copied, dropped) == (ROWS, 0, [])
    assert found[0].equals(IDS)
    assert found[1] == (segment.number, 1)
    assert np.array_equal(changed(segment), VALUES + 1)
    assert segment.word(64) == 1, "released"


def test_the_mapping_is_read_only_when_the_reply_is_sent(segment: Segment) -> None:
    addresses = []

    def keeps_an_address(t: Any) -> dict[str, Any]:
        addresses.append(t["p"].ctypes.data)
        return add_one(t)

    replies(batch(segment), keeps_an_address)
    with open("/proc/self/maps") as maps:
        for line in maps:
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            if begin <= addresses[0] < end:
                assert line.split()[1] == "r--s"
                return
    raise AssertionError("not mapped")


def test_writes_to_a_kept_view_have_no_effect(segment: Segment) -> None:
    kept = []

    def keeps(t: Any) -> dict[str, Any]:
        kept.append(t["p"][1:])
        return add_one(t)

    [reply] = replies(batch(segment), keeps)
    kept[0][:] = -1
    (_, copied), found, dropped = parsed(reply)
    assert copied == VALUES.nbytes
    assert dropped == [(segment.number, 1)]
    assert np.array_equal(found[1].flatten().to_numpy(), (VALUES + 1).ravel())
    assert segment.word(64) == 0, "not released"
    kept.clear()
    assert segment.word(64) == 1, "released"


def test_late_writes_of_a_thread_have_no_effect(segment: Segment) -> None:
    later, threads = threading.Event(), []

    def starts_a_thread(t: Any) -> dict[str, Any]:
        def write(view: Any) -> None:
            later.wait(60)
            view[:] = -1

        threads.append(threading.Thread(target=write, args=(t["p"],)))
        threads[0].start()
        return add_one(t)

    [reply] = replies(batch(segment), starts_a_thread)
    later.set()
    threads[0].join()
    _, found, _ = parsed(reply)
    assert np.array_equal(found[1].flatten().to_numpy(), (VALUES + 1).ravel())


def test_tensors_that_a_forked_child_may_write_to_are_copied(segment: Segment) -> None:
    def forks(t: Any) -> dict[str, Any]:
        result = add_one(t)
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        return result

    [reply] = replies(batch(segment), forks)
    (_, copied), found, _ = parsed(reply)
    assert copied == VALUES.nbytes
    assert np.array_equal(found[1].flatten().to_numpy(), (VALUES + 1).ravel())
    assert segment.word(64) == 0


def test_slices_and_copies_of_tensors_are_sent_as_data(segment: Segment) -> None:
    def parts(t: Any) -> dict[str, Any]:
        p = t["p"]
        return {"a": p, "b": p, "c": p[:, 0], "d": p * 2, "e": p[::-1]}

    declared = columns(*[(name, "array<float>") for name in "abde"], ("c", "float"))
    [reply] = replies(batch(segment), parts, declared)
    _, found, dropped = parsed(reply)
    assert dropped == []
    assert found[0] == (segment.number, 1)
    assert np.array_equal(found[1].flatten().to_numpy(), VALUES.ravel())
    assert np.array_equal(found[2].flatten().to_numpy(), (VALUES * 2).ravel())
    assert np.array_equal(found[3].flatten().to_numpy(), VALUES[::-1].ravel())
    assert np.array_equal(found[4].to_numpy(), VALUES[:, 0])


def test_tensors_that_are_not_returned_are_released(segment: Segment) -> None:
    [reply] = replies(batch(segment), lambda t: {"id": t["id"]}, columns(("id", "bigint")))
    (rows, copied), _, dropped = parsed(reply)
    assert (rows, copied, dropped) == (ROWS, 0, [(segment.number, 1)])
    assert segment.word(64) == 1


def test_views_of_another_dtype_are_sent_as_data(segment: Segment) -> None:
    declared = columns(("bits", "array<int>"))
    [reply] = replies(batch(segment), lambda t: {"bits": t["p"].view(np.int32)}, declared)
    _, found, _ = parsed(reply)
    assert np.array_equal(found[0].flatten().to_numpy(), VALUES.view(np.int32).ravel())


def test_tensors_that_are_not_shared_are_copies(segment: Segment) -> None:
    lists = pa.ListArray.from_arrays(
        pa.array(np.arange(ROWS + 1, dtype=np.int32) * WIDTH), pa.array(VALUES.ravel())
    )
    complete = pa.RecordBatch.from_arrays([IDS, lists.cast(SCHEMA.field("p").type)], schema=SCHEMA)

    def add(t: Any) -> dict[str, Any]:
        t["p"][...] += 1
        return {"id": t["id"], "p": t["p"]}

    inline = struct.pack("<i", 3).ljust(64, b"\0") + complete.serialize().to_pybytes()
    [reply] = replies([schema_envelope(SCHEMA), inline], add)
    _, found, _ = parsed(reply)
    assert np.array_equal(found[1].flatten().to_numpy(), (VALUES + 1).ravel())
    [plain] = mapped(add).function(iter([complete]))
    assert np.array_equal(plain.column(1).flatten().to_numpy(), (VALUES + 1).ravel())
    assert np.array_equal(complete.column(1).flatten().to_numpy(), VALUES.ravel())


def test_a_tensor_requested_after_the_function_returned_is_refused(segment: Segment) -> None:
    kept = []

    def keep(t: Any) -> dict[str, Any]:
        kept.append(t)
        return {"id": t["id"]}

    replies(batch(segment), keep, columns(("id", "bigint")))
    assert "has returned" in fails("TA_UNSUPPORTED", lambda: kept[0]["p"])


def test_a_failing_function_leaves_the_mapping_read_only(segment: Segment) -> None:
    def fail(t: Any) -> dict[str, Any]:
        t["p"][:] = 0
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        replies(batch(segment), fail)


def test_inplace_columns_that_are_no_changeable_tensors_are_refused(segment: Segment) -> None:
    def refused(code: str, inplace: Any, declared: Any = COLUMNS, dtype: str = "float32") -> str:
        message: str = fails(code, ta.map_tensors, Frame(dtype), add_one, declared, inplace=inplace)
        return message

    assert "'q'" in refused("TA_TENSOR_UNKNOWN", ["q"])
    assert "'id'" in refused("TA_TENSOR_UNKNOWN", ["id"])
    assert "inplace=['p']" in refused("TA_UNSUPPORTED", "p")
    assert "array<float>" in refused("TA_RESULT_TYPE", ["p"], columns(("p", "array<double>")))
    twice = Frame()
    twice.schema = types.StructType([*twice.schema, twice.schema["p"]])
    args = (twice, add_one, COLUMNS)
    assert "2 columns" in fails("TA_COLUMN_UNKNOWN", ta.map_tensors, *args, inplace=["p"])
    for dtype in ["str", "int4", "uint4"]:
        assert dtype in refused("TA_TENSOR_UNSUPPORTED", ["p"], dtype=dtype)


def test_function_name_and_result_schema_name_the_changed_columns(segment: Segment) -> None:
    frame = mapped(add_one)
    assert frame.function.__name__ == 'map_tensors(inplace=["p"])'
    assert frame.declared["p"].metadata == TENSOR
    assert frame.declared["id"].metadata == {}


def test_a_changed_tensor_of_another_shape_is_refused(segment: Segment) -> None:
    fails(
        "TA_RESULT_TYPE",
        replies,
        batch(segment),
        lambda t: {"id": t["id"], "p": t["p"][:, :2]},
    )


def test_an_in_place_envelope_that_fits_no_tensor_is_refused(segment: Segment) -> None:
    messages = batch(segment)
    messages[1] = segment.handle(kind=4, zero=0, length=VALUES.nbytes)
    fails("TA_HANDOVER", replies, messages, add_one)
    messages[1] = segment.handle(kind=4, zero=7, length=VALUES.nbytes) + struct.pack("<q", ROWS)
    assert "column 7" in fails("TA_HANDOVER", replies, messages, add_one)
    handle = segment.handle(kind=4, zero=1, length=VALUES.nbytes)
    for shape in [(ROWS, WIDTH + 1), (-ROWS, -WIDTH), (ROWS,)]:
        messages[1] = handle + struct.pack(f"<{len(shape)}q", *shape)
        assert "a shape" in fails("TA_HANDOVER", replies, messages, add_one)
    messages[1] = in_place(segment)[: struct.calcsize(HANDLE) - 1]
    fails("TA_HANDOVER", replies, messages, add_one)
