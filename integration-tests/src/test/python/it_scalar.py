"""Scalar pandas UDFs over tensor columns: the columns reach them as they are, and equal data comes.

What a UDF answers is put to the rows that it was given, also where it cuts its answers otherwise.
"""

import os
from pathlib import Path

import it_common as it
import numpy as np
import pandas as pd
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import functions, types

ROWS = 3_000
NODE = "ColumnarArrowEval"
ENDS = (
    types.StructType()
    .add("low", types.FloatType())
    .add("high", types.FloatType())
    .add("text", types.StringType())
)


def write_rows(spark):
    """Writes rows of 64 floats, with other columns beside, some of whose partitions are empty."""
    path = str(Path(os.environ["IT_WORK"]) / "scalar.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    rows = spark.range(0, ROWS, 1, 2).select(
        "id",
        pixels.alias("pixels"),
        functions.when(functions.col("id") % 3 == 0, None).otherwise(
            functions.concat(functions.lit("n"), functions.col("id") % 7)
        ),
        functions.to_timestamp(functions.col("id")).alias("time"),
        functions.col("id").cast("decimal(12,2)").alias("amount"),
        functions.struct("id", functions.lit("x").alias("x")).alias("pair"),
    )
    rows.toDF("id", "pixels", "name", "time", "amount", "pair").write.parquet(path)
    return path


def scored(spark, path, way, **options):
    """Reads the rows with the digits model's outputs."""
    reader = spark.read.format("tensorflow").option("model", it.DIGITS_MODEL)
    return reader.option("handover", way).options(**options).load(path)


def plan(df):
    """Returns the physical plan."""
    return df._jdf.queryExecution().executedPlan().toString()


@functions.pandas_udf(types.DoubleType())
def largest(values: pd.Series) -> pd.Series:
    """Takes an array, or a number."""
    return values.map(lambda value: float(np.max(value)))


@functions.pandas_udf(types.ArrayType(types.FloatType()))
def doubled(values: pd.Series) -> pd.Series:
    """Returns arrays."""
    return values.map(lambda value: np.asarray(value) * 2)


@functions.pandas_udf(types.DoubleType())
def plus_one(values: pd.Series) -> pd.Series:
    """Is put after others."""
    return values + 1


@functions.pandas_udf(types.DoubleType())
def weighted(values: pd.Series, weights: pd.Series) -> pd.Series:
    """Takes two columns."""
    return values.map(np.sum) * weights


@functions.pandas_udf(ENDS)
def ends(values: pd.Series) -> pd.DataFrame:
    """Returns a struct."""
    low, high = values.map(np.min), values.map(np.max)
    return pd.DataFrame({"low": low, "high": high, "text": high.map(str)})


@functions.pandas_udf(types.StringType())
def shout(names: pd.Series) -> pd.Series:
    """Takes texts, some of them missing."""
    return names.map(lambda name: name.upper() if isinstance(name, str) else "none")


@functions.pandas_udf(types.DoubleType(), functions.PandasUDFType.SCALAR_ITER)
def streamed(batches):
    """Answers batch by batch."""
    for values in batches:
        yield values.map(lambda value: float(np.max(value)))


@functions.pandas_udf(types.DoubleType(), functions.PandasUDFType.SCALAR_ITER)
def gathered(batches):
    """Reads all its input before it answers, in pieces that no batch of the input has."""
    every = pd.concat([pd.Series(dtype=object), *batches])
    totals = every.map(lambda value: float(np.sum(value))).astype(float)
    for first in range(0, len(totals), 777):
        yield totals[first : first + 777]


@functions.pandas_udf(types.DoubleType())
def broken(values: pd.Series) -> pd.Series:
    """Fails."""
    raise ValueError("broken on purpose")


@functions.pandas_udf(types.DoubleType())
def short(values: pd.Series) -> pd.Series:
    """Leaves an answer out."""
    return values[:-1].map(np.sum)


@functions.pandas_udf(types.DoubleType(), functions.PandasUDFType.SCALAR_ITER)
def short_stream(batches):
    """Leaves an answer out, of the last batch."""
    for values in batches:
        yield values[:-1].map(np.sum)


@functions.pandas_udf(types.StringType())
def mistyped(values: pd.Series) -> pd.Series:
    """Says that it returns text, and does not."""
    return values.map(lambda value: object())


def sums():
    """A model of one output."""
    return lambda x: x.sum(axis=1)


def moments():
    """A model of two."""
    return lambda x: {"mean": x.mean(axis=1), "top": x[:, :3]}


total = predict_batch_udf(
    sums, return_type=types.FloatType(), batch_size=300, input_tensor_shapes=[[10]]
)
both = predict_batch_udf(
    moments,
    return_type=types.StructType(
        [
            types.StructField("mean", types.FloatType()),
            types.StructField("top", types.ArrayType(types.FloatType())),
        ]
    ),
    batch_size=300,
    input_tensor_shapes=[[10]],
)

