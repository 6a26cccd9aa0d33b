"""The Python module in real workers: arrays, functions of arrays, signatures, Arrow tensors."""

import contextlib
import importlib.util
import io
import os
from pathlib import Path

import dtype_samples
import it_common as it
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.linalg import Vectors

import tensorarrow as ta

SIGNATURE = """\
MetaGraphDef with tag-set: 'serve' contains the following SignatureDefs:

signature_def['serving_default']:
  The given SavedModel SignatureDef contains the following input(s):
    inputs['pixels'] tensor_info:
        dtype: float32
        shape: (-1, 64)
  The given SavedModel SignatureDef contains the following output(s):
    outputs['digit'] tensor_info:
        dtype: int64
        shape: (-1)
    outputs['probabilities'] tensor_info:
        dtype: float32
        shape: (-1, 10)

"""


def check_numpy(scored, expected):
    """Checks plain mapInArrow with views of the tensors."""
    schema = scored.schema

    def best(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities", schema=schema)
            digit = ta.numpy(batch, "digit", schema=schema)
            assert p.shape == (batch.num_rows, 10)
            assert p.dtype == np.float32
            assert digit.dtype == np.int64
            assert not p.flags.writeable
            # The array lies in the batch itself.
            values = batch.column(batch.schema.get_field_index("probabilities")).values
            start = values.buffers()[1].address
            assert start <= p.__array_interface__["data"][0] < start + values.nbytes
            masked, mask = ta.numpy(batch, "probabilities", schema=schema, mask=True)
            assert np.array_equal(masked, p)
            assert not mask.any()
            flat = pa.array(p.reshape(-1))
            offsets = pa.array(np.arange(0, p.size + 1, 10, dtype=np.int32))
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column(batch.schema.get_field_index("id")),
                    pa.array(p.argmax(axis=1)),
                    pa.array(digit),
                    pa.ListArray.from_arrays(offsets, flat),
                ],
                names=["id", "best", "digit", "p"],
            )

    kind = "id long, best long, digit long, p array<float>"
    rows = scored.mapInArrow(best, kind).orderBy("id").collect()
    assert [row.id for row in rows] == expected["id"].to_pylist()
    assert [row.best for row in rows] == expected["digit"].to_pylist()
    assert [row.digit for row in rows] == expected["digit"].to_pylist()
    found = np.array([row.p for row in rows])
    np.testing.assert_allclose(found, expected["probabilities"].to_pylist(), **it.TOLERANCE)


def check_map_tensors(scored, expected):
    """Checks functions of arrays, with schemas of both kinds."""

    def f(t):
        p = t["probabilities"]
        assert p.shape[1:] == (10,)
        assert t["split"].dtype == object
        right = t["digit"] == t["label"]
        return {"id": t["id"], "best": p.argmax(1), "twice": p * 2, "right": right}

    declared = "id long, best long, right boolean, twice array<float>"
    mapped = ta.map_tensors(scored, f, declared)
    assert mapped.columns == ["id", "best", "right", "twice"]
    rows = mapped.orderBy("id").collect()
    assert [row.best for row in rows] == expected["digit"].to_pylist()
    twice = np.array([row.twice for row in rows])
    wanted = 2 * np.array(expected["probabilities"].to_pylist())
    np.testing.assert_allclose(twice, wanted, **it.TOLERANCE)
    again = ta.map_tensors(scored, f, mapped.schema)
    assert again.where("right").count() == sum(row.right for row in rows)
    # Results need not have a row for each row.
    ids = ta.map_tensors(scored, lambda t: {"n": np.array([len(t["id"])])}, "n long")
    assert sum(row.n for row in ids.collect()) == len(rows)
    # The function runs in workers, and so do its faults.
    with it.raises("[TA_RESULT_TYPE]", "'best'", "int64", "float64"):
        ta.map_tensors(scored, lambda t: {"best": t["digit"]}, "best double").collect()
    with it.raises("[TA_UNSUPPORTED]", "map<string,string>"):
        ta.map_tensors(scored, f, "best map<string, string>")


