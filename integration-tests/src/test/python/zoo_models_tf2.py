"""Models that TensorFlow 2 makes: with Keras 3, with Keras 2, as plain modules, and out of JAX.

Every function writes a SavedModel into the directory that it is given and returns its example.
"""

import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
import sonnet
import tensorflow as tf
import tf_keras
from jax.experimental import jax2tf
from keras import layers
from zoo_recording import ROWS, Call, Example, of

# Programs of JAX's name the lines they come from; not where these lie on the machine.
jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")
jax.config.update("jax_include_full_tracebacks_in_locations", False)

SEED = 20
WORDS = ["red", "green", "blue", "cyan", "magenta", "naïve", "三", ""]


def random(shape, seed=SEED):
    """Returns normal float32 values, one row per row of the example."""
    return np.random.default_rng(seed).normal(size=(ROWS, *shape)).astype(np.float32)


def integers(low, high, shape=(), dtype=np.int64):
    """Returns whole numbers, one row per row of the example."""
    return np.random.default_rng(SEED).integers(low, high, size=(ROWS, *shape), dtype=dtype)


def pick(words, shape=()):
    """Returns words, one row per row of the example."""
    return np.array(words, dtype=object)[integers(0, len(words), shape)]


def unsettled(model):
    """Gives each weight another value, so that no layer is trivial, batch statistics included."""
    generator = np.random.default_rng(SEED)
    for weight in model.weights:
        if weight.dtype in ("float32", "float16", "bfloat16"):
            value = 0.3 * generator.normal(size=weight.shape)
            weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)
    return model


# Keras 3 -------------------------------------------------------------------------------------


def keras3_cnn(directory):
    """Convolutions of all kinds, batch normalisation, pooling and a softmax."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D()(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    y = layers.Conv2D(8, 1, activation="swish")(y)
    x = layers.Add()([x, y])
    x = layers.SeparableConv2D(12, 3, strides=2)(x)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = unsettled(keras.Model(image, layers.Dense(5, activation="softmax")(x)))
    model.export(directory, verbose=False)
    return of({"image": random((12, 12, 3))})


def keras3_recurrent(directory):
    """Recurrent layers in both directions, over padded sequences of any length."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(20, 6, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    x = layers.GRU(4)(x)
    model = unsettled(keras.Model(tokens, layers.Dense(2, activation="tanh")(x)))
    model.export(directory, verbose=False)
    padded = integers(1, 20, (9,), np.int32)
    padded[np.arange(9) >= 3 + np.arange(ROWS)[:, np.newaxis] % 7] = 0
    return of({"tokens": padded})


def keras3_transformer(directory):
    """A transformer's block: attention, normalisation and a network for each position."""
    tokens = keras.Input((10,), dtype="int64", name="tokens")
    positions = keras.ops.arange(10)
    x = layers.Embedding(30, 8)(tokens) + layers.Embedding(10, 8)(positions)
    attention = layers.MultiHeadAttention(num_heads=2, key_dim=4)
    x = layers.LayerNormalization()(x + attention(x, x, use_causal_mask=True))
    x = layers.LayerNormalization()(x + layers.Dense(8)(layers.Dense(16, activation="gelu")(x)))
    model = unsettled(keras.Model(tokens, {"hidden": x, "pooled": keras.ops.mean(x, axis=1)}))
    model.export(directory, verbose=False)
    return of({"tokens": integers(0, 30, (10,))})


def keras3_tabular(directory):
    """Layers that prepare columns of a table: vocabularies, hashes, buckets, one-hot."""
    colour = keras.Input((1,), dtype="string", name="colour")
    code = keras.Input((1,), dtype="int64", name="code")
    size = keras.Input((3,), name="size")
    age = keras.Input((1,), name="age")
    normalization = layers.Normalization()
    normalization.adapt(3 * random((3,), 1) + 7)
    parts = [
        layers.StringLookup(vocabulary=WORDS[:6], output_mode="one_hot")(colour),
        layers.IntegerLookup(vocabulary=[3, 5, 8, 13], output_mode="multi_hot")(code),
        layers.CategoryEncoding(4, output_mode="one_hot")(
            layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])(age)
        ),
        layers.CategoryEncoding(7, output_mode="one_hot")(layers.Hashing(7, salt=1)(colour)),
        normalization(size),
    ]
    x = layers.Concatenate()(parts)
    model = keras.Model([colour, code, size, age], {"score": layers.Dense(2)(x), "features": x})
    unsettled(model)
    model.export(directory, verbose=False)
    return of(
        {
            "colour": pick(WORDS, (1,)),
            "code": integers(0, 15, (1,)),
            "size": random((3,)),
            "age": random((1,), 2),
        },
        # The normalization divides by a constant.
        compare="close",
    )


