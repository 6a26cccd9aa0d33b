"""Models over DataFrames and in SQL: what the data source gives, over any query."""

import helpers as it
import numpy as np
import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 20_000
SHARED = "ColumnarMapInBatch handover=shared-memory"


@pytest.fixture
def joined(spark, work):
    """A join: the pixels of one table with the weights of another."""
    path = it.write_pixels(spark, work / "predict.parquet", ROWS)
    weights = spark.range(0, ROWS, 2).select("id", (functions.col("id") / 2).alias("weight"))
    return spark.read.parquet(path).join(weights, "id")


@pytest.fixture
def expected(spark, work):
    """What the data source gives for the rows of the join."""
    path = it.write_pixels(spark, work / "predict.parquet", ROWS)
    return it.arrow(
        it.scored(spark, path, "auto").where("id % 2 = 0").select("id", "digit", "probabilities")
    )


def test_predict_adds_the_outputs_behind_the_columns(joined, expected, adaptive):
    scored = ta.predict(joined, it.DIGITS_MODEL)

    assert scored.columns == ["id", "pixels", "weight", "digit", "probabilities"]
    assert scored.schema["probabilities"].metadata["tensor.shape"] == [10]
    assert it.arrow(scored.select(*expected.column_names)) == expected


def test_views_of_predictions_are_those_of_shared_memory(joined, expected, adaptive):
    scored = ta.predict(joined, it.DIGITS_MODEL, batchRows=4096)
    schema = scored.schema

    def best(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities", schema=schema)
            assert not p.flags.writeable
            assert not p.flags.owndata
            columns = [batch.column("id"), pa.array(p.argmax(1))]
            yield pa.RecordBatch.from_arrays(columns, names=["id", "best"])

    result = scored.mapInArrow(best, "id long, best long")

    assert SHARED in it.plan(result), it.plan(result)
    found = it.arrow(result)
    assert found["id"] == expected["id"]
    assert found["best"] == expected["digit"]
    rows, metrics = it.metrics(result)
    assert rows == ROWS // 2
    assert metrics["sharedBatches"] > 0


def test_functions_of_arrays_take_predictions(joined, expected):
    scored = ta.predict(joined, it.DIGITS_MODEL, outputs={"probabilities": "p"}, handover="arrow")
    result = ta.map_tensors(
        scored, lambda t: {"id": t["id"], "best": t["p"].argmax(1)}, "id long, best long"
    )

    assert "ColumnarMapInBatch handover=arrow" in it.plan(result), it.plan(result)
    assert it.arrow(result)["best"] == expected["digit"]


def test_sql_gives_the_same(spark, joined, expected):
    joined.createOrReplaceTempView("joined")
    scored = spark.sql(
        f"SELECT id, p.* FROM (SELECT id, tf_predict('{it.DIGITS_MODEL}', pixels) AS p FROM joined)"
    )

    assert it.arrow(scored) == expected


def test_inputs_may_have_other_names(joined, expected):
    renamed = joined.select(
        "id", functions.struct(functions.col("pixels").alias("image")).alias("s")
    )
    scored = ta.predict(
        renamed, it.DIGITS_MODEL, inputs={"pixels": ["s", "image"]}, outputs=["digit"]
    )

    assert scored.columns == ["id", "s", "digit"]
    assert it.arrow(scored.select("id", "digit")) == expected.select(["id", "digit"])


def test_paths_with_quotes_and_backslashes_are_taken_as_they_are(spark, work, joined):
    odd = work / "it's a \\ model"
    if not odd.exists():
        odd.symlink_to(it.DIGITS_MODEL)

    assert ta.predict(joined, str(odd)).where("id < 10").count() == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "nowhere"}, "TA_MODEL_NOT_FOUND"),
        ({"signature": "other"}, "TA_SIGNATURE_NOT_FOUND"),
        ({"inputs": {"pixel": "pixels"}}, "TA_INPUT_MISMATCH"),
        ({"inputs": {"pixels": "weight"}}, "TA_INPUT_SHAPE|TA_INPUT_TYPE"),
        ({"outputs": {"digit": "ID"}}, "TA_COLUMN_CLASH"),
        ({"source": "csv"}, "TA_UNSUPPORTED"),
        ({"batchrows": 0}, "TA_OPTION_INVALID"),
        ({"batch_rows": 1}, "TA_OPTION_UNKNOWN"),
    ],
)
def test_what_does_not_fit_is_an_error_of_the_analysis(joined, arguments, message):
    arguments = {"model": it.DIGITS_MODEL, **arguments}
    with pytest.raises(AnalysisException, match=message):
        ta.predict(joined, arguments.pop("model"), **arguments)


def test_options_are_texts_numbers_or_booleans(joined):
    with pytest.raises(ta.TensorArrowError, match="TA_OPTION_INVALID"):
        ta.predict(joined, it.DIGITS_MODEL, batchRows=1.5)


def test_predictions_of_an_empty_dataframe_are_empty(spark, joined):
    scored = ta.predict(joined.where("id < 0"), it.DIGITS_MODEL)

    assert scored.collect() == []
    assert np.array(scored.toPandas()).shape == (0, 5)