def check_arrow(scored):
    """Checks Arrow's own tensor type."""
    schema = scored.schema

    def f(batches):
        for batch in batches:
            column = ta.arrow(batch, schema=schema).column(
                batch.schema.get_field_index("probabilities")
            )
            assert column.type == pa.fixed_shape_tensor(pa.float32(), (10,))
            array = column.to_numpy_ndarray()
            assert np.array_equal(array, ta.numpy(batch, "probabilities", schema=schema))
            yield pa.RecordBatch.from_arrays([pa.array([len(array)])], names=["n"])

    assert sum(row.n for row in scored.mapInArrow(f, "n long").collect()) == scored.count()


def check_dtypes(spark, model, samples):
    """Checks that every dtype is fed to a model that returns it, and comes back bit by bit."""
    data = str(Path(os.environ["IT_WORK"]) / f"{model}.parquet")
    pq.write_table(dtype_samples.table(samples), data)
    reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/{model}")
    scored = reader.option("batchRows", "5").load(data)
    expected = dtype_samples.arrays(samples)
    schema = scored.schema

    def same(found, name, rows):
        wanted = expected[name][rows]
        assert found.dtype == wanted.dtype, (name, found.dtype)
        assert found.shape == wanted.shape, (name, found.shape)
        assert not found.flags.writeable, name
        given, wanted = (a.tolist() if a.dtype == object else a.tobytes() for a in (found, wanted))
        assert given == wanted, (name, given, wanted)

    def compare(batches):
        for batch in batches:
            rows = batch.column(batch.schema.get_field_index("id")).to_numpy()
            for name in expected:
                same(ta.numpy(batch, name, schema=schema, raw=True), name, rows)
                masked, mask = ta.numpy(batch, name, schema=schema, raw=True, mask=True)
                same(masked, name, rows)
                assert not mask.any()
            yield pa.RecordBatch.from_arrays([pa.array(rows)], names=["id"])

    found = scored.mapInArrow(compare, "id long").collect()
    assert sorted(row.id for row in found) == list(range(dtype_samples.ROWS))

    # All of them go back as they came, but 4 bits are a byte in NumPy, which has another column.
    lacks = [] if importlib.util.find_spec("ml_dtypes") else ["bfloat16"]
    names = [name for name in expected if name.split("_")[0] not in lacks]
    types = dict(scored.dtypes)
    for name in names:
        if name.startswith("uint4"):
            types[name] = types[name].replace("tinyint", "smallint")
    declared = ", ".join(f"`{name}` {types[name]}" for name in ["id", *names])
    mapped = ta.map_tensors(scored, lambda t: {name: t[name] for name in ["id", *names]}, declared)
    wanted = scored.orderBy("id").select("id", *names).collect()
    # Texts, because no NaN is equal to itself.
    assert str(mapped.orderBy("id").collect()) == str(wanted)


def check_bfloat16(spark):
    """Checks what is said of the dtype that NumPy lacks."""
    data = str(Path(os.environ["IT_WORK"]) / "module_dtypes.parquet")
    reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/module_dtypes")
    scored = reader.option("outputs", "bfloat16_vector_out=b").load(data)

    def f(t):
        assert t["b"].dtype.name == "bfloat16"
        return {"n": np.array([t["b"].shape[1]])}

    mapped = ta.map_tensors(scored, f, "n long")
    if importlib.util.find_spec("ml_dtypes"):
        assert {row.n for row in mapped.collect()} == {3}
    else:
        with it.raises("[TA_TENSOR_UNSUPPORTED]", "'b'", "pip install ml_dtypes"):
            mapped.collect()