QUERIES = {
    "scalar column": lambda df: df.select("id", plus_one("digit")),
    "array column": lambda df: df.select("id", largest("probabilities")),
    "array result": lambda df: df.select("id", doubled("probabilities").alias("d")),
    "several, and a chain": lambda df: df.select(
        "id",
        largest("probabilities"),
        plus_one(largest("probabilities")),
        doubled("probabilities"),
        plus_one("digit"),
    ),
    "struct result": lambda df: df.select("id", ends("probabilities").alias("e")).select("id", "e"),
    "two columns": lambda df: df.select("id", weighted("probabilities", "digit")),
    "the same column twice": lambda df: df.select("id", weighted("digit", "digit")),
    "tensors beside": lambda df: df.select("id", largest("probabilities"), "probabilities"),
    "all columns beside": lambda df: df.withColumn("most", largest("probabilities")),
    "column of the source": lambda df: df.select("id", "digit", shout("name"), largest("pixels")),
    "texts beside": lambda df: df.select("id", "name", largest("probabilities")),
    "iterator": lambda df: df.select("id", "name", streamed("probabilities")),
    "iterator that gathers": lambda df: df.select("id", "name", "pair", gathered("probabilities")),
    "predict_batch_udf": lambda df: df.select("id", "probabilities", total("probabilities")),
    "predict_batch_udf, struct": lambda df: df.select("id", both("probabilities").alias("b")),
    "filter on a result": lambda df: df.where(largest("probabilities") > 0.5).select("id", "digit"),
    "filter below": lambda df: df.where("digit > 3 and id % 5 = 1").select(
        "id", "probabilities", largest("probabilities"), "name"
    ),
    "no rows": lambda df: df.where("id < 0 or digit > 99").select("id", largest("probabilities")),
    "few rows": lambda df: df.where("id = 77").select("id", largest("probabilities"), "name"),
    "UDF over a UDF's filter": lambda df: (
        df.withColumn("most", largest("probabilities"))
        .where("most > 0.2")
        .select("id", gathered("probabilities"), "most")
    ),
}


def stock_rows(spark, path, **options):
    """Returns what Spark's own node gives: schema and rows of each query."""
    answers = {}
    for name, query in QUERIES.items():
        stock = query(scored(spark, path, "rows", **options))
        assert NODE not in plan(stock)
        answers[name] = (stock.schema, stock.orderBy("id").collect())
        assert bool(answers[name][1]) == (name != "no rows"), name
    return answers


def check_equal_data(spark, path, answers, **options):
    """Checks that the rows are those that Spark's own node gives, in type and value."""
    for name, query in QUERIES.items():
        ours = query(scored(spark, path, "auto", **options))
        assert NODE in plan(ours), (name, plan(ours))
        schema, rows = answers[name]
        assert ours.schema == schema, name
        assert ours.orderBy("id").collect() == rows, name


def check_above(spark, path):
    """Checks what works on the results in columns: other functions, projections and limits."""

    def identity(batches):
        yield from batches

    def query(way):
        df = scored(spark, path, way).withColumn("most", largest("probabilities"))
        few = df.where("most > 0.2").select("id", "most", "probabilities", "name")
        return few.mapInArrow(identity, few.schema)

    assert plan(query("auto")).count("Columnar") >= 4, plan(query("auto"))
    assert query("auto").orderBy("id").collect() == query("rows").orderBy("id").collect()


def check_limit(spark, path):
    """Checks that limits end what runs, and get as many rows as they may."""
    for udf in (largest, streamed, gathered, total):
        df = scored(spark, path, "auto").select("id", udf("probabilities").alias("r"), "name")
        assert NODE in plan(df.limit(5)), plan(df.limit(5))
        assert "ColumnarLocalLimit" in plan(df.limit(5)), plan(df.limit(5))
        assert len(df.limit(5).collect()) == 5
        assert len(df.take(3)) == 3
        assert len(df.where("r > -1").limit(1_234).collect()) == 1_234


def check_errors(spark, path):
    """Checks that failures say what they say with Spark's own node."""
    failures = {
        broken: "broken on purpose",
        short: "was not the required length",
        short_stream: "should be the same",
        mistyped: "Traceback",
    }
    for udf, said in failures.items():
        for way in ("rows", "auto"):
            df = scored(spark, path, way).select("id", udf("probabilities"))
            assert (NODE in plan(df)) == (way == "auto")
            with it.raises(said):
                df.collect()


def check_expressions(spark, path):
    """Checks that functions of expressions are Spark's own node's, with the same result."""
    values = {
        way: scored(spark, path, way)
        .select("id", plus_one(functions.col("digit") * 2))
        .orderBy("id")
        for way in ("rows", "auto")
    }
    assert values["auto"].collect() == values["rows"].collect()


def main():
    """Run the checks."""
    spark = it.builder().config("spark.tensorarrow.python.retainedBytes", "20k").getOrCreate()
    path = write_rows(spark)
    answers = stock_rows(spark, path)
    check_equal_data(spark, path, answers)
    check_above(spark, path)
    check_limit(spark, path)
    check_errors(spark, path)
    check_expressions(spark, path)
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    # A model's last bits may depend on the rows of a batch.
    answers = stock_rows(spark, path, batchRows="450")
    check_equal_data(spark, path, answers, batchRows="450")
    check_limit(spark, path)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
