"""The Python module in real workers: arrays, functions of arrays, signatures, Arrow tensors."""

import contextlib
import importlib.util
import io

import dtype_samples
import helpers as it
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
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


@pytest.fixture(scope="module")
def expected():
    """What Python TensorFlow computed of the test images."""
    return pq.read_table(it.DIGITS_EXPECTED)


@pytest.fixture
def scored(spark):
    """The test images with the model's outputs."""
    return it.digits(spark).where("split = 'test'")


@pytest.fixture
def small(conf):
    """Slices of a model's batch: more batches than one per task."""
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "7")


@pytest.mark.packages
def test_numpy_views_the_tensors(scored, expected):
    assert_views(scored, expected)


@pytest.mark.packages
def test_numpy_views_slices_in_partitions_without_rows(scored, expected, small):
    assert_views(scored.repartition(5), expected)


def assert_views(scored, expected):
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
    actual = np.array([row.p for row in rows])
    np.testing.assert_allclose(actual, expected["probabilities"].to_pylist(), **it.TOLERANCE)


@pytest.mark.packages
def test_map_tensors_takes_schemas_of_both_kinds(scored, expected, small):

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
    doubled = 2 * np.array(expected["probabilities"].to_pylist())
    np.testing.assert_allclose(twice, doubled, **it.TOLERANCE)
    again = ta.map_tensors(scored, f, mapped.schema)
    assert again.where("right").count() == sum(row.right for row in rows)


def test_map_tensors_returns_other_numbers_of_rows(scored, small):
    ids = ta.map_tensors(scored, lambda t: {"n": np.array([len(t["id"])])}, "n long")
    assert sum(row.n for row in ids.collect()) == scored.count()
    none = ta.map_tensors(scored.where("false"), lambda t: {"id": t["id"]}, "id long")
    assert none.count() == 0


def test_map_tensors_refuses_results_of_other_types(scored):
    with it.raises("[TA_RESULT_TYPE]", "'best'", "int64", "float64"):
        ta.map_tensors(scored, lambda t: {"best": t["digit"]}, "best double").collect()
    with it.raises("[TA_UNSUPPORTED]", "map<string,string>"):
        ta.map_tensors(scored, lambda t: t, "best map<string, string>")


@pytest.mark.packages
def test_arrow_gives_arrows_own_tensor_type(scored, small):
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


@pytest.mark.packages
@pytest.mark.parametrize("model", dtype_samples.SAMPLES)
def test_every_dtype_comes_back_bit_by_bit(spark, work, model, small):
    samples = dtype_samples.SAMPLES[model]
    data = str(work / f"{model}.parquet")
    pq.write_table(dtype_samples.table(samples), data)
    reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/{model}")
    scored = reader.option("batchRows", "5").load(data)
    expected = dtype_samples.arrays(samples)
    schema = scored.schema

    def assert_same(array, name, rows):
        values = expected[name][rows]
        assert array.dtype == values.dtype, (name, array.dtype)
        assert array.shape == values.shape, (name, array.shape)
        assert not array.flags.writeable, name
        left, right = (a.tolist() if a.dtype == object else a.tobytes() for a in (array, values))
        assert left == right, (name, left, right)

    def compare(batches):
        for batch in batches:
            rows = batch.column(batch.schema.get_field_index("id")).to_numpy()
            for name in expected:
                assert_same(ta.numpy(batch, name, schema=schema, raw=True), name, rows)
                masked, mask = ta.numpy(batch, name, schema=schema, raw=True, mask=True)
                assert_same(masked, name, rows)
                assert not mask.any()
            yield pa.RecordBatch.from_arrays([pa.array(rows)], names=["id"])

    compared = scored.mapInArrow(compare, "id long").collect()
    assert sorted(row.id for row in compared) == list(range(dtype_samples.ROWS))

    # All of them go back as they came, but 4 bits are a byte in NumPy, which has another column.
    lacks = [] if importlib.util.find_spec("ml_dtypes") else ["bfloat16"]
    names = [name for name in expected if name.split("_")[0] not in lacks]
    types = dict(scored.dtypes)
    for name in names:
        if name.startswith("uint4"):
            types[name] = types[name].replace("tinyint", "smallint")
    declared = ", ".join(f"`{name}` {types[name]}" for name in ["id", *names])
    mapped = ta.map_tensors(scored, lambda t: {name: t[name] for name in ["id", *names]}, declared)
    rows = scored.orderBy("id").select("id", *names).collect()
    # Texts, because no NaN is equal to itself.
    assert str(mapped.orderBy("id").collect()) == str(rows)


