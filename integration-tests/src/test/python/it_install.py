"""One way to install: SQL and plain functions work; the module is importable, or is not.

    it_install.py importable|absent [KEY=VALUE...]

says what to expect of `import tensorarrow`, and sets settings of the session.
"""

import sys

import it_common as it
import pyarrow as pa


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

        found = callable(tensorarrow.numpy)
    except ModuleNotFoundError as error:
        assert error.name == "tensorarrow", error
        found = False
    for _ in batches:
        yield pa.RecordBatch.from_arrays([pa.array([found])], names=["found"])


def widest(batches):
    """Yields each batch's largest probability; a plain function that knows only pyarrow."""
    for batch in batches:
        values = batch.column(batch.schema.get_field_index("probabilities")).flatten()
        yield pa.RecordBatch.from_arrays([pa.array([max(values.to_pylist())])], names=["p"])


def strategies(spark):
    """Returns what plans the session's queries, in words."""
    return spark._jsparkSession.sessionState().planner().strategies().toString()


def main(expected, settings):
    """Run the checks."""
    builder = it.builder().master("local[2]").config("spark.driver.memory", "1g")
    for setting in settings:
        builder = builder.config(*setting.split("=", 1))
    spark = builder.getOrCreate()

    # Without the extension, the first use of the data source does it.
    extended = any(setting.startswith("spark.sql.extensions=") for setting in settings)
    assert ("ColumnarPythonStrategy" in strategies(spark)) == extended, strategies(spark)
    spark.sql(
        "CREATE TEMPORARY VIEW scored USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', path '{it.DIGITS_DATA}')"
    )
    share = spark.sql("SELECT avg(cast(digit = label AS int)) AS share FROM scored").first().share
    assert share > 0.95
    assert "ColumnarPythonStrategy" in strategies(spark), strategies(spark)
    scored = spark.table("scored").where("split = 'test'")
    assert all(0.1 <= row.p <= 1 for row in scored.mapInArrow(widest, "p double").collect())

    importable = expected == "importable"
    # Workers that batches are handed to have the jar's module; Spark's own have what was installed.
    for df, wanted in [(scored, True), (scored.orderBy("id"), importable)]:
        found = df.mapInArrow(workers_import, "found boolean").collect()
        assert [row.found for row in found] == [wanted] * len(found), it.plan(df)
        assert len(found) > 0
    assert driver_imports() == importable
    if importable:
        import tensorarrow as ta

        mapped = ta.map_tensors(
            scored, lambda t: {"best": t["probabilities"].argmax(1)}, "best long"
        )
        assert mapped.count() == 360
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
    it.passed(__file__)