def check_vectors(spark):
    """Checks that Spark ML's vectors, dense and sparse ones, are fed as arrays."""
    digits = spark.read.parquet(it.DIGITS_DATA).where("id < 40")
    data = str(Path(os.environ["IT_WORK"]) / "vectors")

    def vector(row):
        pixels = [float(p) for p in row.pixels]
        dense = Vectors.dense(pixels)
        sparse = Vectors.sparse(64, {i: p for i, p in enumerate(pixels) if p})
        return (row.id, dense if row.id % 3 else sparse)

    rows = [vector(row) for row in digits.collect()]
    spark.createDataFrame(rows, ["id", "pixels"]).write.parquet(data)
    reader = spark.read.format("tensorflow").option("model", it.DIGITS_MODEL)
    found = reader.load(data).orderBy("id").select("id", "digit").collect()
    assert found == it.digits(spark).where("id < 40").orderBy("id").select("id", "digit").collect()


def check_sparse_vectors(spark):
    """Checks that both forms of Spark ML's vectors feed sparse tensors alike, without zeros."""
    data = str(Path(os.environ["IT_WORK"]) / "sparse_vectors")
    vectors = [
        Vectors.sparse(6, {1: 2.5, 4: -1.5}),
        Vectors.dense(0, 2.5, 0, 0, -1.5, 0),
        Vectors.sparse(6, [0, 5], [0.0, 8.0]),
        Vectors.sparse(6, {}),
    ]
    rows = [(i, vector, float(i), ["blue"]) for i, vector in enumerate(vectors)]
    frame = spark.createDataFrame(rows, ["id", "numbers", "other", "words"])
    frame.coalesce(1).write.parquet(data)
    options = {"model": f"{it.ZOO}/v1_sparse", "inputs": "numbers.other=other"}
    reader = spark.read.format("tensorflow").options(**options)
    found = reader.load(data).orderBy("id").select("count", "dense").collect()
    assert [row["count"] for row in found] == [2, 2, 1, 0]
    some, one, none = [-1, 2.5, -1, -1, -1.5, -1], [-1] * 5 + [8], [-1] * 6
    assert [row.dense for row in found] == [some, some, one, none]
    wide = [(0, Vectors.sparse(7, {1: 2.5}), 0.0, ["blue"])]
    spark.createDataFrame(wide, frame.schema).write.parquet(data + "_wide")
    with it.raises("[TA_INPUT_SHAPE]", "a vector of size 7 in row 0", "expected size 6"):
        reader.load(data + "_wide").collect()


def check_show(spark):
    """Checks the signatures' text, with the active session and with a given one."""
    for given in [{}, {"spark": spark}, {"tags": "serve"}]:
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            ta.show(it.DIGITS_MODEL, **given)
        assert text.getvalue() == SIGNATURE, text.getvalue()
    with it.raises("[TA_TAGS_NOT_FOUND]", "'serve'"):
        ta.show(it.DIGITS_MODEL, tags="train")
    for model, said in {
        "v1_sparse": "        shape: (-1, 6)\n        encoding: sparse\n",
        "refused_file": "        refused: [TA_OP_NOT_ALLOWED] Cannot run signature",
    }.items():
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            ta.show(f"{it.ZOO}/{model}")
        assert said in text.getvalue(), text.getvalue()


def main():
    """Run the checks."""
    with it.raises("[TA_SESSION_MISSING]"):
        ta.show(it.DIGITS_MODEL)
    spark = it.builder().getOrCreate()
    expected = pq.read_table(it.DIGITS_EXPECTED)
    scored = it.digits(spark).where("split = 'test'")
    check_show(spark)
    check_numpy(scored, expected)
    # Slices of a model's batch, more batches than one per task, partitions without rows.
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 7)
    check_numpy(scored.repartition(5), expected)
    check_map_tensors(scored, expected)
    check_arrow(scored)
    for model, samples in dtype_samples.SAMPLES.items():
        check_dtypes(spark, model, samples)
    check_bfloat16(spark)
    check_vectors(spark)
    check_sparse_vectors(spark)
    none = ta.map_tensors(scored.where("false"), lambda t: {"id": t["id"]}, "id long")
    assert none.count() == 0
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
