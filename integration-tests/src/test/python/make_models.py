"""Makes the SavedModels of the integration tests that come from Python TensorFlow.

The results are committed under `src/test/resources/models`, so the tests never run this. For each
model NAME it writes the folder `NAME` (the SavedModel) and `NAME.parquet`: the inputs of every
signature, and the outputs that Python TensorFlow computed from them in the columns
`<signature>_<output>`. Tensors are flat and row-major; one with several unknown inner dimensions
is a struct of `data` and `shape`. The input `factor` of the signature `scaled` is a constant,
1.5, and its output `factor_squared` has no rows, so neither is in the file.

Made with Python 3.11, tensorflow-cpu 2.18.1, numpy 2.0.2 and pyarrow 26.0.1. To make it all again:

    pip install "tensorflow-cpu==2.18.*" pyarrow
    python integration-tests/src/test/python/make_models.py
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

SEED = 20
ROWS = 200
FACTOR = 1.5
MODELS = Path(__file__).resolve().parents[1] / "resources" / "models"


class Features(tf.Module):
    """Several inputs and outputs of different types and ranks, with variables of each kind.

    Its weights are plain variables: a Keras layer held in a `tf.Module` would save each of them
    under two handles, and only Python can load that.
    """

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(SEED)
        self.weights = tf.Variable(random.normal(size=4), dtype=tf.float32, name="weights")
        self.bias = tf.Variable(0.5, dtype=tf.float32, name="bias")
        self.scales = tf.Variable([0.1, 1.0, 1e6], dtype=tf.float64, name="scales")
        self.offset = tf.Variable(2**40, dtype=tf.int64, name="offset")
        # A shape that is read from a variable is unknown to the graph.
        self.repeats = tf.Variable([1, 2, 3], dtype=tf.int32, name="repeats")

    @tf.function
    def _line(self, a):
        return tf.linalg.matvec(a, self.weights) + self.bias

    @tf.function
    def _doubled(self, n, times):
        for _ in tf.range(times):
            n = 2 * n
        return n

    @tf.function
    def _grid(self, n):
        return self._doubled(n, tf.constant(3)) + 1

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="a"),
            tf.TensorSpec([None], tf.float64, name="b"),
            tf.TensorSpec([None, 2, 3], tf.int32, name="n"),
            tf.TensorSpec([None], tf.int64, name="k"),
        ]
    )
    def features(self, a, b, n, k):
        key = k + self.offset
        return {
            "y": self._line(a),
            "z": b[:, tf.newaxis] * self.scales,
            "grid": self._grid(n),
            "key": key,
            "open": tf.tile(key[:, tf.newaxis, tf.newaxis], self.repeats),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="a"),
            tf.TensorSpec([], tf.float32, name="factor"),
        ]
    )
    def scaled(self, a, factor):
        """An input without a batch axis, and an output without one."""
        return {"y": factor * self._line(a), "factor_squared": factor * factor}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])
    def text(self, word):
        return {
            "upper": tf.strings.upper(word, encoding="utf-8"),
            "length": tf.strings.length(word, unit="UTF8_CHAR"),
        }


def features_inputs():
    """Returns the inputs of all signatures of `Features`, one row per cell."""
    random = np.random.default_rng(SEED + 1)
    # Empty, short, longer than TensorFlow keeps inside a string's own 24 bytes, and not ASCII.
    words = ["", "short", "a string of more than twenty-two bytes", "Ähre", "三", "naïve café"]
    return {
        "a": random.normal(size=(ROWS, 4)).astype(np.float32),
        "b": random.normal(size=ROWS),
        "n": random.integers(-1000, 1000, size=(ROWS, 2, 3), dtype=np.int32),
        "k": random.integers(-(2**41), 2**41, size=ROWS, dtype=np.int64),
        "word": np.array(words, dtype=object)[random.integers(0, len(words), size=ROWS)],
    }


def make_features():
    module = Features()
    signatures = {
        "serving_default": module.features,
        "scaled": module.scaled,
        "text": module.text,
    }
    saved = save(module, "features", signatures)

    inputs = features_inputs()
    outputs = {
        "serving_default": saved["serving_default"](
            **{name: tf.constant(inputs[name]) for name in ("a", "b", "n", "k")}
        ),
        "scaled": saved["scaled"](a=tf.constant(inputs["a"]), factor=tf.constant(FACTOR)),
        "text": saved["text"](word=tf.constant(inputs["word"])),
    }
    columns = {"id": pa.array(np.arange(ROWS))}
    columns.update({name: column(values) for name, values in inputs.items()})
    for signature, tensors in outputs.items():
        for name, tensor in sorted(tensors.items()):
            if tensor.shape.rank > 0:
                cells = shaped if name == "open" else column
                columns[f"{signature}_{name}"] = cells(tensor.numpy())
    pq.write_table(pa.table(columns), MODELS / "features.parquet", compression="zstd")


def save(module, name, signatures):
    """Writes a SavedModel; returns the signatures of what was written."""
    directory = MODELS / name
    shutil.rmtree(directory, ignore_errors=True)
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return tf.saved_model.load(str(directory)).signatures


def column(values):
    """Returns the rows of a tensor as cells: scalars, strings or flat lists."""
    if values.dtype == object:
        return pa.array([v if isinstance(v, str) else v.decode() for v in values])
    if values.ndim == 1:
        return pa.array(values)
    return pa.array(list(values.reshape(len(values), -1)))


def shaped(values):
    """Returns the rows of a tensor as structs of their flat elements and their shape."""
    shapes = np.tile(np.array(values.shape[1:], dtype=np.int32), (len(values), 1))
    return pa.StructArray.from_arrays([column(values), column(shapes)], ["data", "shape"])


def main():
    tf.keras.utils.set_random_seed(SEED)
    MODELS.mkdir(parents=True, exist_ok=True)
    make_features()


if __name__ == "__main__":
    main()
