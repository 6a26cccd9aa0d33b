"""A read behaves like Spark's own: guards, caches, schemas, hidden columns, plain messages."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import it_common as it
import pyarrow as pa
from pyspark.errors.exceptions.captured import IllegalArgumentException
from pyspark.sql import functions

import tensorarrow as ta

WORK = Path(os.environ["IT_WORK"])


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


def write_table(spark, name, count=100):
    """Makes a catalog table of pixels; returns its path."""
    path = str(WORK / "tables" / name)
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    shutil.rmtree(path, ignore_errors=True)
    it.write_pixels(spark, path, count)
    spark.sql(f"CREATE TABLE {name} USING parquet LOCATION '{path}'")
    return path


def check_overwriting(spark):
    """Checks that no Python function hides what a query reads."""
    path = write_table(spark, "pixels")
    scored = it.scored(spark, path, "auto")

    def same(batches):
        for batch in batches:
            yield pa.RecordBatch.from_arrays(
                [batch.column("id"), batch.column("pixels")], names=["id", "pixels"]
            )

    @functions.pandas_udf("long")
    def plus(ids):
        return ids + 1000

    schema = "id long, pixels array<float>"
    queries = {
        "mapInArrow": scored.mapInArrow(same, schema),
        "mapInPandas": scored.mapInPandas(
            lambda frames: (f[["id", "pixels"]] for f in frames), schema
        ),
        "map_tensors": ta.map_tensors(
            scored, lambda t: {"id": t["id"], "pixels": t["probabilities"]}, schema
        ),
        "pandas_udf": scored.select(plus("id").alias("id"), "pixels"),
        "cached": scored.select("id", "pixels", "digit").cache().select("id", "pixels"),
        "udf": scored.select(functions.udf(lambda i: i, "long")("id").alias("id"), "pixels"),
        "filtered": scored.where(functions.udf(lambda i: i > 0, "boolean")("digit")).select(
            "id", "pixels"
        ),
    }
    queries["cached"].count()
    for name, query in queries.items():
        with refuses("[TA_OVERWRITE]", "pixels"):
            query.write.insertInto("pixels", overwrite=True)
        with refuses("[TA_OVERWRITE]"):
            query.write.mode("overwrite").parquet(path)
        query.createOrReplaceTempView("query")
        with refuses("[TA_OVERWRITE]"):
            spark.sql(f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM query")
        assert spark.read.parquet(path).count() == 100, name
    queries["mapInArrow"].write.insertInto("pixels")
    spark.catalog.clearCache()
    assert spark.table("pixels").count() == 200
    queries["map_tensors"].write.mode("overwrite").parquet(str(WORK / "elsewhere"))
    assert spark.read.parquet(str(WORK / "elsewhere")).count() == 200


def check_hive(spark):
    """Checks what Spark writes by way of Hive: staged, unless the format is one of its own."""
    path = str(WORK / "hive")
    it.write_pixels(spark, path, 20)
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


def check_caches(spark):
    """Checks that a cached read follows what is written to its path."""
    path = str(WORK / "cached")
    it.write_pixels(spark, path, 30)
    cached = it.scored(spark, path, "auto").select("id", "digit").cache()
    assert cached.count() == 30
    spark.read.parquet(path).limit(5).write.mode("append").parquet(path)
    assert cached.count() == 35
    assert it.scored(spark, path, "auto").sameSemantics(it.scored(spark, path, "auto"))
    files = it.scored(spark, path, "auto").inputFiles()
    assert sorted(files) == sorted(spark.read.parquet(path).inputFiles()) != []
    spark.catalog.refreshByPath(path)
    assert cached.count() == 35
    cached.unpersist()


def check_hidden_columns(spark):
    """Checks that a function gets a row's file beside its tensor, on each way."""
    path = str(WORK / "files")
    it.write_pixels(spark, path, 3000)
    expected = {
        (row.id, row.file_name, row.file_size)
        for row in spark.read.parquet(path)
        .selectExpr("id", "_metadata.file_name", "_metadata.file_size")
        .collect()
    }

    def named(batches):
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

    for way in ("shared-memory", "arrow", "rows"):
        scored = it.scored(spark, path, way).selectExpr("id", "probabilities", "_metadata as m")
        schema = scored.schema
        found = scored.mapInArrow(named, "id long, name string, size long").collect()
        assert {tuple(row) for row in found} == expected, way
    one = next(iter(expected))[1]
    chosen = it.scored(spark, path, "auto").where(functions.col("_metadata.file_name") == one)
    assert chosen.count() == sum(1 for row in expected if row[1] == one)


def check_schemas(spark):
    """Checks that a schema describes the wrapped data."""
    path = str(WORK / "json")
    it.write_pixels(spark, str(WORK / "plain"), 10)
    spark.read.parquet(str(WORK / "plain")).write.mode("overwrite").json(path)
    reader = (
        spark.read.format("tensorflow").option("model", it.DIGITS_MODEL).option("source", "json")
    )
    ddl = "id INT, pixels ARRAY<FLOAT>"
    scored = reader.schema(ddl).load(path)
    assert scored.dtypes[:2] == [("id", "int"), ("pixels", "array<float>")]
    assert scored.where("digit >= 0").count() == 10
    spark.sql(
        f"CREATE OR REPLACE TEMPORARY VIEW given ({ddl}) USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', source 'json', path '{path}')"
    )
    assert spark.table("given").where("digit >= 0").count() == 10


def check_messages(spark):
    """Checks that what can't be done is one line."""
    path = str(WORK / "files")
    scored = it.scored(spark, path, "auto")
    with refuses("[TA_UNSUPPORTED] Cannot write with format 'tensorflow'"):
        scored.write.format("tensorflow").save(str(WORK / "no"))
    with refuses("[TA_UNSUPPORTED] Cannot write a stream"):
        stream = spark.readStream.format("rate").load()
        stream.writeStream.format("tensorflow").option(
            "checkpointLocation", str(WORK / "checkpoint")
        ).start(str(WORK / "no"))
    with refuses("[TA_UNSUPPORTED] Cannot read a stream", "foreachBatch"):
        spark.readStream.format("tensorflow").option("model", it.DIGITS_MODEL).load(path)
    for source in ("delta", "iceberg", "avro", "nosuch"):
        with refuses("[TA_SOURCE_NOT_FOUND]", f"'{source}'"):
            spark.read.format("tensorflow").options(model=it.DIGITS_MODEL, source=source).load(path)
    for source in ("jdbc", "binaryFile", "image", "libsvm"):
        with refuses("[TA_SOURCE_UNSUPPORTED]", f"'{source}'", "Parquet"):
            spark.read.format("tensorflow").options(model=it.DIGITS_MODEL, source=source).load(path)
    definition = f"USING tensorflow OPTIONS (model '{it.DIGITS_MODEL}', path '{path}')"
    with refuses("[TA_UNSUPPORTED]", "CREATE TEMPORARY VIEW"):
        spark.sql(f"CREATE TABLE lasting {definition}")
    with refuses("[TA_UNSUPPORTED]", "CREATE TEMPORARY VIEW"):
        spark.catalog.createTable("lasting", path, "tensorflow", model=it.DIGITS_MODEL)
    assert not spark.catalog.tableExists("lasting")
    spark.sql(f"CREATE TEMPORARY VIEW passing {definition}")
    assert spark.table("passing").count() == 3000


def main():
    """Run the checks."""
    spark = it.builder().enableHiveSupport().getOrCreate()
    check_overwriting(spark)
    check_hive(spark)
    check_caches(spark)
    check_hidden_columns(spark)
    check_schemas(spark)
    check_messages(spark)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
