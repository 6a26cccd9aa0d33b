"""A model's variables are arrays, and NumPy computes with them what the model computes."""

import helpers as it
import numpy as np
import pyarrow.parquet as pq
import pytest

import tensorarrow as ta

DIGITS = {
    "seed_generator/seed_generator_state": ("int64", (2,)),
    "sequential/conv2d/bias": ("float32", (16,)),
    "sequential/conv2d/kernel": ("float32", (3, 3, 1, 16)),
    "sequential/conv2d_1/bias": ("float32", (24,)),
    "sequential/conv2d_1/kernel": ("float32", (3, 3, 16, 24)),
    "sequential/dense/bias": ("float32", (48,)),
    "sequential/dense/kernel": ("float32", (216, 48)),
    "sequential/dense_1/bias": ("float32", (10,)),
    "sequential/dense_1/kernel": ("float32", (48, 10)),
}


def matrix(table, column):
    """Returns a column of lists as a matrix."""
    return np.stack(table[column].to_numpy())


def convolved(images, kernel, bias):
    """Returns what a convolution without padding gives."""
    windows = np.lib.stride_tricks.sliding_window_view(images, kernel.shape[:2], (1, 2))
    return np.einsum("nyxcij,ijco->nyxo", windows, kernel) + bias


def digits_of(pixels, w):
    """Computes what the digits model does with its variables."""

    def weights(layer):
        return w[f"sequential/{layer}/kernel"], w[f"sequential/{layer}/bias"]

    x = np.pad((pixels / 16).reshape(-1, 8, 8, 1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = np.maximum(convolved(x, *weights("conv2d")), 0)
    x = np.maximum(convolved(x, *weights("conv2d_1")), 0)
    x = x.reshape(-1, 3, 2, 3, 2, 24).max((2, 4)).reshape(len(pixels), -1)
    kernel, bias = weights("dense")
    x = np.maximum(x @ kernel + bias, 0)
    kernel, bias = weights("dense_1")
    x = np.exp(x @ kernel + bias)
    return x / x.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def recorded():
    """The pixels of the test images, and what Python TensorFlow computed of them."""
    expected = pq.read_table(it.DIGITS_EXPECTED)
    data = pq.read_table(it.DIGITS_DATA)
    rows = {row: i for i, row in enumerate(data["id"].to_pylist())}
    return matrix(data, "pixels")[[rows[row] for row in expected["id"].to_pylist()]], expected


@pytest.mark.packages
def test_keras_variables_compute_what_the_model_computes(spark, recorded, no_tensorflow):
    # The checkpoint holds them under other names, and twice.
    variables = ta.variables(spark, it.DIGITS_MODEL)
    assert {name: (str(w.dtype), w.shape) for name, w in variables.items()} == DIGITS
    for array in variables.values():
        assert not array.flags.writeable
        with it.raises("WRITEABLE"):
            array.flags.writeable = True
    pixels, expected = recorded
    actual = digits_of(pixels, variables)
    np.testing.assert_allclose(actual, matrix(expected, "probabilities"), **it.TOLERANCE)
    assert (actual.argmax(axis=1) == expected["digit"].to_numpy()).all()
    kernel = ta.variables(spark, it.DIGITS_MODEL, names="sequential/dense/kernel")
    assert list(kernel) == ["sequential/dense/kernel"]
    assert np.array_equal(kernel.popitem()[1], variables["sequential/dense/kernel"])
    assert not it.has_tensorflow(it.jvm_pid(spark))


def test_unknown_names_and_versions_are_refused(spark):
    with it.raises("[TA_VARIABLE_UNKNOWN]", "expected one of 'sequential/dense/kernel'"):
        ta.variables(spark, it.DIGITS_MODEL, names=["dense/kernel"])
    with it.raises("[TA_VERSION_NOT_FOUND]"):
        ta.variables(spark, it.DIGITS_MODEL, 3)


@pytest.mark.packages
def test_scalars_and_vectors_compute_what_the_model_computes(spark):
    w = ta.variables(spark, it.FEATURES_MODEL)
    data = pq.read_table(it.FEATURES_DATA)
    line = matrix(data, "a") @ w["weights"] + w["bias"]
    np.testing.assert_allclose(line, data["serving_default_y"].to_numpy(), **it.TOLERANCE)
    scaled = data["b"].to_numpy()[:, np.newaxis] * w["scales"]
    assert np.array_equal(scaled, matrix(data, "serving_default_z"))
    assert np.array_equal(
        data["k"].to_numpy() + w["offset"], data["serving_default_key"].to_numpy()
    )
    assert w["repeats"].tolist() == [1, 2, 3]
    assert w["repeats"].dtype == np.int32


@pytest.mark.packages
def test_float16_and_bfloat16(spark):
    model = f"{it.ZOO}/module_half"
    raw = ta.variables(spark, model, raw=True)
    assert raw["half"].dtype == np.float16
    assert raw["brain"].dtype == np.uint16
    widened = (raw["brain"].astype(np.uint32) << np.uint32(16)).view(np.float32)
    assert np.isfinite(widened).all()
    assert widened.shape == raw["half"].shape == (4, 3)
    try:
        import ml_dtypes
    except ImportError:
        with it.raises("[TA_TENSOR_UNSUPPORTED]", "variable 'brain'", "ml_dtypes"):
            ta.variables(spark, model)
    else:
        bfloat16 = ta.variables(spark, model)["brain"]
        assert bfloat16.dtype == ml_dtypes.bfloat16
        assert np.array_equal(bfloat16.astype(np.float32), widened)


def test_rows_of_variables_need_no_tensorflow(spark, no_tensorflow):
    reader = spark.read.format("tensorflow").option("variables", "true")
    text = reader.option("model", f"{it.ZOO}/keras3_text").load()
    keys = text.where("dtype = 'str'").collect()
    assert [(row.name, row.shape) for row in keys] == [
        ("_misc_assets/1/.ATTRIBUTES/table-keys", [0])
    ]
    digits = reader.option("model", it.DIGITS_MODEL).load()
    assert digits.select("name").count() == len(DIGITS)
    assert "LocalTableScan" in it.plan(digits.select("name", "shape"))
    assert "VariablesScan" in it.plan(digits)
    largest = digits.selectExpr("name", "length(tensor) n").orderBy("n", ascending=False).first()
    assert largest == ("sequential/dense/kernel", 216 * 48 * 4)
    assert not it.has_tensorflow(it.jvm_pid(spark))
