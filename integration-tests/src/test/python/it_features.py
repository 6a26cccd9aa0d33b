"""A model of many inputs and outputs, types and ranks: equal to what Python TensorFlow recorded."""

import helpers as it
import numpy as np
import pytest
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql import functions

import tensorarrow as ta

SHAPES = {"y": (), "z": (3,), "grid": (2, 3), "key": (), "open": (-1, -1)}
DTYPES = {"y": "float32", "z": "float64", "grid": "int32", "key": "int64", "open": "int64"}
SQL_TYPES = {
    "y": "float",
    "z": "array<double>",
    "grid": "array<int>",
    "key": "bigint",
    "open": "struct<data:array<bigint>,shape:array<int>>",
}


def scored(spark, **options):
    """Reads the features with the model's outputs."""
    reader = spark.read.format("tensorflow").option("model", it.FEATURES_MODEL)
    return reader.options(**options).load(it.FEATURES_DATA)


def assert_close(actual, expected):
    """Compares numbers; integers must be equal."""
    actual, expected = np.array(actual), np.array(expected)
    if expected.dtype.kind == "i":
        assert np.array_equal(actual, expected)
    else:
        np.testing.assert_allclose(actual, expected, **it.TOLERANCE)


@pytest.mark.parametrize("options", [{}, {"batchRows": "9"}], ids=["auto", "small batches"])
def test_outputs_in_sql_have_types_metadata_and_recorded_values(spark, options):
    df = scored(spark, **options)
    types = dict(df.dtypes)
    for name, sql_type in SQL_TYPES.items():
        assert types[name] == sql_type, (name, types[name])
        metadata = df.schema[name].metadata
        assert metadata["tensor.dtype"] == DTYPES[name]
        assert tuple(metadata["tensor.shape"]) == SHAPES[name]
        assert metadata["tensor.name"] == name
        assert metadata["tensorarrow.version"].replace("-SNAPSHOT", ".dev0") == ta.__version__
    rows = df.orderBy("id").collect()
    assert len(rows) == 200
    for name in ["y", "z", "grid", "key"]:
        assert_close([row[name] for row in rows], [row[f"serving_default_{name}"] for row in rows])
    for part in ["data", "shape"]:
        recorded = [row["serving_default_open"][part] for row in rows]
        assert_close([row["open"][part] for row in rows], recorded)


@pytest.mark.packages
def test_arrays_of_every_output_have_dtypes_and_shapes(spark):
    df = scored(spark)

    def f(t):
        rows = len(t["id"])
        for name, shape in SHAPES.items():
            assert t[name].dtype == np.dtype(DTYPES[name]), name
            dims = tuple(d if w == -1 else w for d, w in zip(t[name].shape[1:], shape))
            assert t[name].shape == (rows, *dims), name
            assert not t[name].flags.writeable
        return {name: t[name] for name in ["id", *SHAPES]}

    declared = ", ".join(f"{name} {kind}" for name, kind in SQL_TYPES.items() if name != "open")
    mapped = ta.map_tensors(df, f, f"id long, {declared}, open array<bigint>")
    by_id = {row.id: row for row in mapped.collect()}
    for row in df.collect():
        for name in ["y", "z", "grid", "key"]:
            assert_close(by_id[row.id][name], row[name])
        assert by_id[row.id]["open"] == row["open"].data


@pytest.mark.packages
def test_text_goes_in_and_out(spark):
    df = scored(spark, signature="text")
    assert dict(df.dtypes)["upper"] == "string"
    assert df.schema["upper"].metadata["tensor.dtype"] == "str"
    rows = df.collect()
    for name in ["upper", "length"]:
        assert [row[name] for row in rows] == [row[f"text_{name}"] for row in rows]

    def lengths(t):
        assert t["upper"].dtype == object
        assert isinstance(t["upper"][0], str)
        return {"id": t["id"], "letters": np.array([len(text) for text in t["upper"]], np.int32)}

    mapped = ta.map_tensors(df, lengths, "id long, letters int").collect()
    assert {row.id: row.letters for row in mapped} == {row.id: row.length for row in rows}


@pytest.mark.parametrize("vectorized", ["true", "false"], ids=["columns", "rows"])
def test_vectors_of_spark_ml_are_fed_like_the_arrays_they_hold(spark, conf, work, vectorized):
    plain = spark.read.parquet(it.DIGITS_DATA)
    sparse = functions.udf(
        lambda v: Vectors.sparse(len(v), [(i, x) for i, x in enumerate(v) if x]), VectorUDT()
    )
    dense = functions.udf(Vectors.dense, VectorUDT())
    path = str(work / "features_vectors")
    plain.select(
        "id",
        "pixels",
        functions.when(functions.col("id") % 2 == 0, dense("pixels"))
        .otherwise(sparse("pixels"))
        .alias("v"),
    ).write.mode("ignore").parquet(path)
    # Of the same files, so that the batches are the same, too: last bits may depend on them.
    of_vectors, of_arrays = (
        spark.read.format("tensorflow")
        .options(model=it.DIGITS_MODEL, inputs=f"pixels={column}")
        .load(path)
        .select("id", "digit", "probabilities")
        for column in ("v", "pixels")
    )
    assert dict(spark.read.parquet(path).dtypes)["v"] == "vector"
    conf("spark.sql.parquet.enableNestedColumnVectorizedReader", vectorized)
    assert of_vectors.orderBy("id").collect() == of_arrays.orderBy("id").collect()
    with it.raises("[TA_INPUT_TYPE]", "'v'", "cast=same_kind"):
        spark.read.format("tensorflow").options(
            model=it.DIGITS_MODEL, inputs="pixels=v", cast="safe"
        ).load(path)


def test_inputs_without_batch_axis_are_refused(spark):
    with it.raises("[TA_INPUT_MISMATCH]", "'factor'"):
        scored(spark, signature="scaled")
    with it.raises("[TA_TENSOR_UNSUPPORTED]", "'factor'", "no batch axis"):
        scored(spark, signature="scaled", inputs="factor=b")
