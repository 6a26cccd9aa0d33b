"""Scalar pandas UDFs over tensor columns: they get the columns without rows, and return equal data.

Results are joined to the rows of their arguments, also where a UDF returns other batches.
"""

import helpers as it
import numpy as np
import pandas as pd
import pytest
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


pytestmark = [
    pytest.mark.packages,
    pytest.mark.settings({"spark.tensorarrow.python.retainedBytes": "20k"}),
]


@pytest.fixture
def scored(spark, work):
    """Reads rows of 64 floats, with other columns beside, with the digits model's outputs."""
    id_ = functions.col("id")
    path = it.write_pixels(
        spark,
        work / "scalar.parquet",
        ROWS,
        functions.when(id_ % 3 == 0, None)
        .otherwise(functions.concat(functions.lit("n"), id_ % 7))
        .alias("name"),
        functions.to_timestamp(id_).alias("time"),
        id_.cast("decimal(12,2)").alias("amount"),
        functions.struct("id", functions.lit("x").alias("x")).alias("pair"),
    )
    return lambda mode, **options: it.scored(spark, path, mode, **options)


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


def test_results_equal_those_of_sparks_node(scored, query):
    assert_equal_data(scored, query)


def test_results_of_small_batches_equal_those_of_sparks_node(scored, query, small_batches):
    # A model's last bits may depend on the rows of a batch.
    assert_equal_data(scored, query, batchRows="450")


@pytest.fixture(params=QUERIES)
def query(request):
    return QUERIES[request.param]


@pytest.fixture
def small_batches(conf):
    """Cuts a model's batches into those that functions get."""
    conf("spark.sql.adaptive.enabled", "false")
    conf("spark.sql.execution.arrow.maxRecordsPerBatch", "100")


def assert_equal_data(scored, query, **options):
    stock = query(scored("rows", **options))
    assert NODE not in it.plan(stock)
    expected = stock.orderBy("id").collect()
    assert bool(expected) == (query is not QUERIES["no rows"])
    columnar = query(scored("auto", **options))
    assert NODE in it.plan(columnar), it.plan(columnar)
    assert columnar.schema == stock.schema
    assert columnar.orderBy("id").collect() == expected


def test_operators_above_take_results_in_columns(scored):
    def query(mode):
        df = scored(mode).withColumn("most", largest("probabilities"))
        few = df.where("most > 0.2").select("id", "most", "probabilities", "name")
        return few.mapInArrow(it.identity, few.schema)

    assert it.plan(query("auto")).count("Columnar") >= 4, it.plan(query("auto"))
    assert query("auto").orderBy("id").collect() == query("rows").orderBy("id").collect()


UDFS = pytest.mark.parametrize(
    "udf", [largest, streamed, gathered, total], ids=["largest", "streamed", "gathered", "total"]
)


@UDFS
def test_limits_end_running_functions(scored, udf):
    assert_limits(scored, udf)


@UDFS
def test_limits_end_functions_running_on_small_batches(scored, udf, small_batches):
    assert_limits(scored, udf)


def assert_limits(scored, udf):
    df = scored("auto").select("id", udf("probabilities").alias("r"), "name")
    assert NODE in it.plan(df.limit(5)), it.plan(df.limit(5))
    assert "ColumnarLocalLimit" in it.plan(df.limit(5)), it.plan(df.limit(5))
    assert len(df.limit(5).collect()) == 5
    assert len(df.take(3)) == 3
    assert len(df.where("r > -1").limit(1_234).collect()) == 1_234


@pytest.mark.parametrize("mode", ["rows", "auto"])
@pytest.mark.parametrize(
    ("udf", "message"),
    [
        (broken, "broken on purpose"),
        (short, "was not the required length"),
        (short_stream, "should be the same"),
        (mistyped, "Traceback"),
    ],
    ids=["broken", "short", "short stream", "mistyped"],
)
def test_errors_equal_those_of_sparks_node(scored, udf, message, mode):
    df = scored(mode).select("id", udf("probabilities"))
    assert (NODE in it.plan(df)) == (mode == "auto")
    with it.raises(message):
        df.collect()


def test_functions_of_expressions_run_in_sparks_node(scored):
    values = {
        mode: scored(mode).select("id", plus_one(functions.col("digit") * 2)).orderBy("id")
        for mode in ("rows", "auto")
    }
    assert values["auto"].collect() == values["rows"].collect()
