"""Uses what most of the integration tests use of Spark, for the archive of its classes.

``make_venvs.sh`` has the JVM write the archive when this ends. It is made without the connector,
so that it outlives its jar.
"""

import os

import pandas as pd
from pyspark.sql import SparkSession, functions

spark = (
    SparkSession.builder.config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.warehouse.dir", os.environ["ARCHIVE_WORK"] + "/warehouse")
    .getOrCreate()
)
ids = spark.range(0, 100, 1, 2)
rows = ids.select(
    "id",
    functions.array(functions.col("id").cast("float")).alias("floats"),
    functions.struct(functions.col("id").cast("string").alias("text")).alias("struct"),
    functions.col("id").cast("timestamp").alias("time"),
)
rows.write.parquet(os.environ["ARCHIVE_WORK"] + "/rows")
parquet = spark.read.parquet(os.environ["ARCHIVE_WORK"] + "/rows")
parquet.createOrReplaceTempView("numbers")
spark.conf.set("spark.sql.sources.useV1SourceList", "")
parquet.join(ids, "id").groupBy(functions.col("id") % 3).agg(functions.sum("id")).collect()
spark.sql("select count(distinct id), max(time) from numbers where struct.text like '1%'").show()
spark.sql("explain formatted select * from numbers order by id limit 3").show()
parquet.cache().count()
parquet.mapInArrow(lambda batches: batches, parquet.schema).toPandas()
parquet.select(functions.udf(lambda value: value + 1, "long")("id")).collect()
parquet.select(functions.pandas_udf(lambda value: value + 1, "long")("id")).collect()
parquet.groupBy("id").applyInPandas(lambda frame: pd.DataFrame(frame[["id"]]), "id long").count()
try:
    spark.sql("select missing from numbers")
except Exception as error:
    print(type(error).__name__)
spark.stop()