def keras3_text(directory):
    """Text in, through a vocabulary, as in the tutorials on sentiment."""
    text = keras.Input((), dtype="string", name="text")
    vectorization = layers.TextVectorization(max_tokens=40, output_sequence_length=6)
    sentences = np.array(
        ["a red fox", "The green, green grass!", "three blue mice", "", "grüne Äpfel"]
    )
    vectorization.adapt(sentences)
    tokens = vectorization(text)
    x = layers.GlobalAveragePooling1D()(layers.Embedding(40, 5)(tokens))
    model = keras.Model(text, {"tokens": tokens, "score": layers.Dense(1, activation="sigmoid")(x)})
    unsettled(model)
    model.export(directory, verbose=False)
    return of({"text": pick([*sentences, "blue grass of\tthree FOXES", "unknown words"])})


def keras3_mixed(directory):
    """Mixed precision: weights in float32, computation in bfloat16; several end points."""
    features = keras.Input((6,), name="features")
    hidden = layers.Dense(8, activation="relu", dtype="mixed_bfloat16")(features)
    model = unsettled(keras.Model(features, [hidden, layers.Dense(3, dtype="float32")(hidden)]))
    archive = keras.export.ExportArchive()
    archive.track(model)
    specification = [tf.TensorSpec([None, 6], tf.float32, name="features")]
    archive.add_endpoint("serve", lambda x: {"scores": model(x)[1]}, specification)
    archive.add_endpoint("hidden", lambda x: {"hidden": model(x)[0]}, specification)
    archive.write_out(directory, verbose=False)
    call = Call({"features": "features"}, tolerance=2e-2)
    return Example({"features": random((6,))}, {"serve": call, "hidden": call})


# Keras 2 -------------------------------------------------------------------------------------


def keras2_lstm(directory):
    """The layers whose functions name kernels of CUDA beside those for the CPU."""
    series = tf_keras.Input((7, 2), name="series")
    x = tf_keras.layers.LSTM(4, return_sequences=True)(series)
    x = tf_keras.layers.GRU(3)(x)
    model = unsettled(tf_keras.Model(series, tf_keras.layers.Dense(1, name="next")(x)))

    @tf.function(input_signature=[tf.TensorSpec((None, 7, 2), name="series")])
    def serve(series):
        return {"next": model(series)}

    # Without the traces of each layer, which take megabytes and are not part of the signature.
    options = {"include_optimizer": False, "save_traces": False, "signatures": serve}
    model.save(directory, save_format="tf", **options)
    return of({"series": random((7, 2))})


def keras2_tabular(directory):
    """A compiled and trained model with its optimizer, a vocabulary, and several outputs."""
    colour = tf_keras.Input((1,), dtype="string", name="colour")
    size = tf_keras.Input((2,), name="size")
    lookup = tf_keras.layers.StringLookup(vocabulary=WORDS[:5], output_mode="multi_hot")
    x = tf_keras.layers.Concatenate()([lookup(colour), size])
    x = tf_keras.layers.Dropout(0.5)(tf_keras.layers.BatchNormalization()(x))
    x = tf_keras.layers.Dense(4, activation="elu")(x)
    high = tf_keras.layers.Dense(1, name="high")(x)
    low = tf_keras.layers.Dense(2, activation="softmax", name="low")(x)
    model = tf_keras.Model([colour, size], [high, low])
    model.compile("adam", "mse")
    columns = {"colour": pick(WORDS, (1,)), "size": random((2,))}
    tensors = {name: tf.constant(values.tolist()) for name, values in columns.items()}
    model.fit(tensors, [random((1,), 1), abs(random((2,), 2))], verbose=0)
    unsettled(model)
    model.save(directory, save_format="tf")
    return of(columns)


