"""A model of many inputs and outputs, types and ranks: equal to what Python TensorFlow recorded."""

import os
from pathlib import Path

import it_common as it
import numpy as np
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


def close(found, wanted):
    """Compares numbers; integers must be equal."""
    found, wanted = np.array(found), np.array(wanted)
    if wanted.dtype.kind == "i":
        assert np.array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, **it.TOLERANCE)


def check_columns(df):
    """Checks types, metadata and values of the outputs in SQL."""
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
        close([row[name] for row in rows], [row[f"serving_default_{name}"] for row in rows])
    for part in ["data", "shape"]:
        wanted = [row["serving_default_open"][part] for row in rows]
        close([row["open"][part] for row in rows], wanted)


def check_arrays(df):
    """Checks the arrays of every output in a worker."""

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
    found = {row.id: row for row in mapped.collect()}
    for row in df.collect():
        for name in ["y", "z", "grid", "key"]:
            close(found[row.id][name], row[name])
        assert found[row.id]["open"] == row["open"].data


def check_text(df):
    """Checks text in and out, as rows and as arrays."""
    assert dict(df.dtypes)["upper"] == "string"
    assert df.schema["upper"].metadata["tensor.dtype"] == "str"
    rows = df.collect()
    for name in ["upper", "length"]:
        assert [row[name] for row in rows] == [row[f"text_{name}"] for row in rows]

    def lengths(t):
        assert t["upper"].dtype == object
        assert isinstance(t["upper"][0], str)
        return {"id": t["id"], "letters": np.array([len(text) for text in t["upper"]], np.int32)}

    found = {
        row.id: row.letters for row in ta.map_tensors(df, lengths, "id long, letters int").collect()
    }
    assert found == {row.id: row.length for row in rows}


def check_vectors(spark):
    """Checks that Spark ML's own vectors, dense and sparse, are fed like the arrays they hold."""
    plain = spark.read.parquet(it.DIGITS_DATA)
    sparse = functions.udf(
        lambda v: Vectors.sparse(len(v), [(i, x) for i, x in enumerate(v) if x]), VectorUDT()
    )
    dense = functions.udf(Vectors.dense, VectorUDT())
    path = str(Path(os.environ["IT_WORK"]) / "vectors")
    plain.select(
        "id",
        "pixels",
        functions.when(functions.col("id") % 2 == 0, dense("pixels"))
        .otherwise(sparse("pixels"))
        .alias("v"),
    ).write.mode("overwrite").parquet(path)
    # Of the same files, so that the batches are the same, too: last bits may depend on them.
    found, wanted = (
        spark.read.format("tensorflow")
        .options(model=it.DIGITS_MODEL, inputs=f"pixels={column}")
        .load(path)
        .select("id", "digit", "probabilities")
        for column in ("v", "pixels")
    )
    assert dict(spark.read.parquet(path).dtypes)["v"] == "vector"
    for columnar in ["true", "false"]:
        spark.conf.set("spark.sql.parquet.enableNestedColumnVectorizedReader", columnar)
        assert found.orderBy("id").collect() == wanted.orderBy("id").collect()
    with it.raises("[TA_INPUT_TYPE]", "'v'", "cast=same_kind"):
        spark.read.format("tensorflow").options(
            model=it.DIGITS_MODEL, inputs="pixels=v", cast="safe"
        ).load(path)


def check_refused(spark):
    """Checks a signature that can't be fed row by row: an input without a batch axis."""
    with it.raises("[TA_INPUT_MISMATCH]", "'factor'"):
        scored(spark, signature="scaled")
    with it.raises("[TA_TENSOR_UNSUPPORTED]", "'factor'", "no batch axis"):
        scored(spark, signature="scaled", inputs="factor=b")


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    df = scored(spark)
    check_columns(df)
    check_columns(scored(spark, batchRows="9"))
    check_arrays(df)
    check_text(scored(spark, signature="text"))
    check_vectors(spark)
    check_refused(spark)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
