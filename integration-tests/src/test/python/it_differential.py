"""Random queries give equal data in each transfer mode, bit for bit.

IT_SEED sets another seed, IT_ROUNDS another number of random tables; the first has batches that are
large enough for shared memory.
"""

import datetime
import decimal
import os
import random
from dataclasses import dataclass

import dtype_samples
import helpers as it
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import functions, types

SEED = int(os.environ.get("IT_SEED", "20"))
ROUNDS = int(os.environ.get("IT_ROUNDS", "3"))
ROWS = 3_000
FILES = 3
MODES = ["rows", "arrow", "auto"]
SAMPLES = dtype_samples.SAMPLES["module_dtypes"]
EPOCH = datetime.datetime(1970, 1, 1)


def scalar(draw):
    """Returns a random Arrow type without parts, and what draws a value of it."""
    texts = ["", "x", "Ähre \U0001f600", "a" * 30]
    numbers = [0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e-300]
    moment = datetime.timedelta(microseconds=1)
    kinds = [
        (pa.bool_(), lambda: draw.random() < 0.5),
        (pa.int8(), lambda: draw.randint(-128, 127)),
        (pa.int16(), lambda: draw.randint(-(2**15), 2**15 - 1)),
        (pa.int32(), lambda: draw.randint(-(2**31), 2**31 - 1)),
        (pa.int64(), lambda: draw.randint(-(2**63), 2**63 - 1)),
        (pa.float32(), lambda: draw.choice(numbers)),
        (pa.float64(), lambda: draw.choice(numbers)),
        (pa.string(), lambda: draw.choice(texts)),
        (pa.binary(), lambda: draw.randbytes(draw.randint(0, 9))),
        (pa.date32(), lambda: draw.randint(-30_000, 60_000)),
        (pa.timestamp("us", "UTC"), lambda: EPOCH + moment * draw.randint(0, 2**50)),
        (pa.timestamp("us"), lambda: EPOCH + moment * draw.randint(0, 2**50)),
        (pa.decimal128(7, 2), lambda: decimal.Decimal(draw.randint(-(10**6), 10**6)).scaleb(-2)),
        (pa.decimal128(18, 6), lambda: decimal.Decimal(draw.randint(0, 10**17)).scaleb(-6)),
        (pa.decimal128(38, 10), lambda: decimal.Decimal(draw.randint(0, 10**27)).scaleb(-10)),
    ]
    return draw.choice(kinds)


def kind(draw, depth=0):
    """Returns a random Arrow type, and what draws a value of it or a null."""
    shape = draw.choice(["scalar"] * (2 + 3 * depth) + ["list", "struct", "map"])
    nulls = draw.choice([0.0, 0.3, 1.0] if depth == 0 else [0.0, 0.3])
    if shape == "scalar":
        arrow, value = scalar(draw)
    elif shape == "struct":
        parts = [kind(draw, depth + 1) for _ in range(draw.randint(1, 3))]
        arrow = pa.struct([(f"f{i}", part) for i, (part, _) in enumerate(parts)])

        def value():
            return {f"f{i}": drawn() for i, (_, drawn) in enumerate(parts)}
    else:
        part, drawn = kind(draw, depth + 1)
        arrow = pa.list_(part) if shape == "list" else pa.map_(pa.string(), part)

        def value():
            values = [drawn() for _ in range(draw.randint(0, 3))]
            return values if shape == "list" else [(f"k{i}", v) for i, v in enumerate(values)]

    return arrow, lambda: None if draw.random() < nulls else value()