# tf.Module -----------------------------------------------------------------------------------


def signature(*dims, dtype=tf.float32, **more):
    """Returns the arguments of `tf.function` for the input `x` and others."""
    first = {} if not dims else {"x": tf.TensorSpec(dims, dtype)}
    specs = {**first, **more}
    return [tf.TensorSpec(s.shape, s.dtype, name=name) for name, s in specs.items()]


def save(directory, module, **functions):
    """Writes a module with its signatures."""
    tf.saved_model.save(module, directory, signatures=functions)


def module_control_flow(directory):
    """Loops, branches, maps and arrays of tensors; three signatures."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.matrix = tf.Variable(random((), 3)[:9].reshape(3, 3) * 0.3)
            self.table = tf.Variable([2.0, 3.0, 5.0])

        @tf.function(input_signature=signature(None, 3))
        def loops(self, x):
            state, steps = x, tf.constant(0)
            while tf.logical_and(steps < 20, tf.reduce_max(tf.abs(state)) < 50.0):
                state = tf.matmul(state, self.matrix) * 1.5 + x
                steps += 1
                if steps > 4:
                    break
            history = tf.TensorArray(tf.float32, size=4)
            for i in tf.range(4):
                history = history.write(i, state * tf.cast(i, tf.float32))
            return {"state": state, "history": tf.transpose(history.stack(), [1, 0, 2])}

        @tf.function(input_signature=signature(None, dtype=tf.int32))
        def branches(self, x):
            def one(n):
                return tf.switch_case(
                    n % 3,
                    [lambda: n * 2, lambda: n + 100, lambda: tf.cond(n > 9, lambda: -n, lambda: n)],
                )

            return {"y": tf.map_fn(one, x), "n": tf.vectorized_map(lambda v: v * v - 1, x)}

        @tf.function(input_signature=signature(None, 3))
        def nested(self, x):
            def row(r):
                total = tf.constant(0.0)
                for i in tf.range(3):
                    j = i
                    while j > 0:
                        total += r[j] * self.table[i]
                        j -= 1
                return total

            sums = tf.map_fn(row, x)
            return {"sums": sums, "scan": tf.scan(lambda a, v: 0.0 * a + v, x)}

    module = Module()
    names = {"serving_default": module.loops, "branches": module.branches, "nested": module.nested}
    save(directory, module, **names)
    return Example(
        {"x": random((3,)), "n": integers(-20, 20, dtype=np.int32)},
        {
            "serving_default": Call({"x": "x"}),
            "branches": Call({"x": "n"}, {"inputs": "x=n"}),
            "nested": Call({"x": "x"}),
        },
    )


NUMBERS = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "string",
]
QUANTIZED = ["qint8", "quint8", "qint16", "quint16", "qint32"]
NARROW = ["float8_e5m2", "float8_e4m3fn", "int4", "uint4"]


def values_of(dtype, shape):
    """Returns values of a dtype, its extremes first, and what floats have besides numbers."""
    kind = tf.dtypes.as_dtype(dtype)
    size = ROWS * int(np.prod(shape))
    generator = np.random.default_rng(SEED)
    if dtype == "string":
        words = [b"", b"short", "Ähre 三".encode(), b"\x00\xff\x00", b"of more than 22 bytes" * 3]
        values = np.array(words, dtype=object)[np.arange(size) % len(words)]
    elif dtype == "bool":
        values = generator.integers(0, 2, size=size).astype(bool)
    elif kind.is_integer or kind.is_quantized or dtype.startswith("float8"):
        bits = 4 if dtype.endswith("int4") else 8 * kind.size
        unsigned = "uint" in dtype or "float8" in dtype
        low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        storage = np.uint64 if unsigned else np.int64
        drawn = generator.integers(low, high, size, storage, endpoint=True)
        whole = [low, high, 0, 1, *map(int, drawn)]
        storage = np.dtype(f"{'u' if unsigned else ''}int{max(bits, 8)}")
        values = np.array(whole[:size], dtype=storage)
        numpy_type = kind.as_numpy_dtype
        values = values.astype(numpy_type) if bits == 4 else values.view(numpy_type)
    else:
        special = [-0.0, np.inf, -np.inf, 1e-5, -1.5]
        values = np.array([*special, *generator.normal(size=size)][:size])
        if kind.is_complex:
            parts = np.stack([values, values[::-1]], axis=-1)
            values = parts.view(np.complex128)[:, 0]
        values = values.astype(kind.as_numpy_dtype)
    return values.reshape(ROWS, *shape)


def echo(directory, dtypes):
    """A module that gives back a scalar, a vector and a matrix of each dtype as they are."""
    shapes = {"scalar": (), "vector": (3,), "matrix": (2, 2)}
    names = {
        f"{dtype}_{rank}": (dtype, shape) for dtype in dtypes for rank, shape in shapes.items()
    }
    specs = {
        name: tf.TensorSpec([None, *shape], tf.dtypes.as_dtype(dtype), name=name)
        for name, (dtype, shape) in names.items()
    }

    class Module(tf.Module):
        @tf.function(input_signature=[specs])
        def echo(self, tensors):
            return {f"{name}_out": tf.identity(tensor) for name, tensor in tensors.items()}

    module = Module()
    save(directory, module, serving_default=module.echo.get_concrete_function())
    columns = {name: values_of(dtype, shape) for name, (dtype, shape) in names.items()}
    return of(columns, options={"strings": "binary"})


def module_dtypes(directory):
    """Every dtype of NumPy's, and strings."""
    return echo(directory, NUMBERS)


