"""What the tests share: batches as stock Spark makes them, and what the JVM sends, without both."""

import json
import mmap
import os
import struct

import numpy as np
import pyarrow as pa
import pytest

import tensorarrow as ta

WIRE = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bfloat16": pa.uint16(),
}


def metadata(dtype, shape, **more):
    """Returns a tensor column's metadata, as Spark's schema has it."""
    return {"tensor.dtype": dtype, "tensor.shape": list(shape), "tensor.name": "t", **more}


def on_field(column_metadata):
    """Returns the same metadata as an Arrow field has it."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in column_metadata.items()
    }


def lists(array, nulls=()):
    """Returns the rows of an array as flat lists, null lists where `nulls` says so."""
    rows = len(array)
    length = int(np.prod(array.shape[1:]))
    lengths = np.where(np.isin(np.arange(rows), nulls), 0, length)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.array(np.delete(array, list(nulls), axis=0).reshape(-1))
    if not len(nulls):
        return pa.ListArray.from_arrays(pa.array(offsets), values)
    valid = np.packbits(~np.isin(np.arange(rows), nulls), bitorder="little").tobytes()
    buffers = [pa.py_buffer(valid), pa.py_buffer(offsets)]
    return pa.Array.from_buffers(pa.list_(values.type), rows, buffers, children=[values])


def shaped(array):
    """Returns the rows of an array as structs of flat data and shape."""
    shapes = np.tile(np.array(array.shape[1:], np.int32), (len(array), 1))
    return pa.StructArray.from_arrays([lists(array), lists(shapes)], ["data", "shape"])


def batch_of(cells, dtype, shape, name="x", **more):
    """Returns a batch of an id column and one tensor column that carries its own metadata."""
    fields = [
        pa.field("id", pa.int64()),
        pa.field(name, cells.type, metadata=on_field(metadata(dtype, shape, **more))),
    ]
    ids = pa.array(np.arange(len(cells)))
    return pa.RecordBatch.from_arrays([ids, cells], schema=pa.schema(fields))


def unlabelled(batch):
    """Returns the batch as stock Spark hands it over: without metadata."""
    return pa.RecordBatch.from_arrays(batch.columns, names=batch.schema.names)


def address(array):
    """Returns where an array's or a primitive Arrow array's first element lies."""
    if isinstance(array, np.ndarray):
        return array.__array_interface__["data"][0]
    return array.buffers()[1].address + array.offset * array.type.bit_width // 8


class Field:
    def __init__(self, name, metadata):
        self.name, self.metadata = name, metadata


def fails(code, call, *args, **kwargs):
    with pytest.raises(ta.TensorArrowError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    message = str(caught.value)
    assert message.startswith(f"[{code}] Cannot ")
    assert "found " in message
    assert "expected " in message
    return message


def read_only(array):
    assert not array.flags.writeable
    with pytest.raises(ValueError, match=r"WRITEABLE|writeable"):
        array.flags.writeable = True
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0
    copy = array.copy()
    copy[...] = 0


class Type:
    def __init__(self, text):
        self.text = text

    def simpleString(self):  # noqa: N802  PySpark's name
        return self.text


class Column:
    def __init__(self, name, text):
        self.name, self.dataType = name, Type(text)


class Frame:
    """A DataFrame of given batches, which runs what is mapped over it at once."""

    def __init__(self, batches, schema=()):
        self.batches, self.schema = batches, schema

    def mapInArrow(self, f, schema):  # noqa: N802  PySpark's name
        return list(f(iter(self.batches)))


def map_one(batch, f, *columns, schema=()):
    (result,) = ta.map_tensors(Frame([batch], schema), f, [Column(*c) for c in columns])
    return result


SIZE = 1 << 16
NONCE = 123456789
MAGIC = 0x31534154
HANDLE = "<iiiiiiqqqq"

BATCH = pa.RecordBatch.from_arrays([pa.array(np.arange(1000, dtype=np.float32))], ["x"])


class Segment:
    """What the JVM makes: a file in memory with a header page and one batch, or other bytes."""

    def __init__(self, number: int, payload: bytes = BATCH.serialize().to_pybytes()) -> None:
        self.number = number
        self.descriptor = os.memfd_create("segment")
        os.truncate(self.descriptor, SIZE)
        self.memory = mmap.mmap(self.descriptor, SIZE)
        struct.pack_into("<iiq", self.memory, 0, MAGIC, 1, NONCE)
        self.length = len(payload)
        self.memory[4096 : 4096 + self.length] = payload

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
            "length": self.length,
            "nonce": NONCE,
        }
        return struct.pack(HANDLE, *{**fields, **changes}.values())


def schema_envelope(schema: pa.Schema = BATCH.schema) -> bytes:
    return struct.pack("<ii", 1, 0) + schema.serialize().to_pybytes()
