"""Faults reach Python with a code, what was found and what would be right."""

import it_common as it
import pyarrow as pa

import tensorarrow as ta


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


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    check_reading(spark)
    check_running(spark)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
