"""Makes the SavedModels of the benchmarks: `mlp`, `conv` and `strings`.

They are committed under `src/bench/resources/models`, so the benchmarks never run this. Their
weights are drawn by a seeded, stateless initialiser when a model is loaded: a graph of some
kilobytes stands for megabytes of weights.

Made with Python 3.11 and tensorflow-cpu 2.18.0. To make them again:

    pip install "tensorflow-cpu==2.18.*"
    python integration-tests/src/bench/python/make_bench_models.py
"""

import shutil
from pathlib import Path

import tensorflow as tf

v1 = tf.compat.v1
MODELS = Path(__file__).resolve().parents[1] / "resources" / "models"


def weights(name, *shape):
    """A variable that belongs to no checkpoint: the model's initialiser fills it."""
    seed = [sum(map(ord, name)), len(shape)]
    return v1.get_variable(
        name,
        initializer=lambda: tf.random.stateless_uniform(shape, seed, -0.1, 0.1),
        use_resource=True,
        collections=["weights"],
    )


def dense(x, name, units, activation=tf.nn.relu):
    y = x @ weights(f"{name}/kernel", x.shape[-1], units) + weights(f"{name}/bias", units)
    return activation(y)


def convolved(x, name, filters):
    kernel = weights(f"{name}/kernel", 3, 3, x.shape[-1], filters)
    y = tf.nn.conv2d(x, kernel, strides=1, padding="SAME") + weights(f"{name}/bias", filters)
    return tf.nn.max_pool2d(tf.nn.relu(y), 2, 2, "SAME")


def mlp():
    x = v1.placeholder(tf.float32, (None, 128), "x")
    y = dense(dense(x, "first", 512), "second", 512)
    return {"x": x}, {"y": dense(y, "last", 10, tf.nn.softmax)}


def conv():
    x = v1.placeholder(tf.float32, (None, 32, 32, 3), "x")
    y = convolved(convolved(x, "first", 32), "second", 64)
    return {"x": x}, {"y": dense(tf.reshape(y, (-1, 8 * 8 * 64)), "last", 10, tf.nn.softmax)}


def strings():
    """Cleans a text, and looks its hash up in an embedding: strings in, strings and floats out."""
    text = v1.placeholder(tf.string, (None,), "text")
    clean = tf.strings.strip(tf.strings.lower(text))
    buckets = tf.strings.to_hash_bucket_fast(clean, 1000)
    vectors = tf.gather(weights("embedding", 1000, 32), buckets)
    return {"text": text}, {"clean": clean, "vector": vectors}


def save(name, build):
    path = MODELS / name
    shutil.rmtree(path, ignore_errors=True)
    with tf.Graph().as_default(), v1.Session() as session:
        inputs, outputs = build()
        # Named as in the signature, for those who run the graph in a session.
        outputs = {key: tf.identity(tensor, key) for key, tensor in outputs.items()}
        fill = tf.group(*[v.initializer for v in v1.get_collection("weights")])
        session.run(fill)
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": v1.saved_model.predict_signature_def(inputs, outputs)
            },
            main_op=fill,
            strip_default_attrs=True,
        )
        builder.save()


if __name__ == "__main__":
    for model in (mlp, conv, strings):
        save(model.__name__, model)
