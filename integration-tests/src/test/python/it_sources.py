"""The data source over what Spark reads in version 1: pictures in files, JDBC, tables of Hive."""

import json
import os
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tensorarrow as ta

WORK = Path(os.environ["IT_WORK"]) / "sources"
PICTURES = Path(it.ZOO) / "module_images.parquet"
MODEL = str(Path(it.ZOO) / "module_images")
OUTPUTS = json.loads((Path(it.ZOO) / "zoo.json").read_text("utf-8"))["models"]["module_images"][
    "signatures"
]["serving_default"]["outputs"]
ROWS = 2_000

pytestmark = pytest.mark.settings(
    {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": str(WORK / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={WORK}/metastore;create=true"
        ),
    }
)


@pytest.fixture(autouse=True)
def _derby_in_work(spark):
    """Keeps Derby's log out of the current directory."""
    WORK.mkdir(parents=True, exist_ok=True)
    spark.sparkContext._jvm.java.lang.System.setProperty("derby.system.home", str(WORK))


@pytest.fixture
def jdbc():
    """The options of an embedded database, which the first connection makes."""
    return {
        "url": f"jdbc:derby:{WORK}/database;create=true",
        "driver": "org.apache.derby.jdbc.EmbeddedDriver",
        "dbtable": "pictures",
    }


def source(**options):
    """Returns options as those of the wrapped source."""
    return {f"source.{key}": value for key, value in options.items()}


def assert_recorded(scored):
    """Compares outputs over encoded pictures with the recorded ones."""
    recorded = pq.read_table(PICTURES)
    outputs = [f"{name}={name}_found" for name in OUTPUTS]
    found = it.arrow(scored(", ".join(outputs)))
    assert found.num_rows == recorded.num_rows
    for name, output in OUTPUTS.items():
        np.testing.assert_allclose(
            np.array(found[f"{name}_found"].to_pylist()),
            np.array(recorded[output["column"]].to_pylist()),
            rtol=1e-4,
            atol=1e-5,
        )


def test_pictures_in_files_are_decoded_by_the_model(spark, tmp_path):
    for row in pq.read_table(PICTURES, columns=["id", "encoded"]).to_pylist():
        (tmp_path / f"{row['id']:06}").write_bytes(row["encoded"])

    def scored(outputs):
        reader = spark.read.format("tensorflow").option("model", MODEL)
        reader = reader.option("source", "binaryFile").option("outputs", outputs)
        files = reader.option("inputs", "encoded=content").load(str(tmp_path))
        return files.selectExpr("int(substring_index(path, '/', -1)) AS id", "*")

    assert_recorded(scored)


def test_pictures_in_a_database_are_decoded_by_the_model(spark, jdbc):
    pictures = spark.read.parquet(str(PICTURES)).select("id", "encoded")
    pictures.write.format("jdbc").options(**jdbc).mode("overwrite").save()

    def scored(outputs):
        reader = spark.read.format("tensorflow").option("model", MODEL)
        reader = reader.options(source="jdbc", outputs=outputs, inputs="encoded=encoded")
        return reader.options(**source(**jdbc)).load()

    assert_recorded(scored)
    reader = spark.read.format("tensorflow").options(model=MODEL, source="jdbc")
    one = reader.options(inputs="encoded=encoded", **source(**jdbc)).load().where("id = 3")
    assert one.count() == 1
    assert "PushedFilters: [*IsNotNull(id), *EqualTo(id,3)]" in it.plan(one.select("size"))


@pytest.mark.parametrize("way", ["table", "query", "tf_predict"])
def test_model_runs_over_a_table_of_hive(spark, tmp_path, way):
    path = it.write_pixels(spark, tmp_path / "rows", ROWS)
    expected = it.arrow(it.scored(spark, path, "auto").where("id % 4 = 1").select("id", "digit"))
    spark.sql("DROP TABLE IF EXISTS rows")
    spark.sql(
        "CREATE TABLE rows (id BIGINT, pixels ARRAY<FLOAT>) PARTITIONED BY (part INT)"
        " STORED AS TEXTFILE"
    )
    spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
    spark.read.parquet(path).createOrReplaceTempView("pixels")
    spark.sql("INSERT INTO rows SELECT id, pixels, int(id % 4) FROM pixels")

    reader = spark.read.format("tensorflow").option("model", it.DIGITS_MODEL)
    if way == "table":
        scored = reader.option("table", "default.rows").load()
    elif way == "query":
        scored = reader.option("query", "SELECT * FROM rows").load()
    else:
        call = f"tf_predict('{it.DIGITS_MODEL}', pixels)"
        scored = spark.sql(f"SELECT id, part, p.* FROM (SELECT *, {call} AS p FROM rows)")
    chosen = scored.where("part = 1").select("id", "digit", "probabilities")
    schema = chosen.schema

    def best(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities", schema=schema)
            columns = [batch.column("id"), pa.array(p.argmax(1))]
            yield pa.RecordBatch.from_arrays(columns, names=["id", "digit"])

    result = chosen.mapInArrow(best, "id long, digit long")

    assert it.arrow(result)["digit"].to_pylist() == expected["digit"].to_pylist()
    assert "ColumnarMapInBatch" in it.plan(result)
    rows, _ = it.metrics(result)
    assert rows == ROWS // 4
    spark.sql("DROP TABLE rows")
