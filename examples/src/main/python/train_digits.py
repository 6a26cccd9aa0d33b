"""Trains the digits model of the examples and writes its data.

The data are scikit-learn's copy of the test set of "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0):
1797 images of 8 x 8 pixels with values 0 to 16. The results are committed, so the examples never
run this and need no Python TensorFlow. It writes, under the folder `examples`:

    models/digits/         SavedModel; `serving_default` has the input `pixels` float32 [-1, 64] and
                           the outputs `probabilities` float32 [-1, 10] and `digit` int64 [-1]
    data/digits.parquet    id, pixels, label, split ("train" or "test") of all images
    data/expected.parquet  id, probabilities, digit of the test images, as Python TensorFlow says

Made with Python 3.11, tensorflow-cpu 2.18.1, keras 3.15.1, scikit-learn 1.9.1, numpy 2.0.2 and
pyarrow 26.0.1. To make it all again:

    pip install "tensorflow-cpu==2.18.*" scikit-learn pyarrow
    python examples/src/main/python/train_digits.py

Seeds are fixed and TensorFlow's operations deterministic: the same versions on the same kind of
processor give the same weights.
"""

import shutil
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20
PIXELS = 64
DIGITS = 10
EPOCHS = 40
# Small on purpose: the file then has several row groups although it is tiny.
ROW_GROUP_ROWS = 300
EXAMPLES = Path(__file__).resolve().parents[3]


def images():
    """Returns the pixels (rows, 64) float32, the labels and which rows are for training."""
    digits = load_digits()
    pixels = digits.data.astype(np.float32)
    labels = digits.target.astype(np.int32)
    rows = np.arange(len(labels))
    train_rows, _ = train_test_split(rows, test_size=0.2, random_state=SEED, stratify=labels)
    return pixels, labels, np.isin(rows, train_rows)


def train(pixels, labels):
    """Returns a small convolutional network, trained on flat images."""
    model = keras.Sequential(
        [
            keras.Input((PIXELS,), name="pixels"),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Reshape((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(24, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3, seed=SEED),
            keras.layers.Dense(48, activation="relu"),
            keras.layers.Dense(DIGITS, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pixels, labels, batch_size=32, epochs=EPOCHS, verbose=2)
    return model


def export(model, directory):
    """Writes the model as a SavedModel with one signature of two outputs."""

    def serve(pixels):
        probabilities = model(pixels, training=False)
        digit = tf.argmax(probabilities, axis=1, output_type=tf.int64)
        return {"probabilities": probabilities, "digit": digit}

    shutil.rmtree(directory, ignore_errors=True)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serving_default",
        serve,
        input_signature=[tf.TensorSpec([None, PIXELS], tf.float32, name="pixels")],
    )
    archive.write_out(str(directory), verbose=False)


def tensor_column(rows):
    """Returns the rows of a matrix as lists whose elements are declared to be never null."""
    count, length = rows.shape
    offsets = pa.array(np.arange(0, (count + 1) * length, length, dtype=np.int32))
    element = pa.field("element", pa.from_numpy_dtype(rows.dtype), nullable=False)
    return pa.ListArray.from_arrays(offsets, pa.array(rows.reshape(-1)), type=pa.list_(element))


def write(path, **columns):
    """Writes columns without nulls to a Parquet file of several row groups."""
    fields = [pa.field(name, column.type, nullable=False) for name, column in columns.items()]
    table = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=ROW_GROUP_ROWS, compression="zstd")


def main():
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    pixels, labels, in_training = images()
    ids = np.arange(len(labels), dtype=np.int64)
    model = train(pixels[in_training], labels[in_training])
    export(model, EXAMPLES / "models" / "digits")

    # Recorded from the file just written, as it is this file that the tests compare with.
    saved = tf.saved_model.load(str(EXAMPLES / "models" / "digits"))
    test = ~in_training
    scored = saved.signatures["serving_default"](pixels=tf.constant(pixels[test]))
    digit = scored["digit"].numpy()
    print(f"accuracy on {test.sum()} test images: {(digit == labels[test]).mean():.4f}")

    write(
        EXAMPLES / "data" / "digits.parquet",
        id=pa.array(ids),
        pixels=tensor_column(pixels),
        label=pa.array(labels),
        split=pa.array(np.where(in_training, "train", "test")),
    )
    write(
        EXAMPLES / "data" / "expected.parquet",
        id=pa.array(ids[test]),
        probabilities=tensor_column(scored["probabilities"].numpy()),
        digit=pa.array(digit),
    )


if __name__ == "__main__":
    main()
