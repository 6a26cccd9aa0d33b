"""Scalar pandas functions get columns without rows between, and nobody can tell by the data."""

import os
from pathlib import Path

import it_common as it
import pandas as pd
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import functions
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    FloatType,
    LongType,
    StringType,
    StructType,
)

ROWS = 3_000
NODE = "ColumnarArrowEval"


def write_rows(spark):
    """Writes rows of 64 floats, with names that Parquet keeps in a dictionary; returns the path."""
    path = str(Path(os.environ["IT_WORK"]) / "rows.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    rows = spark.range(0, ROWS, 1, 3).select(
        "id",
        pixels.alias("pixels"),
        functions.when(functions.col("id") % 3 == 0, None)
        .otherwise(functions.concat(functions.lit("n"), functions.col("id") % 5))
        .alias("name"),
        functions.struct("id", functions.lit("x").alias("x")).alias("pair"),
    )
    rows.write.mode("overwrite").parquet(path)
    return path


@pandas_udf(FloatType())
def most(p: pd.Series) -> pd.Series:
    return p.map(max).astype("float32")


@pandas_udf(ArrayType(DoubleType()))
def doubled(p: pd.Series) -> pd.Series:
    return p.map(lambda row: [2.0 * float(x) for x in row])


@pandas_udf(DoubleType())
def first(p: pd.Series) -> pd.Series:
    return p.map(lambda row: float(row[0]))


@pandas_udf(StringType())
def label(name: pd.Series, digit: pd.Series) -> pd.Series:
    return name.fillna("none") + digit.astype(str)


@pandas_udf(StructType().add("id2", "long").add("digit2", "integer"))
def pair(i: pd.Series, digit: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"id2": i * 2, "digit2": (digit + 1).astype("int32")})


@pandas_udf(LongType())
def failing(i: pd.Series) -> pd.Series:
    if (i == 1234).any():
        raise RuntimeError("on purpose")
    return i


@pandas_udf(LongType())
def short(i: pd.Series) -> pd.Series:
    return i[:-1]


def iterator_functions():
    """Returns functions over iterators: annotations need their names when they are made."""
    from collections.abc import Iterator

    @pandas_udf(LongType())
    def running(parts: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for part in parts:
            yield part + 1

    @pandas_udf(LongType())
    def ahead(parts: Iterator[pd.Series]) -> Iterator[pd.Series]:
        everything = list(parts)
        yield from (part - 1 for part in everything)

    return running, ahead


def predictors():
    """Returns functions that a model of one's own would be called by, in batches of 100 rows."""

    def sums():
        return lambda inputs: inputs.sum(axis=1)

    def both():
        return lambda inputs: {"total": inputs.sum(axis=1), "most": inputs.max(axis=1)}

    options = {"batch_size": 100, "input_tensor_shapes": [[10]]}
    pair_type = StructType().add("total", "float").add("most", "float")
    return (
        predict_batch_udf(sums, return_type=FloatType(), **options),
        predict_batch_udf(both, return_type=pair_type, **options),
    )


def queries():
    """Returns what is asked for, by name; each takes the scored rows."""
    running, ahead = iterator_functions()
    sums, both = predictors()
    return {
        "one": lambda df: df.select("id", most("probabilities")),
        "two": lambda df: df.select("id", most("probabilities"), label("name", "digit"), "pair"),
        "chain": lambda df: df.select("id", first(doubled("probabilities"))),
        "arrays": lambda df: df.select("id", doubled("probabilities"), "probabilities"),
        "where": lambda df: df.where(most("probabilities") > 0.9).select("id", "name", "digit"),
        "struct": lambda df: df.select("id", pair("id", "digit")),
        "iterator": lambda df: df.select("id", running("id")),
        "ahead": lambda df: df.select("name", ahead("id").alias("id")),
        "sums": lambda df: df.select("id", sums("probabilities"), "name"),
        "both": lambda df: df.select("id", both("probabilities")),
        "expression": lambda df: df.select("id", most("probabilities") + functions.col("id")),
        "filtered": lambda df: df.where("id % 7 = 2").select("id", running("id"), "name"),
        "mapped": lambda df: df.select("id", most("probabilities").alias("m")).mapInArrow(
            lambda batches: batches, "id long, m float"
        ),
        "nothing": lambda df: df.where("id < 0").select("id", most("probabilities")),
    }


def check_equal_data(spark, path, **options):
    """Checks that each query gives what Spark's own nodes give, to the bit."""
    for name, query in queries().items():
        fast = query(it.scored(spark, path, "auto", **options))
        slow = query(it.scored(spark, path, "rows", **options))
        assert NODE in it.plan(fast), (name, it.plan(fast))
        assert NODE not in it.plan(slow), (name, it.plan(slow))
        found = fast.orderBy("id").collect()
        assert found == slow.orderBy("id").collect(), name
        assert len(found) > 100 or name == "nothing", (name, len(found))


def check_expressions_are_stock(spark, path):
    """Checks that functions of expressions are left to Spark."""
    df = it.scored(spark, path, "auto").select(
        "id", most("probabilities"), pair(functions.col("id") + 1, "digit")
    )
    assert NODE not in it.plan(df), it.plan(df)
    assert df.count() == ROWS


def check_limits(spark, path):
    """Checks that a query may end before its functions do."""
    running, _ = iterator_functions()
    df = it.scored(spark, path, "auto", batchRows="100")
    assert len(df.select(most("probabilities"), "name").limit(7).collect()) == 7
    assert len(df.select(running("id")).limit(150).collect()) == 150


def check_failures(spark, path):
    """Checks that faults of functions are told as Spark tells them."""
    df = it.scored(spark, path, "auto")
    with it.raises("on purpose"):
        df.select(failing("id")).collect()
    with it.raises("Result vector from pandas_udf was not the required length"):
        df.select(short("id")).collect()


def check_nothing_is_left(spark):
    """Checks that Arrow's memory is given back, also by tasks that are still being killed."""
    allocator = spark.sparkContext._jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    it.eventually(lambda: allocator.getAllocatedMemory() == 0)


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    path = write_rows(spark)
    check_equal_data(spark, path)
    check_nothing_is_left(spark)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "77")
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    check_equal_data(spark, path, batchRows="700")
    check_expressions_are_stock(spark, path)
    check_limits(spark, path)
    check_failures(spark, path)
    check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
