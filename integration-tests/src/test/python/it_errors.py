"""Errors reach Python with a code, what was found and what was expected."""

import helpers as it
import pyarrow as pa
import pytest
from pyspark.sql import functions

import tensorarrow as ta

# How early a file's path has to begin to be read among the first 600 characters of a text.
SHOWN = 600 - 160


def load(spark, data=it.DIGITS_DATA, **options):
    """Reads with options as they are."""
    return spark.read.format("tensorflow").options(**options).load(data)


MODEL = it.DIGITS_MODEL


@pytest.mark.parametrize(
    ("message", "data", "options"),
    [
        (("[TA_OPTION_MISSING]", "model"), it.DIGITS_DATA, {}),
        (
            ("[TA_MODEL_NOT_FOUND]", "no/such/model"),
            it.DIGITS_DATA,
            {"model": "/no/such/model"},
        ),
        (
            ("[TA_OPTION_UNKNOWN]", "signatur", "signature"),
            it.DIGITS_DATA,
            {"model": MODEL, "signatur": "serving_default"},
        ),
        (
            ("[TA_SIGNATURE_NOT_FOUND]", "servng", "serving_default"),
            it.DIGITS_DATA,
            {"model": MODEL, "signature": "servng"},
        ),
        (("[TA_TAGS_NOT_FOUND]", "serve"), it.DIGITS_DATA, {"model": MODEL, "tags": "train"}),
        (
            ("[TA_OUTPUT_MISMATCH]", "probability", "probabilities"),
            it.DIGITS_DATA,
            {"model": MODEL, "outputs": "probability"},
        ),
        (("[TA_INPUT_MISMATCH]", "pixels"), it.FEATURES_DATA, {"model": MODEL}),
        (
            ("[TA_INPUT_TYPE]", "split"),
            it.DIGITS_DATA,
            {"model": MODEL, "inputs": "pixels=split"},
        ),
        (("PATH_NOT_FOUND",), "/no/such/data", {"model": MODEL}),
    ],
    ids=lambda value: value[0].strip("[]") if isinstance(value, tuple) else "",
)
def test_wrong_options_are_refused_before_any_task(spark, message, data, options):
    with it.raises(*message):
        load(spark, data, **options)


def test_show_and_views_refuse_what_reads_refuse(spark):
    with it.raises("[TA_MODEL_NOT_FOUND]"):
        ta.show(it.DIGITS_DATA)
    with it.raises("[TA_SIGNATURE_NOT_FOUND]"):
        spark.sql(
            f"CREATE TEMPORARY VIEW v USING tensorflow"
            f" OPTIONS (model '{MODEL}', path '{it.DIGITS_DATA}', signature 'x')"
        )


def test_rows_of_another_length_are_refused_in_tasks(spark):
    with it.raises("[TA_INPUT_SHAPE]", "pixels"):
        load(spark, it.FEATURES_DATA, model=MODEL, inputs="pixels=a").collect()


@pytest.mark.packages
def test_batches_without_metadata_need_a_schema(spark):
    def without_schema(batches):
        for batch in batches:
            ta.numpy(batch, "probabilities")
            yield pa.RecordBatch.from_arrays([pa.array([1])], names=["n"])

    # Spark's own rows do not say what they are; our batches do.
    assert it.digits(spark).mapInArrow(without_schema, "n long").count() > 0
    with it.raises("[TA_TENSOR_UNKNOWN]", "schema=scored.schema"):
        it.digits(spark, handover="rows").mapInArrow(without_schema, "n long").collect()


def test_unknown_columns_are_refused_and_the_session_goes_on(spark):
    scored = it.digits(spark)
    with it.raises("[TA_COLUMN_UNKNOWN]", "'probabilities'"):
        ta.map_tensors(scored, lambda t: {"p": t["probability"]}, "p float").collect()
    assert scored.select("digit").where("id = 0").count() == 1


@pytest.fixture
def place(spark, work):
    """Rows of which one has no pixels: where they are, its file, and its place in words."""
    data = str(work / "nulls")
    ids = it.write_pixels(spark, work / "no_nulls", 1000)
    pixels = functions.expr("if(id = 809, null, pixels)").alias("pixels")
    ordered = spark.read.parquet(ids).sortWithinPartitions("id")
    ordered.select("id", pixels).write.mode("ignore").parquet(data)
    block = [
        functions.input_file_name().alias("file"),
        functions.input_file_block_start().alias("start"),
        functions.input_file_block_length().alias("length"),
    ]
    upto = spark.read.parquet(data).where("id <= 809").groupBy(*block)
    counted = upto.agg(functions.max("id").alias("last"), functions.count("id").alias("rows"))
    found = counted.where("last = 809").first()
    row = f"in row {found.rows - 1} of split {found.start}+{found.length} of '{found.file}'"
    return data, found.file, row


def text_of(run, row):
    """Returns what a user sees of the error of a row."""
    try:
        run()
    except Exception as error:
        assert row in str(error), error
        return str(error)
    raise AssertionError("nothing was raised")


NULL_INPUT = "[TA_NULL_INPUT] Cannot feed column 'pixels'"


@pytest.mark.parametrize("action", ["collect", "toPandas", "count"])
@pytest.mark.parametrize("mapped", [False, True], ids=["read", "mapped"])
def test_errors_name_file_and_row_early(spark, place, action, mapped):
    data, file, row = place
    df = it.scored(spark, data, "auto").select("id", "digit")
    if mapped:
        df = df.mapInArrow(it.identity, df.schema)
    if action == "count":
        df, action = df.groupBy("digit").count(), "collect"
    text = text_of(getattr(df, action), row)
    assert text.index(NULL_INPUT + " to tensor 'pixels'") < text.index(file) < SHOWN, text


def test_errors_reach_pandas_through_arrow(spark, place, conf):
    conf("spark.sql.execution.arrow.pyspark.enabled", "true")
    data, _, row = place
    df = it.scored(spark, data, "auto").select("id", "digit")
    # PySpark waits for Arrow in another way, and shows some frames of its own first.
    assert NULL_INPUT in text_of(df.toPandas, row)


def test_rows_with_errors_can_be_filtered_out(spark, place):
    assert it.scored(spark, place[0], "auto").where("pixels is not null").count() == 999