@pytest.mark.packages
def test_bfloat16_needs_ml_dtypes(spark, work):
    data = str(work / "bfloat16.parquet")
    pq.write_table(dtype_samples.table(dtype_samples.SAMPLES["module_dtypes"]), data)
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


def test_vectors_of_spark_ml_are_fed_as_arrays(spark, work):
    digits = spark.read.parquet(it.DIGITS_DATA).where("id < 40")
    data = str(work / "vectors")

    def vector(row):
        pixels = [float(p) for p in row.pixels]
        dense = Vectors.dense(pixels)
        sparse = Vectors.sparse(64, {i: p for i, p in enumerate(pixels) if p})
        return (row.id, dense if row.id % 3 else sparse)

    rows = [vector(row) for row in digits.collect()]
    spark.createDataFrame(rows, ["id", "pixels"]).write.parquet(data)
    reader = spark.read.format("tensorflow").option("model", it.DIGITS_MODEL)
    of_vectors = reader.load(data).orderBy("id").select("id", "digit").collect()
    of_arrays = it.digits(spark).where("id < 40").orderBy("id").select("id", "digit").collect()
    assert of_vectors == of_arrays


def test_vectors_of_spark_ml_feed_sparse_tensors_without_zeros(spark, work):
    data = str(work / "sparse_vectors")
    vectors = [
        Vectors.sparse(6, {1: 2.5, 4: -1.5}),
        Vectors.dense(0, 2.5, 0, 0, -1.5, 0),
        Vectors.sparse(6, [0, 5], [0.0, 8.0]),
        Vectors.sparse(6, {}),
    ]
    rows = [(i, vector, float(i), ["blue"]) for i, vector in enumerate(vectors)]
    df = spark.createDataFrame(rows, ["id", "numbers", "other", "words"])
    df.coalesce(1).write.parquet(data)
    options = {"model": f"{it.ZOO}/v1_sparse", "inputs": "numbers.other=other"}
    reader = spark.read.format("tensorflow").options(**options)
    scored = reader.load(data).orderBy("id").select("count", "dense").collect()
    assert [row["count"] for row in scored] == [2, 2, 1, 0]
    two, one, none = [-1, 2.5, -1, -1, -1.5, -1], [-1] * 5 + [8], [-1] * 6
    assert [row.dense for row in scored] == [two, two, one, none]
    longer = [(0, Vectors.sparse(7, {1: 2.5}), 0.0, ["blue"])]
    spark.createDataFrame(longer, df.schema).write.parquet(data + "_longer")
    with it.raises("[TA_INPUT_SHAPE]", "a vector of size 7 in row 0", "expected size 6"):
        reader.load(data + "_longer").collect()


@pytest.mark.parametrize(
    "parameters",
    [lambda _: {}, lambda spark: {"spark": spark}, lambda _: {"tags": "serve"}],
    ids=["active session", "given session", "tags"],
)
def test_show_prints_signatures(spark, capture_print, parameters):
    assert capture_print(it.DIGITS_MODEL, **parameters(spark)) == SIGNATURE


def test_show_refuses_unknown_tags(spark):
    with it.raises("[TA_TAGS_NOT_FOUND]", "'serve'"):
        ta.show(it.DIGITS_MODEL, tags="train")


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        ("v1_sparse", "        shape: (-1, 6)\n        encoding: sparse\n"),
        ("refused_file", "        refused: [TA_OP_NOT_ALLOWED] Cannot run signature"),
    ],
)
def test_show_prints_encodings_and_refusals(spark, capture_print, model, lines):
    assert lines in capture_print(f"{it.ZOO}/{model}")


@pytest.fixture
def capture_print():
    """Returns what ``show`` prints."""

    def printed(model, **parameters):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            ta.show(model, **parameters)
        return text.getvalue()

    return printed


def test_show_needs_a_session(sessions):
    sessions.close()
    with it.raises("[TA_SESSION_MISSING]"):
        ta.show(it.DIGITS_MODEL)
