"""Faults reach Python with a code, what was found and what would be right."""

import os

import it_common as it
import pyarrow as pa
from pyspark.sql import functions

import tensorarrow as ta

# How early a file's path has to begin to be read among the first 600 characters of a text.
SHOWN = 600 - 160


def load(spark, data=it.DIGITS_DATA, **options):
    """Reads with options as they are."""
    return spark.read.format("tensorflow").options(**options).load(data)


def check_reading(spark):
    """Checks faults that are found before any task starts."""
    model = it.DIGITS_MODEL
    with it.raises("[TA_OPTION_MISSING]", "model"):
        load(spark)
    with it.raises("[TA_MODEL_NOT_FOUND]", "no/such/model"):
        load(spark, model="/no/such/model")
    with it.raises("[TA_MODEL_NOT_FOUND]"):
        ta.show(it.DIGITS_DATA)
    with it.raises("[TA_OPTION_UNKNOWN]", "signatur", "signature"):
        load(spark, model=model, signatur="serving_default")
    with it.raises("[TA_SIGNATURE_NOT_FOUND]", "servng", "serving_default"):
        load(spark, model=model, signature="servng")
    with it.raises("[TA_TAGS_NOT_FOUND]", "serve"):
        load(spark, model=model, tags="train")
    with it.raises("[TA_OUTPUT_MISMATCH]", "probability", "probabilities"):
        load(spark, model=model, outputs="probability")
    with it.raises("[TA_INPUT_MISMATCH]", "pixels"):
        load(spark, it.FEATURES_DATA, model=model)
    with it.raises("[TA_INPUT_TYPE]", "split"):
        load(spark, model=model, inputs="pixels=split")
    with it.raises("PATH_NOT_FOUND"):
        load(spark, "/no/such/data", model=model)
    with it.raises("[TA_SIGNATURE_NOT_FOUND]"):
        spark.sql(
            f"CREATE TEMPORARY VIEW v USING tensorflow"
            f" OPTIONS (model '{model}', path '{it.DIGITS_DATA}', signature 'x')"
        )


def check_running(spark):
    """Checks faults that are found in tasks and in workers."""
    with it.raises("[TA_INPUT_SHAPE]", "pixels"):
        load(spark, it.FEATURES_DATA, model=it.DIGITS_MODEL, inputs="pixels=a").collect()

    scored = it.digits(spark)

    def without_schema(batches):
        for batch in batches:
            ta.numpy(batch, "probabilities")
            yield pa.RecordBatch.from_arrays([pa.array([1])], names=["n"])

    # Spark's own rows do not say what they are; our batches do.
    assert scored.mapInArrow(without_schema, "n long").count() > 0
    with it.raises("[TA_TENSOR_UNKNOWN]", "schema=scored.schema"):
        it.digits(spark, handover="rows").mapInArrow(without_schema, "n long").collect()
    with it.raises("[TA_COLUMN_UNKNOWN]", "'probabilities'"):
        ta.map_tensors(scored, lambda t: {"p": t["probability"]}, "p float").collect()
    # The session and its workers go on.
    assert scored.select("digit").where("id = 0").count() == 1


def check_rows(spark):
    """Checks that the file and the row of a fault stand early in what Python shows of it."""
    whole = os.environ["IT_WORK"] + "/whole"
    data = os.environ["IT_WORK"] + "/nulls"
    it.write_pixels(spark, whole, 1000)
    pixels = functions.expr("if(id = 809, null, pixels)").alias("pixels")
    ordered = spark.read.parquet(whole).sortWithinPartitions("id")
    ordered.select("id", pixels).write.parquet(data)
    block = [
        functions.input_file_name().alias("file"),
        functions.input_file_block_start().alias("start"),
        functions.input_file_block_length().alias("length"),
    ]
    upto = spark.read.parquet(data).where("id <= 809").groupBy(*block)
    counted = upto.agg(functions.max("id").alias("last"), functions.count("id").alias("rows"))
    place = counted.where("last = 809").first()
    row = f"in row {place.rows - 1} of split {place.start}+{place.length} of '{place.file}'"
    scored = it.scored(spark, data, "auto").select("id", "digit")

    def same(batches):
        yield from batches

    def text(run):
        """Returns what a user sees of the fault."""
        try:
            run()
        except Exception as error:
            assert row in str(error), error
            return str(error)
        raise AssertionError("nothing was raised")

    mapped = scored.mapInArrow(same, scored.schema)
    for run in (
        scored.collect,
        scored.toPandas,
        scored.groupBy("digit").count().collect,
        mapped.collect,
        mapped.toPandas,
    ):
        seen = text(run)
        fault = seen.index("[TA_NULL_INPUT] Cannot feed column 'pixels' to tensor 'pixels'")
        assert fault < seen.index(place.file) < SHOWN, seen
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    # PySpark waits for Arrow in another way, and shows some frames of its own first.
    assert "[TA_NULL_INPUT] Cannot feed column 'pixels'" in text(scored.toPandas)
    spark.conf.unset("spark.sql.execution.arrow.pyspark.enabled")
    assert scored.where("pixels is not null").count() == 999


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    check_reading(spark)
    check_running(spark)
    check_rows(spark)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
