"""Runs a SavedModel in Python TensorFlow and writes down what went in and what came out.

A model NAME of the zoo is three things: the folder `NAME`, which is the SavedModel; `NAME.parquet`
with one row per row of the recorded batches, which holds the inputs of all signatures and what
Python TensorFlow made of them; and an entry of `zoo.json`, which says which column is which tensor.
All columns have the types that Spark gives to the tensors' dtypes, so they can be fed, and compared
with outputs, as they are. These types hold every value of the dtype exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

ROWS = 37
BATCH = 16


@dataclass(frozen=True)
class Call:
    """How one signature is called.

    inputs: the column that feeds each tensor
    options: options of the reader that the signature needs
    batch: rows of a call; every call but the last has so many
    pad: whether a short last batch is filled up with zeros, for models of a fixed batch size
    compare: "bits" if equal batches give equal bits; "close" if not even then, since Python passes
        captured constants as arguments and so keeps its optimizer from folding them; "shape" if
        nothing says which values come out
    tolerance: how far other batches and other kernels may be off
    """

    inputs: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)
    batch: int = BATCH
    pad: bool = False
    compare: str = "bits"
    tolerance: float = 1e-5


@dataclass(frozen=True)
class Example:
    """What a model is fed with: columns of ROWS rows, and the calls of its signatures.

    Columns of lists of any length are `Rows`; they feed sparse tensors.
    """

    columns: Mapping[str, np.ndarray | Rows]
    calls: Mapping[str, Call]


def of(columns, **options):
    """Returns an example of a model with one signature whose inputs are called like the columns."""
    call = Call({name: name for name in columns}, **options)
    return Example(columns, {"serving_default": call})


def record(directory: Path, example: Example):
    """Calls the saved model, writes the Parquet file, and returns the entry for `zoo.json`."""
    columns = {"id": pa.array(np.arange(ROWS))}
    signatures = {}
    loaded = tf.saved_model.load(str(directory), tags=["serve"])
    open_columns = {
        column
        for name, call in example.calls.items()
        for tensor, column in call.inputs.items()
        if not isinstance(example.columns[column], Rows)
        and has_open_shape(loaded.signatures[name], tensor)
    }
    for name, values in example.columns.items():
        assert len(values) == ROWS, name
        columns[name] = nested(values) if name in open_columns else cells(values)
    for name, call in example.calls.items():
        function = loaded.signatures[name]
        outputs = {}
        for output, values in sorted(run(function, example.columns, call).items()):
            column = re.sub(r"\W", "_", f"expected_{name}_{output}")
            assert column not in columns, column
            spec = function.structured_outputs[output]
            inner = [-1 if d is None else d for d in spec.shape.as_list()[1:]]
            columns[column] = shaped(values) if inner.count(-1) > 1 else cells(values)
            outputs[output] = {
                "column": column,
                "dtype": dtype_name(spec.dtype.as_numpy_dtype),
                "shape": inner,
            }
        signatures[name] = {
            "inputs": dict(call.inputs),
            "options": dict(call.options),
            "batchRows": call.batch,
            "compare": call.compare,
            "tolerance": call.tolerance,
            "outputs": outputs,
        }
    pq.write_table(pa.table(columns), f"{directory}.parquet", compression="zstd")
    return {"signatures": signatures}


def run(function, columns, call):
    """Returns the outputs of all batches, joined; those without a batch axis are left out."""
    specs = function.structured_outputs
    first = call.batch if call.pad else None
    names = [n for n, s in specs.items() if s.shape.rank and s.shape[0] == first]
    parts = []
    for start in range(0, ROWS, call.batch):
        stop = min(start + call.batch, ROWS)
        feeds = {}
        for tensor, column in call.inputs.items():
            values = columns[column][start:stop]
            if call.pad:
                filler = np.zeros((call.batch - len(values), *values.shape[1:]), values.dtype)
                values = np.concatenate([values, filler])
            if isinstance(values, Rows):
                feeds |= sparse(tensor, values)
            else:
                feeds[tensor] = constant(values, columns[column].dtype)
        results = {name: result.numpy() for name, result in function(**feeds).items()}
        parts.append((stop - start, results))
    return {name: join([results[name][:rows] for rows, results in parts]) for name in names}


def join(parts):
    """Joins batches; inner dimensions that differ between batches become rows of a list."""
    if len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts)
    rows = np.empty(sum(len(part) for part in parts), dtype=object)
    rows[:] = [row for part in parts for row in part]
    return Rows(rows, parts[0].dtype)


@dataclass(frozen=True)
class Rows:
    """Rows of different shapes.

    width: how long a sparse tensor of them is, if that is not the length of the longest row
    """

    rows: np.ndarray
    dtype: np.dtype
    width: int = 0

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)

    def __getitem__(self, part):
        return Rows(self.rows[part], self.dtype, self.width)


def sparse(name, rows):
    """Returns the parts of a sparse tensor that has every element of each row at its index."""
    lengths = [len(row) for row in rows]
    indices = [(i, j) for i, length in enumerate(lengths) for j in range(length)]
    return {
        f"{name}_indices": tf.constant(indices, tf.int64, (len(indices), 2)),
        f"{name}_values": constant(np.concatenate(list(rows)), rows.dtype),
        f"{name}_dense_shape": tf.constant([len(rows), rows.width or max(lengths)], tf.int64),
    }


def constant(values, dtype):
    """Returns a tensor of an array; arrays of objects are strings."""
    if np.dtype(dtype).hasobject:
        return tf.constant(values.tolist(), shape=values.shape, dtype=tf.string)
    return tf.constant(values, dtype=tf.dtypes.as_dtype(dtype))


def dtype_name(dtype):
    """Returns the name that the connector gives to a dtype."""
    return "str" if dtype in (object, bytes) else tf.dtypes.as_dtype(dtype).name


def cells(values):
    """Returns the rows of a tensor as cells: scalars, or flat row-major lists."""
    if isinstance(values, Rows) or values.ndim > 1:
        rows = [flat(np.asarray(row).reshape(-1), values.dtype) for row in values]
        lengths = [0, *np.cumsum([len(row) for row in rows])]
        return pa.ListArray.from_arrays(pa.array(lengths, pa.int32()), pa.concat_arrays(rows))
    return flat(values, values.dtype)


def has_open_shape(function, tensor):
    """Whether a flat list would leave open which dimension of an input is how long."""
    spec = function.structured_input_signature[1][tensor]
    return spec.shape[1:].as_list().count(None) > 1


def nested(values):
    """Returns the rows of a tensor as lists of lists, as deep as the tensor."""
    array = flat(values.reshape(-1), values.dtype)
    for size in values.shape[:0:-1]:
        array = pa.FixedSizeListArray.from_arrays(array, size).cast(pa.list_(array.type))
    return array


def shaped(values):
    """Returns the rows of a tensor as structs of their flat elements and their shape."""
    shapes = [np.array(np.shape(row), dtype=np.int32) for row in values]
    data = cells(values)
    return pa.StructArray.from_arrays(
        [data, pa.array(shapes, pa.list_(pa.int32()))], ["data", "shape"]
    )


# What Spark has to hold dtypes in that neither it nor Parquet knows.
WIDER = {
    "float16": np.float32,
    "bfloat16": np.float32,
    "uint8": np.int16,
    "uint16": np.int32,
    "uint32": np.int64,
    "qint8": np.int8,
    "quint8": np.int16,
    "qint16": np.int16,
    "quint16": np.int32,
    "qint32": np.int32,
    "int4": np.int8,
    "uint4": np.int8,
}


def flat(values, dtype):
    """Returns the elements of a tensor of one dimension."""
    name = dtype_name(dtype)
    if name == "str":
        raw = [v.encode() if isinstance(v, str) else v for v in values]
        return pa.array(raw, pa.binary())
    if name in ("complex64", "complex128"):
        return pa.StructArray.from_arrays(
            [pa.array(np.ascontiguousarray(v)) for v in (values.real, values.imag)], ["re", "im"]
        )
    if name == "uint64":
        return pa.array([Decimal(int(v)) for v in values], pa.decimal128(20, 0))
    if name.startswith("float8"):
        return pa.array(values.view(np.uint8).astype(np.int16))
    if dtype.names:  # NumPy sees a quantized integer as a record of one field.
        values = values.view(values.dtype[0])
    return pa.array(values.astype(WIDER.get(name, values.dtype)))
