"""A read behaves like Spark's own: guards, caches, schemas, hidden columns, plain messages."""

import os
import shutil
from contextlib import contextmanager

import helpers as it
import pyarrow as pa
import pytest
from pyspark.errors.exceptions.captured import IllegalArgumentException
from pyspark.sql import functions, types

import tensorarrow as ta

METASTORE = f"jdbc:derby:;databaseName={os.environ['IT_WORK']}/metastore_db;create=true"

# With a catalog of Hive's, as in clusters; most checks would do without.
pytestmark = pytest.mark.settings(
    {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": METASTORE,
    }
)


@contextmanager
def refuses(*parts):
    """Checks that the block is refused in one line without the JVM's stack."""
    try:
        yield
    except IllegalArgumentException as error:
        text = str(error)
        missing = [part for part in parts if part not in text]
        assert not missing, f"{missing} not in: {text}"
        assert "\n\tat " not in text, text
    else:
        raise AssertionError(f"nothing was raised; expected {parts}")


@pytest.fixture
def no_caches(spark):
    """Gives up what a check has cached."""
    yield
    spark.catalog.clearCache()


def columns(*names):
    """Returns a function that returns these columns."""

    def select(batches):
        for batch in batches:
            yield batch.select(list(names))

    return select


@functions.pandas_udf(types.LongType())
def plus(ids):
    return ids + 1000


SCHEMA = "id long, pixels array<float>"
READERS = {
    "mapInArrow": lambda df: df.mapInArrow(columns("id", "pixels"), SCHEMA),
    "mapInPandas": lambda df: df.mapInPandas(
        lambda batches: (batch[["id", "pixels"]] for batch in batches), SCHEMA
    ),
    "map_tensors": lambda df: ta.map_tensors(
        df, lambda t: {"id": t["id"], "pixels": t["probabilities"]}, SCHEMA
    ),
    "pandas_udf": lambda df: df.select(plus("id").alias("id"), "pixels"),
    "cached": lambda df: df.select("id", "pixels", "digit").cache().select("id", "pixels"),
    "udf": lambda df: df.select(functions.udf(lambda i: i, "long")("id").alias("id"), "pixels"),
    "filtered": lambda df: df.where(functions.udf(lambda i: i > 0, "boolean")("digit")).select(
        "id", "pixels"
    ),
}


@pytest.fixture
def table(spark, work):
    """The path of a catalog table named pixels, of 100 rows."""
    path = str(work / "tables/pixels")
    spark.sql("DROP TABLE IF EXISTS pixels")
    shutil.rmtree(path, ignore_errors=True)
    it.write_pixels(spark, path, 100)
    spark.sql(f"CREATE TABLE pixels USING parquet LOCATION '{path}'")
    return path


@pytest.mark.parametrize("name", READERS)
def test_overwrites_of_read_tables_are_refused_behind_functions(spark, table, no_caches, name):
    query = READERS[name](it.scored(spark, table, "auto"))
    if name == "cached":
        query.count()
    with refuses("[TA_OVERWRITE]", "pixels"):
        query.write.insertInto("pixels", overwrite=True)
    with refuses("[TA_OVERWRITE]"):
        query.write.mode("overwrite").parquet(table)
    query.createOrReplaceTempView("query")
    with refuses("[TA_OVERWRITE]"):
        spark.sql(f"INSERT OVERWRITE DIRECTORY '{table}' USING parquet SELECT * FROM query")
    assert spark.read.parquet(table).count() == 100


def test_other_writes_are_allowed(spark, table, work):
    scored = it.scored(spark, table, "auto")
    READERS["mapInArrow"](scored).write.insertInto("pixels")
    spark.catalog.clearCache()
    assert spark.table("pixels").count() == 200
    elsewhere = str(work / "elsewhere")
    READERS["map_tensors"](it.scored(spark, table, "auto")).write.mode("overwrite").parquet(
        elsewhere
    )
    assert spark.read.parquet(elsewhere).count() == 200


def test_writes_by_hive_are_staged_unless_the_format_is_sparks_own(spark, work):
    path = it.write_pixels(spark, work / "hive", 20)
    spark.sql(
        "CREATE TABLE lines (id BIGINT, digit FLOAT) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
    )
    scored = it.scored(spark, path, "auto").selectExpr("id", "CAST(digit AS FLOAT)")
    for _ in range(2):
        scored.write.insertInto("lines", overwrite=True)
        assert spark.table("lines").count() == 20
    scored.createOrReplaceTempView("scored")
    with refuses("[TA_OVERWRITE]"):
        spark.sql(f"INSERT OVERWRITE DIRECTORY '{path}' STORED AS PARQUET SELECT * FROM scored")
    assert spark.read.parquet(path).count() == 20
    spark.sql(
        f"INSERT OVERWRITE DIRECTORY '{path}'"
        " ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' SELECT * FROM scored"
    )
    assert spark.read.text(path).count() == 20


