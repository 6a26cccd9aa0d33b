"""Makes the SavedModels of the benchmarks that run as PySpark programs.

    make_python_bench_models.py DIRECTORY [NAME...]

Each benchmark run makes them anew where they are missing, since some have many megabytes of
weights. Needs the environment `bench` (`requirements-bench.txt`).
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf


class Table(tf.Module):
    """Gives the first rows of a table, which TensorFlow does without copying or computing.

    The second output is the time, in seconds since 1970, at which the tensor was ready.
    """

    def __init__(self, rows, shape, dtype):
        super().__init__()
        values = tf.random.stateless_uniform([rows, *shape], (1, 2), maxval=200.0)
        self.table = tf.Variable(tf.cast(values, dtype), trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "id")])
    def __call__(self, id):  # noqa: A002 - the column's name
        """Returns as many rows as there are ids."""
        rows = tf.shape(id)[0]
        tensor = self.table[:rows]
        with tf.control_dependencies([tensor]):
            ready = tf.fill([rows], tf.timestamp())
        return {"tensor": tensor, "ready": ready}


class Embedding(tf.Module):
    """Looks 1,024 floats up for each id."""

    def __init__(self):
        super().__init__()
        self.table = tf.Variable(tf.random.stateless_uniform([10_000, 1024], (3, 4)))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "id")])
    def __call__(self, id):  # noqa: A002 - the column's name
        """Returns the vectors of ids."""
        return {"tensor": tf.gather(self.table, id)}


class Mlp(tf.Module):
    """784 inputs, 256 hidden units, 10 outputs."""

    def __init__(self):
        super().__init__()
        self.first = tf.Variable(tf.random.stateless_uniform([784, 256], (5, 6), -0.1, 0.1))
        self.first_bias = tf.Variable(tf.zeros([256]))
        self.last = tf.Variable(tf.random.stateless_uniform([256, 10], (7, 8), -0.1, 0.1))
        self.last_bias = tf.Variable(tf.zeros([10]))

    @tf.function(input_signature=[tf.TensorSpec([None, 784], tf.float32, "pixels")])
    def __call__(self, pixels):
        """Returns the last layer's outputs."""
        hidden = tf.nn.relu(pixels @ self.first + self.first_bias)
        return {"tensor": tf.nn.softmax(hidden @ self.last + self.last_bias)}


def features():
    """MobileNetV2 without its top, with weights drawn at random: 96x96x3 bytes to 3x3x1280."""
    keras.utils.set_random_seed(1)
    image = keras.Input((96, 96, 3), dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    net = keras.applications.MobileNetV2((96, 96, 3), include_top=False, weights=None)
    return keras.Model(image, {"tensor": net(scaled, training=False)})


MODELS = {
    "vectors": lambda: Table(32_768, [512], tf.float32),
    "images_float32": lambda: Table(100, [3, 224, 224], tf.float32),
    "images_uint8": lambda: Table(100, [3, 224, 224], tf.uint8),
    "embedding": Embedding,
    "mlp": Mlp,
    "features": features,
}


def main(directory, *names):
    """Makes those that are missing."""
    for name in names or MODELS:
        path = Path(directory) / name
        if not path.exists():
            partial = path.with_name(f"{name}.partial")
            model = MODELS[name]()
            if isinstance(model, keras.Model):
                model.export(partial, verbose=False)
            else:
                tf.saved_model.save(model, str(partial), signatures=model.__call__)
            partial.rename(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