def module_quantized(directory):
    """The quantized dtypes."""
    return echo(directory, QUANTIZED)


def module_narrow(directory):
    """Dtypes of eight and four bits."""
    return echo(directory, NARROW)


def module_half(directory):
    """Computation in float16 and bfloat16, and conversions between dtypes."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.half = tf.Variable(tf.cast(random((), 5)[:12].reshape(4, 3), tf.float16))
            self.brain = tf.Variable(tf.cast(random((), 6)[:12].reshape(4, 3), tf.bfloat16))

        @tf.function(input_signature=signature(None, 4))
        def call(self, x):
            half = tf.nn.relu(tf.matmul(tf.cast(x, tf.float16), self.half))
            brain = tf.nn.softmax(tf.matmul(tf.cast(x, tf.bfloat16), self.brain))
            return {
                "half": half,
                "brain": brain,
                "bytes": tf.cast(tf.clip_by_value(x * 50 + 128, 0, 255), tf.uint8),
                "large": tf.cast(x * 1e9, tf.uint64),
                "positive": x > 0,
            }

    module = Module()
    save(directory, module, serving_default=module.call)
    return of({"x": tf.abs(random((4,))).numpy()}, tolerance=2e-2)


def module_strings(directory):
    """Operations on strings."""

    @tf.function(
        input_signature=signature(None, dtype=tf.string, pair=tf.TensorSpec([None, 2], tf.string))
    )
    def call(x, pair):
        return {
            "upper": tf.strings.upper(x, encoding="utf-8"),
            "length": tf.strings.length(x, unit="UTF8_CHAR"),
            "joined": tf.strings.join([pair[:, 0], x, pair[:, 1]], separator="-"),
            "bucket": tf.strings.to_hash_bucket_fast(pair, 1000),
            "coded": tf.io.encode_base64(x),
            "cut": tf.strings.substr(x, 0, 2),
            "clean": tf.strings.regex_replace(x, "[aeiou]", "*"),
            "number": tf.strings.to_number(tf.strings.as_string(tf.strings.length(x)), tf.float64),
            "points": tf.strings.unicode_decode(x, "UTF-8").to_tensor(-1),
            "words": tf.strings.split(x).row_lengths(),
        }

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)
    words = [*WORDS, "a sentence of some words, longer than others", "\x00 inside"]
    return of({"x": pick(words), "pair": pick(words, (2,))}, options={"strings": "binary"})


def module_tables(directory):
    """Vocabularies in files and in constants, with and without buckets for the others."""
    folder = Path(tempfile.mkdtemp())
    (folder / "words.txt").write_text("\n".join(WORDS[:5]) + "\n", encoding="utf-8")
    (folder / "scores.tsv").write_text("".join(f"{w}\t{len(w)}.5\n" for w in WORDS[:7]), "utf-8")
    lookup = tf.lookup

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            vocabulary = lookup.TextFileInitializer(
                str(folder / "words.txt"),
                tf.string,
                lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                lookup.TextFileIndex.LINE_NUMBER,
            )
            self.words = lookup.StaticVocabularyTable(vocabulary, num_oov_buckets=3)
            scores = lookup.TextFileInitializer(
                str(folder / "scores.tsv"), tf.string, 0, tf.float32, 1
            )
            self.scores = lookup.StaticHashTable(scores, -1.0)
            names = lookup.KeyValueTensorInitializer(
                tf.range(5, dtype=tf.int64), tf.constant(WORDS[:5])
            )
            self.names = lookup.StaticHashTable(names, "?")

        @tf.function(input_signature=signature(None, dtype=tf.string))
        def call(self, x):
            number = self.words.lookup(x)
            return {
                "number": number,
                "score": self.scores.lookup(x),
                "name": self.names.lookup(number),
            }

        @tf.function(input_signature=signature(None, 2, dtype=tf.int64))
        def back(self, x):
            return {
                "name": self.names.lookup(x),
                "size": tf.fill(tf.shape(x)[:1], self.scores.size()),
            }

    module = Module()
    save(directory, module, serving_default=module.call, back=module.back)
    return Example(
        {"x": pick(WORDS), "n": integers(-1, 6, (2,))},
        {"serving_default": Call({"x": "x"}), "back": Call({"x": "n"}, {"inputs": "x=n"})},
    )


def module_ragged(directory):
    """Ragged and sparse tensors inside, dense ones outside."""

    @tf.function(
        input_signature=signature(None, dtype=tf.string, n=tf.TensorSpec([None, 4], tf.int32))
    )
    def call(x, n):
        words = tf.strings.split(x, " ")
        lengths = tf.cast(tf.strings.length(words), tf.float32)
        positive = tf.ragged.boolean_mask(n, n > 0)
        sparse = tf.sparse.from_dense(n)
        return {
            "mean": tf.reduce_mean(lengths, axis=1),
            "bigrams": tf.strings.ngrams(words, 2).to_tensor("", shape=[None, 3]),
            "squares": (positive * positive).to_tensor(-1, shape=[None, 4]),
            "sums": tf.sparse.reduce_sum(sparse, axis=1),
            "dense": tf.sparse.to_dense(tf.sparse.map_values(tf.abs, sparse)),
        }

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)
    texts = ["one", "two words", "a text of five words", "", "x  y"]
    return of({"x": pick(texts), "n": integers(-5, 5, (4,), np.int32)})


def module_gradient(directory):
    """Gradients and second derivatives as outputs, and linear algebra on the way."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(random((), 7)[:16].reshape(4, 4))

        @tf.function(input_signature=signature(None, 4))
        def call(self, x):
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    kernel = self.weights[:3, tf.newaxis, :]
                    hidden = tf.nn.tanh(tf.nn.conv1d(x[:, :, tf.newaxis], kernel, 1, "SAME"))
                    energy = tf.reduce_sum(
                        hidden * tf.einsum("bij,jk->bik", hidden, self.weights), [1, 2]
                    )
                first = inner.gradient(energy, x)
                steepness = tf.reduce_sum(first**2, axis=1)
            second = outer.gradient(steepness, x)
            gram = tf.einsum("bi,bj->bij", x, x) + 5 * tf.eye(4)
            return {
                "energy": energy,
                "first": first,
                "second": second,
                "solved": tf.linalg.solve(gram, x[:, :, None]),
                "top": tf.math.top_k(x, 2).indices,
                "spectrum": tf.signal.rfft(x),
            }

    module = Module()
    save(directory, module, serving_default=module.call)
    return of({"x": random((4,))}, tolerance=1e-4)