def test_cached_reads_follow_what_is_written_to_their_path(spark, work, no_caches):
    path = it.write_pixels(spark, work / "cached", 30)
    cached = it.scored(spark, path, "auto").select("id", "digit").cache()
    assert cached.count() == 30
    spark.read.parquet(path).limit(5).write.mode("append").parquet(path)
    assert cached.count() == 35
    assert it.scored(spark, path, "auto").sameSemantics(it.scored(spark, path, "auto"))
    files = it.scored(spark, path, "auto").inputFiles()
    assert sorted(files) == sorted(spark.read.parquet(path).inputFiles()) != []
    spark.catalog.refreshByPath(path)
    assert cached.count() == 35


@pytest.fixture
def files(spark, work):
    """The path of two files of rows."""
    return it.write_pixels(spark, work / "files", 3000)


@pytest.fixture
def named(spark, files):
    """The id of each row, and the name and the size of its file."""
    fields = ["id", "_metadata.file_name", "_metadata.file_size"]
    rows = spark.read.parquet(files).selectExpr(*fields).collect()
    return {(row.id, row.file_name, row.file_size) for row in rows}


@pytest.mark.parametrize("mode", ["shared-memory", "arrow", "rows"])
def test_functions_get_file_name_and_tensor_of_row(spark, files, named, mode):
    def names(batches):
        for batch in batches:
            assert ta.numpy(batch, "probabilities", schema=schema).shape == (batch.num_rows, 10)
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("id"),
                    batch.column("m").field("file_name"),
                    batch.column("m").field("file_size"),
                ],
                names=["id", "name", "size"],
            )

    scored = it.scored(spark, files, mode).selectExpr("id", "probabilities", "_metadata as m")
    schema = scored.schema
    rows = scored.mapInArrow(names, "id long, name string, size long").collect()
    assert {tuple(row) for row in rows} == named


def test_rows_can_be_filtered_by_file_name(spark, files, named):
    name = next(iter(named))[1]
    df = it.scored(spark, files, "auto").where(functions.col("_metadata.file_name") == name)
    assert df.count() == sum(1 for row in named if row[1] == name)


@pytest.fixture
def json(spark, work):
    """The path of rows in JSON."""
    plain = it.write_pixels(spark, work / "plain", 10)
    spark.read.parquet(plain).write.mode("overwrite").json(str(work / "json"))
    return str(work / "json")


DDL = "id INT, pixels ARRAY<FLOAT>"


def test_schemas_of_readers_describe_the_wrapped_data(spark, json):
    reader = spark.read.format("tensorflow").options(model=it.DIGITS_MODEL, source="json")
    scored = reader.schema(DDL).load(json)
    assert scored.dtypes[:2] == [("id", "int"), ("pixels", "array<float>")]
    assert scored.where("digit >= 0").count() == 10


def test_schemas_of_views_describe_the_wrapped_data(spark, json):
    spark.sql(
        f"CREATE OR REPLACE TEMPORARY VIEW given ({DDL}) USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', source 'json', path '{json}')"
    )
    assert spark.table("given").where("digit >= 0").count() == 10


def test_writes_and_streams_are_refused_in_one_line(spark, files, work):
    with refuses("[TA_UNSUPPORTED] Cannot write with format 'tensorflow'"):
        it.scored(spark, files, "auto").write.format("tensorflow").save(str(work / "no"))
    with refuses("[TA_UNSUPPORTED] Cannot write a stream"):
        stream = spark.readStream.format("rate").load()
        stream.writeStream.format("tensorflow").option(
            "checkpointLocation", str(work / "checkpoint")
        ).start(str(work / "no"))
    with refuses("[TA_UNSUPPORTED] Cannot read a stream", "foreachBatch"):
        spark.readStream.format("tensorflow").option("model", it.DIGITS_MODEL).load(files)


@pytest.mark.parametrize(
    ("source", "message"),
    [(name, ["[TA_SOURCE_NOT_FOUND]"]) for name in ("delta", "iceberg", "avro", "nosuch")]
    + [("jdbc", ["[TA_SOURCE_UNSUPPORTED]", "Option 'url' is required"])],
)
def test_sources_that_can_not_be_read_are_refused_in_one_line(spark, files, source, message):
    with refuses(*message, f"'{source}'"):
        spark.read.format("tensorflow").options(model=it.DIGITS_MODEL, source=source).load(files)


def test_permanent_tables_are_refused_and_views_are_allowed(spark, files):
    definition = f"USING tensorflow OPTIONS (model '{it.DIGITS_MODEL}', path '{files}')"
    with refuses("[TA_UNSUPPORTED]", "CREATE TEMPORARY VIEW"):
        spark.sql(f"CREATE TABLE lasting {definition}")
    with refuses("[TA_UNSUPPORTED]", "CREATE TEMPORARY VIEW"):
        spark.catalog.createTable("lasting", files, "tensorflow", model=it.DIGITS_MODEL)
    assert not spark.catalog.tableExists("lasting")
    spark.sql(f"CREATE TEMPORARY VIEW passing {definition}")
    assert spark.table("passing").count() == 3000
