"""SQL and DataFrames: the values are those of Python TensorFlow; limits and filters hold."""

import helpers as it
import numpy as np
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def recorded():
    """Ids, probabilities (rows, 10) and digits of the test images, by Python TensorFlow."""
    table = pq.read_table(it.DIGITS_EXPECTED)
    probabilities = np.array(table["probabilities"].to_pylist(), np.float32)
    return table["id"].to_numpy(), probabilities, table["digit"].to_numpy()


@pytest.fixture
def scored(spark):
    return it.digits(spark)


def assert_as_recorded(rows, recorded):
    """Compares rows of id, probabilities, digit with what was recorded."""
    ids, probabilities, digit = recorded
    assert [row.id for row in rows] == ids.tolist()
    actual = np.array([row.probabilities for row in rows], np.float32)
    np.testing.assert_allclose(actual, probabilities, **it.TOLERANCE)
    assert [row.digit for row in rows] == digit.tolist()


def test_sql_gives_recorded_values(spark, recorded):
    spark.sql(
        "CREATE OR REPLACE TEMPORARY VIEW scored USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', path '{it.DIGITS_DATA}')"
    )
    query = "SELECT id, probabilities, digit FROM scored WHERE split = 'test' ORDER BY id"
    assert_as_recorded(spark.sql(query).collect(), recorded)
    right = spark.sql("SELECT avg(cast(digit = label AS int)) AS share FROM scored").first()
    assert right.share > 0.95


def test_outputs_have_types_and_metadata(scored):
    types = dict(scored.dtypes)
    assert scored.columns == ["id", "pixels", "label", "split", "digit", "probabilities"]
    assert (types["digit"], types["probabilities"]) == ("bigint", "array<float>")
    assert scored.schema["probabilities"].metadata["tensor.dtype"] == "float32"
    assert scored.schema["probabilities"].metadata["tensor.shape"] == [10]


def test_dataframes_give_recorded_values(scored, recorded):
    rows = scored.where("split = 'test'").orderBy("id").select("id", "probabilities", "digit")
    assert_as_recorded(rows.collect(), recorded)


def test_small_batches_give_recorded_values(spark, recorded):
    small = it.digits(spark, batchRows="7").where("split = 'test'")
    assert_as_recorded(small.orderBy("id").collect(), recorded)


def test_filter_on_output(scored, recorded):
    assert scored.where("digit = 3 AND split = 'test'").count() == (recorded[2] == 3).sum()


def test_limits(scored):
    limited = scored.select("id", "digit").limit(5).collect()
    assert len(limited) == len({row.id for row in limited}) == 5
    assert len(scored.limit(0).collect()) == 0


def test_join_on_output(spark, scored):
    names = spark.createDataFrame([(0, "zero"), (1, "one")], "digit long, name string")
    assert scored.join(names, "digit").groupBy("name").count().count() == 2


def test_outputs_are_selected_and_renamed(spark, recorded):
    renamed = it.digits(spark, outputs="probabilities=p")
    assert renamed.columns == ["id", "pixels", "label", "split", "p"]
    first = renamed.where("split = 'test'").orderBy("id").first()
    np.testing.assert_allclose(first.p, recorded[1][0], **it.TOLERANCE)
