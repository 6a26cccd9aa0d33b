"""Models as TensorFlow 1 made them: graphs, sessions and the SavedModelBuilder.

Every function writes a SavedModel into the directory that it is given and returns its example.
"""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_slim
from zoo_models_tf2 import ROWS, WORDS, integers, pick, random
from zoo_recording import Call, Example, Rows, of

v1 = tf.compat.v1
SEED = 20
constants = v1.saved_model.signature_constants


@contextmanager
def session():
    """Runs the block in a graph of its own, with the control flow and variables of TensorFlow 1."""
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    try:
        with tf.Graph().as_default(), v1.Session() as result:
            v1.set_random_seed(SEED)
            yield result
    finally:
        v1.enable_control_flow_v2()
        v1.enable_resource_variables()


def predict(inputs, outputs, method=constants.PREDICT_METHOD_NAME):
    """Returns a signature."""
    infos = [
        {name: v1.saved_model.build_tensor_info(tensor) for name, tensor in tensors.items()}
        for tensors in (inputs, outputs)
    ]
    return v1.saved_model.build_signature_def(*infos, method)


def write(current, directory, signatures, **options):
    """Writes what the session holds."""
    builder = v1.saved_model.Builder(directory)
    builder.add_meta_graph_and_variables(current, ["serve"], signatures, **options)
    builder.save()


