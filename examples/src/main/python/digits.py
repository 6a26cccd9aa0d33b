"""Reads handwritten digits with a TensorFlow model inside Spark, and its tensors with NumPy.

`examples/run` starts it. By hand, from the repository's root, with the connector's jar for the JVM
and for Python alike:

    spark-submit --jars JAR --py-files JAR examples/src/main/python/digits.py
"""

import time

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

import tensorarrow as ta

MODEL = "examples/models/digits"
DATA = "examples/data/digits.parquet"
START = time.monotonic()


def step(text):
    """Say what happens next, and when."""
    print(f"\n[{time.monotonic() - START:5.1f} s] {text}", flush=True)


def plan_of(df):
    """Return the lines of the physical plan, by public API only."""
    df.createOrReplaceTempView("explained")
    return df.sparkSession.sql("EXPLAIN SELECT * FROM explained").first()[0].splitlines()


def main():
    """Run the example."""
    step("Starting Spark")
    spark = SparkSession.builder.appName("digits").getOrCreate()

    step(f"The signatures of {MODEL}")
    ta.show(MODEL)

    step(f"{DATA} with the model's outputs as columns")
    scored = spark.read.format("tensorflow").option("model", MODEL).load(DATA)
    scored.printSchema()

    # The model never saw the images of the split "test". The filter runs before the model, so
    # only these are scored.
    scored = scored.where("split = 'test'")

    step("Predictions beside the true labels")
    certainty = fn.round(fn.array_max("probabilities"), 4).alias("certainty")
    scored.select("id", "label", "digit", certainty).show(10)

    step("Accuracy on images the model was not trained with")
    right = (fn.col("digit") == fn.col("label")).cast("int")
    result = scored.agg(fn.count("*").alias("images"), fn.avg(right).alias("accuracy")).first()
    print(f"{result.accuracy:.2%} of {result.images} images")

    step("What the scan does, by EXPLAIN")
    for line in plan_of(scored.select("id", "digit")):
        if "InferenceScan" in line:
            print(line[line.index("InferenceScan") :])

    step("ta.predict: the model over a join, for the rows that the join keeps")
    names = [(1, "one"), (3, "three"), (8, "eight")]
    names = spark.createDataFrame(names, "label int, name string")
    images = spark.read.parquet(DATA).where("split = 'test'").join(names, "label")
    named = ta.predict(images, MODEL, outputs="digit")
    named.groupBy("name").agg(fn.count_if(fn.expr("digit = label")).alias("right")).show()

    step("mapInArrow: the probabilities as NumPy arrays, nothing copied or converted")
    schema = scored.schema

    def surest(batches):
        for batch in batches:
            probabilities = ta.numpy(batch, "probabilities", schema=schema)
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("id"),
                    pa.array(probabilities.argmax(axis=1)),
                    pa.array(probabilities.max(axis=1)),
                ],
                names=["id", "best", "probability"],
            )

    best = scored.mapInArrow(surest, "id long, best long, probability float")
    best.orderBy("probability").show(5)

    step("map_tensors: arrays in, arrays out")

    def runner_up(tensors):
        order = tensors["probabilities"].argsort(axis=1)
        return {"label": tensors["label"], "first": order[:, -1], "second": order[:, -2]}

    guesses = ta.map_tensors(scored, runner_up, "label int, first long, second long")
    missed = guesses.where("first <> label")
    missed.groupBy("label", "first", "second").count().orderBy(fn.desc("count"), "label").show(5)
    saved = missed.where("second = label").count()
    print(f"the second guess is right for {saved} of {missed.count()} misread images")

    step("Its plan")
    print("\n".join(line for line in plan_of(guesses) if line))

    step("Done")
    spark.stop()


if __name__ == "__main__":
    main()
