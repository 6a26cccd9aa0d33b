"""What runs in the workers of `bench_opponent.py`: Python TensorFlow, and functions that sum.

A module of its own, so that a worker that is used again still has the models that it loaded.
"""

import os

import numpy as np
import pyarrow as pa

_signatures = {}
_loaded = 0


def _signature(path, threads):
    global _loaded  # noqa: PLW0603 - a worker's count
    if path not in _signatures:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import tensorflow as tf

        if threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        # The model that the signature belongs to must stay alive.
        model = tf.saved_model.load(path)
        _signatures[path] = (model, model.signatures["serving_default"])
        _loaded += 1
    return _signatures[path][1]


def ids(column):
    """Returns a column of numbers as an array."""
    return column.to_numpy()


def floats(width):
    """Returns what makes an array (rows, width) of a column of lists, without a copy."""
    return lambda column: column.flatten().to_numpy().reshape(-1, width)


def images(*shape):
    """Returns what makes an array (rows, *shape) of a column of binaries, without a copy."""

    def convert(column):
        offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset :]
        data = np.frombuffer(column.buffers()[2], np.uint8)
        return data[offsets[0] : offsets[len(column)]].reshape(-1, *shape)

    return convert


def predict(path, threads, convert, batches):
    """Runs the model, with so many threads per operation if not 0; returns the output's arrays."""
    signature = _signature(path, threads)
    import tensorflow as tf

    (feed,) = signature.structured_input_signature[1]
    for batch in batches:
        outputs = signature(**{feed: tf.constant(convert(batch.column(0)))})
        yield outputs["tensor"].numpy()


def handed_over(batches, schema):
    """Yields the tensors that were handed over; counts as a loaded model in a new worker."""
    global _loaded  # noqa: PLW0603 - a worker's count
    import tensorarrow as ta

    if ta not in _signatures:
        _signatures[ta] = None
        _loaded += 1
    for batch in batches:
        yield ta.numpy(batch, "tensor", schema=schema)


def total(arrays):
    """Sums arrays: what every competitor does with the tensor. Yields one row."""
    before = _loaded
    sum_, rows = 0.0, 0
    for array in arrays:
        sum_ += float(array.sum())
        rows += len(array)
    yield pa.RecordBatch.from_arrays(
        [pa.array([sum_]), pa.array([rows]), pa.array([_loaded - before])], ["total", "n", "loaded"]
    )


def lists(arrays):
    """Yields arrays (rows, width) as a column of lists."""
    for array in arrays:
        offsets = np.arange(len(array) + 1, dtype=np.int32) * array.shape[1]
        yield pa.RecordBatch.from_arrays(
            [pa.ListArray.from_arrays(offsets, array.ravel())], ["tensor"]
        )