def module_shapes(directory):
    """Inner dimensions that the signature leaves open."""

    @tf.function(input_signature=signature(None, None))
    def one(x):
        return {
            "doubled": 2 * x,
            "padded": tf.pad(x, [[0, 0], [1, tf.shape(x)[1]]]),
            "sum": tf.reduce_sum(x, 1),
        }

    @tf.function(input_signature=signature(None, None, None, dtype=tf.int64))
    def two(x):
        return {"turned": tf.transpose(x, [0, 2, 1]), "sum": tf.reduce_sum(x, [1, 2])}

    @tf.function(input_signature=signature(None, 2, None, 3))
    def middle(x):
        return {"flat": tf.reshape(x, [tf.shape(x)[0], 2, -1]), "largest": tf.reduce_max(x, axis=2)}

    module = tf.Module()
    module.one, module.two, module.middle = one, two, middle
    save(directory, module, serving_default=one, two=two, middle=middle)
    grid = integers(-9, 9, (2, 3))
    return Example(
        {"x": random((5,)), "grid": grid, "box": random((2, 4, 3))},
        {
            "serving_default": Call({"x": "x"}),
            "two": Call({"x": "grid"}, {"inputs": "x=grid"}),
            "middle": Call({"x": "box"}, {"inputs": "x=box"}),
        },
    )