def write_rows(draw, path, groups):
    """Writes rows that the model takes, with random columns beside, some files without rows."""
    path.mkdir()
    kinds = [kind(draw) for _ in range(draw.randint(4, 8))]
    fed = dtype_samples.table(SAMPLES).drop(["id"])
    first = 0
    sizes = [0, *(ROWS // FILES for _ in range(FILES))]
    for size in sizes:
        chosen = fed.take(
            pa.array([draw.randrange(dtype_samples.ROWS) for _ in range(size)], pa.int64())
        )
        table = chosen.append_column("id", pa.array(range(first, first + size), pa.int64()))
        for i, (arrow, drawn) in enumerate(kinds):
            table = table.append_column(f"c{i}", pa.array([drawn() for _ in range(size)], arrow))
        pq.write_table(table, path / f"{first}-{size}.parquet", row_group_size=draw.choice(groups))
        first += size
    return [f"c{i}" for i in range(len(kinds))]


OUTPUTS = [f"{dtype}_{shape}_out" for dtype in SAMPLES for shape in dtype_samples.SHAPES]


def chosen(draw, random_columns):
    """Returns a random selection of columns and a condition."""
    columns = draw.sample(random_columns, draw.randint(1, len(random_columns)))
    columns += [*draw.sample(OUTPUTS, draw.randint(1, 8)), "float32_vector_out"]
    draw.shuffle(columns)
    conditions = ["true", "id % 3 = 1", "id % 97 = 5", "id < 0", "id between 900 and 1200"]
    conditions += ["int32_scalar_out > 0", "bool_scalar_out and id % 2 = 0", "int8_scalar_out = 99"]
    return ["id", *dict.fromkeys(columns)], draw.choice(conditions)


def raw(batches):
    """Returns the Arrow batches that it got, as they are but for the metadata of fields."""
    for batch in batches:
        schema = pa.schema([field.remove_metadata() for field in batch.schema])
        plain = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as stream:
            stream.write_batch(plain)
        yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()])], ["ipc"])


def bits(column, path=""):
    """Yields a column's nulls, lengths and values, floats as their bits."""
    kind = column.type
    yield path, str(kind), column.is_null()
    if pa.types.is_list(kind):
        lengths = pa.compute.list_value_length(column)
        yield f"{path}.length", "", lengths
        yield from bits(column.flatten(), f"{path}.element")
    elif pa.types.is_map(kind):
        yield f"{path}.length", "", pa.array(np.diff(column.offsets.to_numpy()))
        yield from bits(column.keys, f"{path}.key")
        yield from bits(column.items, f"{path}.value")
    elif pa.types.is_struct(kind):
        for field, part in zip(kind, column.flatten()):
            yield from bits(part, f"{path}.{field.name}")
    elif pa.types.is_floating(kind):
        yield path, "", column.view(f"int{kind.bit_width}")
    else:
        yield path, "", column


def assert_same_batches(actual, expected):
    """Checks that the batches of two queries are equal, end to end, in the order of their ids."""
    tables = []
    for rows in (actual, expected):
        streams = [pa.ipc.open_stream(bytes(row.ipc)).read_all() for row in rows]
        tables.append(pa.concat_tables(streams).combine_chunks() if streams else None)
    if None in tables:
        assert tables == [None, None]
        return
    left, right = (
        table.to_batches()[0].take(pa.compute.sort_indices(table, [("id", "ascending")]))
        for table in tables
    )
    assert left.schema.names == right.schema.names
    for name, ours, stock in zip(left.schema.names, left.columns, right.columns):
        for (path, kind, a), (_, stock_kind, b) in zip(bits(ours, name), bits(stock, name)):
            assert kind == stock_kind, (path, kind, stock_kind)
            assert a.equals(b), (path, a, b)


def assert_same_rows(actual, expected):
    """Checks that rows are equal, also where they hold NaN or a zero with a sign."""
    ours, stock = (sorted(map(repr, rows)) for rows in (actual, expected))
    assert ours == stock, next((a, b) for a, b in zip([*ours, ""], [*stock, ""]) if a != b)


@functions.pandas_udf(types.BinaryType())
def memory(cells: pd.Series) -> pd.Series:
    """Returns each cell's bytes."""
    return cells.map(lambda cell: np.asarray(cell).tobytes())


@functions.pandas_udf(types.StringType(), functions.PandasUDFType.SCALAR_ITER)
def texts(batches):
    """Returns each cell as text."""
    for cells in batches:
        yield cells.map(repr).astype(str)


def sums():
    """A model of one output."""
    return lambda x: np.nan_to_num(x).sum(axis=1)


total = predict_batch_udf(
    sums, return_type=types.FloatType(), batch_size=300, input_tensor_shapes=[[3]]
)

# Each takes a DataFrame and the name of a column of any type.
QUERIES = {
    "mapInArrow": (lambda df, _: df.mapInArrow(raw, "ipc binary"), assert_same_batches),
    "chain": (
        lambda df, _: df.mapInArrow(it.identity, df.schema).mapInArrow(raw, "ipc binary"),
        assert_same_batches,
    ),
    "mapInArrow as it is": (lambda df, _: df.mapInArrow(it.identity, df.schema), assert_same_rows),
    "mapInPandas": (
        lambda df, column: df.select("id", "float32_vector_out", column).mapInPandas(
            it.identity, df.select("id", "float32_vector_out", column).schema
        ),
        assert_same_rows,
    ),
    "pandas_udf": (
        lambda df, column: df.select("id", memory("float32_vector_out"), column),
        assert_same_rows,
    ),
    "iterator and predict_batch_udf": (
        lambda df, column: df.select("id", texts("id"), total("float32_vector_out"), column),
        assert_same_rows,
    ),
}


