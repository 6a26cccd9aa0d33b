"""One way to install: SQL and plain functions work; the module is importable, or is not.

IT_IMPORTABLE is ``true`` if ``import tensorarrow`` is to work, on the driver and in Spark's own
workers. IT_SETTINGS has settings of the session, ``KEY=VALUE`` separated by spaces.
"""

import os

import helpers as it
import pyarrow as pa
import pytest

IMPORTABLE = os.environ.get("IT_IMPORTABLE", "true") == "true"
SETTINGS = dict(each.split("=", 1) for each in os.environ.get("IT_SETTINGS", "").split())

pytestmark = pytest.mark.settings(
    {"spark.master": "local[1]", "spark.driver.memory": "1g", **SETTINGS}
)
EXTENSION = {"spark.sql.extensions": "io.tensorarrow.spark.TensorArrowExtensions"}


def driver_imports():
    """Returns whether this process can import the module."""
    try:
        import tensorarrow
    except ModuleNotFoundError as error:
        assert error.name == "tensorarrow", error
        return False
    assert tensorarrow.__version__ != "0.0.0.dev0"
    return True


def workers_import(batches):
    """Yields whether this worker can import the module, for each batch."""
    try:
        import tensorarrow

        can_import = callable(tensorarrow.numpy)
    except ModuleNotFoundError as error:
        assert error.name == "tensorarrow", error
        can_import = False
    for _ in batches:
        yield pa.RecordBatch.from_arrays([pa.array([can_import])], names=["can_import"])


def widest(batches):
    """Yields each batch's largest probability; a plain function that knows only pyarrow."""
    for batch in batches:
        values = batch.column(batch.schema.get_field_index("probabilities")).flatten()
        yield pa.RecordBatch.from_arrays([pa.array([max(values.to_pylist())])], names=["p"])


def strategies(spark):
    """Returns what plans the session's queries, in words."""
    return spark._jsparkSession.sessionState().planner().strategies().toString()


@pytest.fixture
def scored(spark):
    """The view of the quick start in SQL."""
    spark.sql(
        "CREATE OR REPLACE TEMPORARY VIEW scored USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', path '{it.DIGITS_DATA}')"
    )
    return spark.table("scored")


def test_first_use_of_data_source_adds_strategy(spark):
    assert "ColumnarPythonStrategy" not in strategies(spark), strategies(spark)
    it.digits(spark)
    assert "ColumnarPythonStrategy" in strategies(spark), strategies(spark)


def test_sql_works(scored):
    assert_sql_works(scored)


def assert_sql_works(scored):
    right = scored.selectExpr("avg(cast(digit = label AS int)) AS share").first()
    assert right.share > 0.95


def test_plain_functions_get_batches(scored):
    assert_plain_functions_get_batches(scored)


def assert_plain_functions_get_batches(scored):
    rows = scored.where("split = 'test'").mapInArrow(widest, "p double").collect()
    assert all(0.1 <= row.p <= 1 for row in rows)


@pytest.mark.parametrize(
    ("ordered", "importable"),
    # Workers that batches are handed to have the jar's module; Spark's own have what is installed.
    [(False, True), (True, IMPORTABLE)],
    ids=["batches", "rows"],
)
def test_workers_import_the_module(scored, ordered, importable):
    df = scored.orderBy("id") if ordered else scored
    rows = df.mapInArrow(workers_import, "can_import boolean").collect()
    assert [row.can_import for row in rows] == [importable] * len(rows), it.plan(df)
    assert len(rows) > 0


def test_the_driver_imports_the_module():
    assert driver_imports() == IMPORTABLE


@pytest.mark.skipif(not IMPORTABLE, reason="the module is not there")
def test_map_tensors_works(scored):
    import tensorarrow as ta

    mapped = ta.map_tensors(
        scored.where("split = 'test'"),
        lambda t: {"best": t["probabilities"].argmax(1)},
        "best long",
    )
    assert mapped.count() == 360


@pytest.mark.skipif("spark.jars" not in SETTINGS, reason="the same in each way to install")
@pytest.mark.settings(EXTENSION)
def test_extension_adds_strategy_when_session_starts(spark):
    assert "ColumnarPythonStrategy" in strategies(spark), strategies(spark)
    scored = it.digits(spark)
    assert_sql_works(scored)
    assert_plain_functions_get_batches(scored)