def module_fixed_batch(directory):
    """A batch of eight rows and no other, as accelerators want it."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(random((), 8)[:8].reshape(4, 2))

        @tf.function(input_signature=signature(8, 4))
        def call(self, x):
            return {"y": tf.matmul(x, self.weights), "label": tf.argmax(x, axis=1)}

    module = Module()
    save(directory, module, serving_default=module.call)
    return of({"x": random((4,))}, batch=8, pad=True)


def module_images(directory):
    """Encoded pictures in, decoded and resized one by one."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(random((), 9)[:27].reshape(3, 3, 3, 1))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="encoded")])
        def call(self, encoded):
            def one(data):
                image = tf.io.decode_image(data, channels=3, expand_animations=False)
                image = tf.image.resize(tf.ensure_shape(image, [None, None, 3]), [6, 6])
                return image / 255.0

            images = tf.map_fn(one, encoded, fn_output_signature=tf.TensorSpec([6, 6, 3]))
            jpeg = tf.map_fn(
                lambda d: tf.shape(tf.image.decode_image(d))[:2],
                encoded,
                fn_output_signature=tf.int32,
            )
            edges = tf.nn.conv2d(images, self.kernel, 2, "VALID")
            return {"pixels": images, "edges": edges, "size": jpeg}

    module = Module()
    save(directory, module, serving_default=module.call)
    generator = np.random.default_rng(SEED)
    pictures = []
    for i in range(ROWS):
        pixels = generator.integers(0, 255, size=(5 + i % 4, 8, 3), dtype=np.uint8)
        encode = tf.io.encode_jpeg if i % 2 else tf.io.encode_png
        pictures.append(encode(pixels).numpy())
    return of({"encoded": np.array(pictures, dtype=object)})


def module_random(directory):
    """Random numbers, of which nothing but the shape is known."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.generator = tf.random.Generator.from_seed(3)

        @tf.function(input_signature=signature(None, 2))
        def call(self, x):
            return {
                "uniform": tf.random.uniform(tf.shape(x)),
                "normal": x + tf.random.normal(tf.shape(x)),
                "kept": tf.nn.dropout(x, 0.5),
                "stateless": tf.random.stateless_uniform(tf.shape(x), seed=[1, 2]),
            }

    module = Module()
    save(directory, module, serving_default=module.call)
    return of({"x": random((2,))}, compare="shape")


def module_compiled(directory):
    """A function that XLA compiles at its first call."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(random((), 10)[:12].reshape(4, 3))

        @tf.function(jit_compile=True)
        def compiled(self, x):
            return tf.nn.relu(tf.matmul(x, self.weights)) + 1.0

        @tf.function(input_signature=signature(None, 4))
        def call(self, x):
            return {"y": self.compiled(x)}

    module = Module()
    save(directory, module, serving_default=module.call)
    return of({"x": random((4,))})