def v1_estimator(directory):
    """Reference variables, a vocabulary in a file, and the signatures that Estimators had."""
    folder = Path(tempfile.mkdtemp())
    vocabulary = folder / "vocabulary.txt"
    vocabulary.write_text("\n".join(WORDS[:5]) + "\n", encoding="utf-8")
    with session() as current:
        size = v1.placeholder(tf.float32, [None, 3], "size")
        colour = v1.placeholder(tf.string, [None], "colour")
        file = tf.constant(str(vocabulary))
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, file)
        initializer = tf.lookup.TextFileInitializer(
            file,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        table = tf.lookup.StaticHashTable(initializer, 5)
        embedding = v1.get_variable("embedding", [6, 2], use_resource=False)
        kernel = v1.get_variable("kernel", [5, 3], use_resource=False)
        bias = v1.get_variable("bias", [3], initializer=v1.ones_initializer(), use_resource=True)
        x = tf.concat([size, tf.nn.embedding_lookup(embedding, table.lookup(colour))], 1)
        logits = tf.matmul(x, kernel) + bias
        classes = tf.gather(tf.constant(["low", "middle", "high"]), tf.argmax(logits, 1))
        signatures = {
            "serving_default": predict(
                {"size": size, "colour": colour},
                {"logits": logits, "probabilities": tf.nn.softmax(logits)},
            ),
            "classification": predict(
                {"size": size, "colour": colour},
                {"classes": classes, "scores": tf.nn.softmax(logits)},
                constants.CLASSIFY_METHOD_NAME,
            ),
        }
        current.run([v1.global_variables_initializer(), v1.tables_initializer()])
        write(
            current,
            directory,
            signatures,
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
    columns = {"size": random((3,)), "colour": pick(WORDS)}
    call = Call({"size": "size", "colour": "colour"})
    return Example(columns, {"serving_default": call, "classification": call})


def v1_loops(directory):
    """Control flow of TensorFlow 1: Switch, Merge, Enter and Exit; an array; legacy_init_op."""
    with session() as current:
        x = v1.placeholder(tf.float32, [None, 5, 2], "x")
        kernel = v1.get_variable("kernel", [6, 4], use_resource=False)
        names = tf.lookup.KeyValueTensorInitializer([0, 1], ["even", "odd"], tf.int64, tf.string)
        table = tf.lookup.StaticHashTable(names, "?")
        steps = v1.TensorArray(tf.float32, 5).unstack(tf.transpose(x, [1, 0, 2]))
        written = v1.TensorArray(tf.float32, 5)

        def step(i, state, out):
            state = tf.nn.tanh(tf.matmul(tf.concat([steps.read(i), state], 1), kernel))
            return i + 1, state, out.write(i, state)

        start = tf.zeros([tf.shape(x)[0], 4])
        _, state, out = v1.while_loop(lambda i, *_: i < 5, step, (0, start, written))
        large = v1.cond(tf.shape(x)[0] > 10, lambda: state + 1.0, lambda: state + 1.0)
        parity = table.lookup(tf.cast(tf.reduce_sum(tf.abs(x), [1, 2]), tf.int64) % 2)
        outputs = {
            "state": state,
            "all": tf.transpose(out.stack(), [1, 0, 2]),
            "large": large,
            "parity": parity,
        }
        current.run([v1.global_variables_initializer(), v1.tables_initializer()])
        signatures = {"serving_default": predict({"x": x}, outputs)}
        builder = v1.saved_model.Builder(directory)
        options = {"legacy_init_op": v1.tables_initializer()}
        builder.add_meta_graph_and_variables(current, ["serve"], signatures, **options)
        # One graph for each use of a model, over the same variables.
        builder.add_meta_graph(["serve", "gpu"], signatures)
        builder.save()
    return of({"x": random((5, 2))})


def v1_examples(directory):
    """Serialized tf.Examples in, parsed by the model, as TensorFlow Serving wants it."""
    with session() as current:
        serialized = v1.placeholder(tf.string, [None], "input_example_tensor")
        features = v1.parse_example(
            serialized,
            {
                "size": v1.FixedLenFeature([2], tf.float32),
                "age": v1.FixedLenFeature([], tf.int64, default_value=7),
                "words": v1.VarLenFeature(tf.string),
            },
        )
        sparse = features["words"]
        hashed = tf.strings.to_hash_bucket_fast(sparse.values, 10)
        buckets = tf.SparseTensor(sparse.indices, hashed, sparse.dense_shape)
        embedding = v1.get_variable("embedding", [10, 3])
        words = v1.nn.safe_embedding_lookup_sparse(embedding, buckets, combiner="sum")
        age = tf.cast(features["age"], tf.float32)[:, None]
        x = tf.concat([features["size"], age, words], 1)
        score = tf_slim.fully_connected(x, 2, scope="score", activation_fn=None)
        current.run(v1.global_variables_initializer())
        outputs = {"score": score, "age": features["age"], "words": words}
        write(current, directory, {"serving_default": predict({"examples": serialized}, outputs)})

    generator = np.random.default_rng(SEED)
    rows = []
    for i in range(ROWS):
        example = tf.train.Example()
        feature = example.features.feature
        feature["size"].float_list.value.extend(generator.normal(size=2))
        if i % 3:
            feature["age"].int64_list.value.append(i)
        words = generator.integers(0, len(WORDS), size=i % 4)
        feature["words"].bytes_list.value.extend(WORDS[w].encode() for w in words)
        rows.append(example.SerializeToString(deterministic=True))
    return of({"examples": np.array(rows, dtype=object)})


def v1_slim(directory):
    """A convolutional network of TF-Slim, frozen: constants and no variables at all."""
    with session() as current:
        image = v1.placeholder(tf.float32, [None, 8, 8, 1], "image")
        x = tf_slim.conv2d(image, 4, 3)
        x = tf_slim.max_pool2d(x, 2)
        x = tf_slim.flatten(tf_slim.separable_conv2d(x, 6, 3, depth_multiplier=1))
        logits = tf_slim.fully_connected(x, 3, activation_fn=None)
        logits = tf.identity(logits, "logits")
        current.run(v1.global_variables_initializer())
        frozen = v1.graph_util.convert_variables_to_constants(
            current, current.graph.as_graph_def(), ["logits"]
        )
    with session() as current:
        image, logits = tf.import_graph_def(
            frozen, return_elements=["image:0", "logits:0"], name=""
        )
        write(
            current, directory, {"serving_default": predict({"image": image}, {"logits": logits})}
        )
    return of({"image": random((8, 8, 1))})


def v1_names(directory):
    """Names of tensors that no language has: blanks, dots, slashes, colons, case, back-ticks."""
    with session() as current:
        lower = v1.placeholder(tf.float32, [None, 2], "lower")
        upper = v1.placeholder(tf.float32, [None, 2], "upper")
        other = v1.placeholder(tf.int64, [None], "other")
        scale = v1.get_variable("scope/scale.x", [2], use_resource=True)
        inputs = {"x": lower, "X": upper, "a b/c.d:0, e=f": other}
        outputs = {"y.z": lower * scale - upper, "Y/z": upper + 1.0, "n `n`": other * 2}
        current.run(v1.global_variables_initializer())
        write(current, directory, {"a signature: with/blanks": predict(inputs, outputs)})
    columns = {"low": random((2,)), "up": random((2,), 1), "other.column": integers(0, 99)}
    call = Call(
        {"x": "low", "X": "up", "a b/c.d:0, e=f": "other.column"},
        {
            "inputs": '{"x": "low", "X": "up", "a b/c.d:0, e=f": "`other.column`"}',
            "outputs": '{"y.z": "y z", "Y/z": "Y/z", "n `n`": "n"}',
        },
    )
    return Example(columns, {"a signature: with/blanks": call})


def v1_sparse(directory):
    """Sparse inputs, numbers of a given width and words of any, and a dense one between them."""
    with session() as current:
        numbers = v1.sparse_placeholder(tf.float32, [None, 6], "numbers")
        other = v1.placeholder(tf.float32, [None], "other")
        words = v1.sparse_placeholder(tf.string, [None, None], "words")
        kernel = v1.get_variable("kernel", [6, 2], use_resource=True)
        table = v1.get_variable("table", [10, 4], use_resource=True)
        hashed = tf.strings.to_hash_bucket_fast(words.values, 10)
        buckets = tf.SparseTensor(words.indices, hashed, words.dense_shape)
        ones = tf.sparse.map_values(tf.ones_like, numbers)
        outputs = {
            "product": tf.sparse.sparse_dense_matmul(numbers, kernel) + other[:, tf.newaxis],
            "bag": v1.nn.safe_embedding_lookup_sparse(table, buckets, combiner="mean"),
            "dense": tf.sparse.to_dense(numbers, -1.0),
            "texts": tf.sparse.to_dense(words, "none"),
            "count": tf.reshape(tf.sparse.reduce_sum(ones, axis=1), [-1]),
        }
        current.run(v1.global_variables_initializer())
        inputs = {"numbers": numbers, "numbers.other": other, "words": words}
        write(current, directory, {"serving_default": predict(inputs, outputs)})
    columns = {"numbers": ragged(6), "other": random(()), "words": ragged(4, WORDS)}
    call = Call(
        {"numbers": "numbers", "numbers.other": "other", "words": "words"},
        {"inputs": "numbers.other=other"},
    )
    return Example(columns, {"serving_default": call})


def ragged(longest, choice=None):
    """Returns rows of up to so many floats, some of them zero, or of chosen words."""
    generator = np.random.default_rng(SEED)
    rows = np.empty(ROWS, dtype=object)
    for i in range(ROWS):
        length = generator.integers(0, longest, endpoint=True)
        if choice is None:
            rows[i] = generator.normal(size=length).astype(np.float32)
            rows[i][generator.random(length) < 0.2] = 0
        else:
            rows[i] = np.array([str(word) for word in generator.choice(choice, length)], object)
    if choice is None:
        return Rows(rows, np.dtype(np.float32), longest)
    return Rows(rows, np.dtype(object))


def refused_queue(directory):
    """Reads its rows from a queue, as training graphs did."""
    with session() as current:
        x = v1.placeholder(tf.float32, [None], "x")
        queue = tf.queue.FIFOQueue(10, [tf.float32], shapes=[[]])
        outputs = {"y": x + queue.dequeue()}
        write(current, directory, {"serving_default": predict({"x": x}, outputs)})