def model_batches(df):
    """Runs a query; returns how often its scan called the model."""
    df._jdf.queryExecution().executedPlan().executeCollect()
    return it.metrics_of(df, lambda node: node.metrics().contains("modelBatches"))["modelBatches"]


@dataclass(frozen=True)
class Round:
    """A random table, and a random query of it.

    Attributes:
        path: the table's files.
        columns: the columns that are read.
        condition: the rows that are read.
        other: the column that some functions get beside the tensors.
        conf: settings of the session.
        batch_rows: rows of a model's batch.
        limited: the query that is limited.
    """

    path: str
    columns: list
    condition: str
    other: str
    conf: dict
    batch_rows: str
    limited: str

    @staticmethod
    def draw(number, work):
        """Draws what a round is about; the first has large batches of all columns."""
        draw = random.Random(f"{SEED}-{number}")
        path = work / f"differential-{number}"
        random_columns = write_rows(draw, path, [100, 5000] if number else [5000])
        columns, condition = chosen(draw, random_columns)
        rows = draw.choice([7, 100, 10_000]) if condition != "true" else draw.choice([333, 10_000])
        batch_rows = draw.choice(["100", "auto"])
        if number == 0:
            columns, condition = ["id", *random_columns, *OUTPUTS], "true"
            rows, batch_rows = 10_000, "auto"
        conf = {
            "spark.sql.adaptive.enabled": draw.choice(["true", "false"]),
            "spark.sql.execution.arrow.maxRecordsPerBatch": str(rows),
        }
        # Stock Spark fails on a complex NaN that comes back from pandas, where it is a null.
        others = [name for name in columns if not name.startswith(("id", "complex", "float32_v"))]
        other = draw.choice(others)
        limited = draw.choice(
            [name for name, (_, same) in QUERIES.items() if same is assert_same_rows]
        )
        drawn = Round(str(path), columns, condition, other, conf, batch_rows, limited)
        print(f"seed {SEED}, round {number}: {drawn}")
        return drawn


@pytest.fixture(scope="module")
def rounds():
    """The rounds that were drawn."""
    return {}


@pytest.fixture(params=range(ROUNDS), ids=lambda number: f"round {number}")
def drawn(request, rounds, work, conf):
    if request.param not in rounds:
        rounds[request.param] = Round.draw(request.param, work)
    for key, value in rounds[request.param].conf.items():
        conf(key, value)
    return rounds[request.param]


@pytest.fixture
def scored(spark, drawn):
    def read(mode):
        reader = spark.read.format("tensorflow").option("model", f"{it.ZOO}/module_dtypes")
        reader = reader.option("handover", mode).option("batchRows", drawn.batch_rows)
        return reader.load(drawn.path).where(drawn.condition).select(drawn.columns)

    return read


@pytest.mark.parametrize("name", QUERIES)
def test_random_queries_give_equal_data(scored, drawn, name):
    query, assert_same = QUERIES[name]
    expected = query(scored("rows"), drawn.other).collect()
    # Scalar functions get columns in one mode only.
    for mode in MODES[1:] if "map" in name or name == "chain" else ["auto"]:
        df = query(scored(mode), drawn.other)
        assert "Columnar" in it.plan(df), mode
        assert_same(df.collect(), expected)


def test_limits_give_some_rows(scored, drawn):
    # A limit gives some of the rows, whichever.
    rows = scored("rows").count()
    limited = QUERIES[drawn.limited][0](scored("auto"), drawn.other).limit(3).collect()
    assert len(limited) == min(3, rows)


def test_every_mode_calls_the_model_equally_often(scored):
    counts = {mode: model_batches(scored(mode).mapInArrow(raw, "ipc binary")) for mode in MODES}
    assert len(set(counts.values())) == 1, counts


def test_large_batches_are_shared(scored, drawn):
    _, metrics = it.metrics(QUERIES["mapInArrow"][0](scored("auto"), drawn.other))
    assert (metrics["sharedBatches"] > 0) or not drawn.path.endswith("-0"), metrics