def module_signatures(directory):
    """Outputs without a row for each row, equal outputs, inputs given back, an optional input."""

    @tf.function(input_signature=signature(None, 2, y=tf.TensorSpec([None], tf.float32)))
    def call(x, y):
        return {
            "same": x,
            "again": x,
            "sum": x + y[:, None],
            "total": tf.reduce_sum(x),
            "fixed": tf.constant([1.0, 2.0]),
        }

    @tf.function(input_signature=signature(None, 2))
    def single(x):
        return tf.reduce_prod(x, axis=1)

    module = tf.Module()
    module.call, module.single = call, single
    save(directory, module, predict=call, single=single)
    columns = {"x": random((2,)), "y": random((), 4)}
    return Example(columns, {"predict": Call({"x": "x", "y": "y"}), "single": Call({"x": "x"})})


# Other makers --------------------------------------------------------------------------------


def sonnet_mlp(directory):
    """A network of DeepMind's Sonnet."""
    network = sonnet.Sequential(
        [
            sonnet.nets.MLP([6, 4], activate_final=True),
            sonnet.LayerNorm(-1, True, True),
            sonnet.Linear(2),
        ]
    )

    @tf.function(input_signature=signature(None, 3))
    def call(x):
        return {"y": network(x)}

    call(random((3,)))
    module = tf.Module()
    module.call, module.variables_of_network = call, list(network.variables)
    save(directory, module, serving_default=call)
    return of({"x": random((3,))})


def jax_network(directory, **options):
    """Writes a network of JAX's."""
    weights = {"w": random((), 11)[:12].reshape(4, 3), "b": random((), 12)[:3]}

    def network(parameters, x):
        product = jnp.sum(x[:, :, None] * parameters["w"], axis=1)
        hidden = jnp.tanh(product + parameters["b"])
        return {"y": jax.nn.softmax(hidden), "largest": jnp.argmax(hidden, axis=1)}

    module = tf.Module()
    module.parameters = tf.nest.map_structure(tf.Variable, weights)
    converted = jax2tf.convert(network, polymorphic_shapes=[None, "(b, ...)"], **options)

    @tf.function(input_signature=signature(None, 4), autograph=False)
    def call(x):
        return converted(module.parameters, x)

    module.call = call
    save(directory, module, serving_default=call)


def jax_compiled(directory):
    """JAX as it is saved by default: a program for XLA within one operation."""
    jax_network(directory, native_serialization_platforms=["cpu"])
    return of({"x": random((4,))}, options={"allowOps": "XlaCallModule"})


def jax_graph(directory):
    """JAX as a graph of TensorFlow's operations."""
    jax_network(directory, native_serialization=False, enable_xla=False)
    return of({"x": random((4,))})


# Refused -------------------------------------------------------------------------------------


def refused_counter(directory):
    """Each call changes a variable."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.count = tf.Variable(0)

        @tf.function(input_signature=signature(None))
        def call(self, x):
            return {"y": x + tf.cast(self.count.assign_add(1), tf.float32)}

    module = Module()
    save(directory, module, serving_default=module.call)


def refused_file(directory):
    """Reads files, in a function that a loop calls."""

    @tf.function(input_signature=signature(None, dtype=tf.string))
    def call(x):
        return {"content": tf.map_fn(tf.io.read_file, x)}

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)


def refused_python(directory):
    """Calls Python."""

    @tf.function(input_signature=signature(None))
    def call(x):
        return {"y": tf.ensure_shape(tf.py_function(lambda v: v + 1, [x], tf.float32), [None])}

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)


def refused_print(directory):
    """Prints."""

    @tf.function(input_signature=signature(None))
    def call(x):
        tf.print("rows", tf.shape(x))
        return {"y": x + 1}

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)


def refused_two_handles(directory):
    """A layer of Keras 3 held in a module: each weight is saved under two handles."""

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.layer = layers.Dense(2)
            self.layer.build((None, 3))

        @tf.function(input_signature=signature(None, 3))
        def call(self, x):
            return {"y": self.layer(x)}

    module = Module()
    save(directory, module, serving_default=module.call)


def refused_custom_operation(directory):
    """Tokenizes with an operation of tensorflow-text's, which TensorFlow itself lacks."""
    import tensorflow_text

    @tf.function(input_signature=signature(None, dtype=tf.string))
    def call(x):
        return {"folded": tensorflow_text.case_fold_utf8(x)}

    module = tf.Module()
    module.call = call
    save(directory, module, serving_default=call)
