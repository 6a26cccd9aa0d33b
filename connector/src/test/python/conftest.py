"""Batches as stock Spark makes them, without Spark."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

try:
    import tensorarrow
except ModuleNotFoundError:
    sys.path.insert(0, str(Path(__file__).parents[2] / "main" / "python"))
    import tensorarrow

WIRE = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bfloat16": pa.uint16(),
}


def pytest_report_header():
    """Says which module is tested: the packaged one, or that of the source folder."""
    return f"tensorarrow {tensorarrow.__version__} from {tensorarrow.__file__}"


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


@pytest.fixture
def random():
    return np.random.default_rng(20)
