"""Times `format("tensorflow")` beside Python TensorFlow in a `mapInArrow` function of stock Spark.

The same SavedModel, table, batches and partitions; each function sums the output tensor with NumPy
and yields one row, so that the opponent's results never leave Python. Its workers keep the model
that they have loaded.
"""

import statistics
from pathlib import Path
from typing import Callable, NamedTuple

import bench_common as bench
import numpy as np
import opponents
from pyspark.sql import functions

THREADS = [0, 1]  # of one operation; 0: TensorFlow's or the connector's own choice
SUMS = "total double, n long, loaded long"


class Job(NamedTuple):
    """A model and a table."""

    key: str  # the model's name
    name: str
    rows: int
    batch_rows: int
    input: str  # the name of the column that the model is fed with
    column: Callable  # makes that column
    convert: Callable  # makes an array of it


def pixels(width):
    """Returns a column of arrays of so many floats."""
    return functions.transform(
        functions.sequence(functions.lit(1), functions.lit(width)),
        lambda i: ((i * functions.col("id")) % 251 / 251).cast("float"),
    )


def image(size):
    """Returns a column of so many bytes."""
    digest = functions.unhex(functions.sha2(functions.col("id").cast("string"), 512))
    return functions.substring(
        functions.unhex(functions.repeat(functions.hex(digest), size // 64 + 1)), 1, size
    )


JOBS = [
    Job(
        "embedding",
        "100,000 ids to embeddings of 1,024 float32",
        100_000,
        1024,
        "id",
        lambda: functions.col("id") % 10_000,
        opponents.ids,
    ),
    Job(
        "mlp",
        "MLP 784-256-10 over 100,000 rows",
        100_000,
        1024,
        "pixels",
        lambda: pixels(784),
        opponents.floats(784),
    ),
    Job(
        "features",
        "2,000 images of 96x96x3 uint8 to 3x3x1280 float32",
        2_000,
        100,
        "image",
        lambda: image(96 * 96 * 3),
        opponents.images(96, 96, 3),
    ),
]


class Opponents:
    """The competitors, in one session."""

    def __init__(self, spark, job):
        self._spark = spark
        self._job = job
        self._model = str(bench.MODELS / job.key)
        self._path = str(bench.WORK / "rows" / job.key)
        if not Path(self._path, "_SUCCESS").exists():
            rows = spark.range(0, job.rows, 1, 2).select(job.column().alias(job.input))
            rows.write.mode("overwrite").parquet(self._path)
        size = str(job.batch_rows)
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", size)

    def ours(self, threads):
        """Runs the model in the executor."""
        reader = self._spark.read.format("tensorflow").option("model", self._model)
        reader = reader.option("batchRows", str(self._job.batch_rows))
        reader = reader.options(**{"threads": str(threads)} if threads else {})
        scored = reader.load(self._path).select("tensor")
        schema = scored.schema

        def add(batches):
            return opponents.total(opponents.handed_over(batches, schema))

        self._pool(f"ours-{threads}")
        df = scored.mapInArrow(add, SUMS)
        result = self._timed(df)
        assert bench.metrics(df), "not handed over in columns"
        return result

    def same_function(self, threads):
        """Runs Python TensorFlow and sums in the same function."""
        model, convert = self._model, self._job.convert

        def predict_and_add(batches):
            return opponents.total(opponents.predict(model, threads, convert, batches))

        self._pool(f"same-function-{threads}")
        return self._timed(self._stock().mapInArrow(predict_and_add, SUMS))

    def two_functions(self, threads):
        """Runs Python TensorFlow in one function and sums in another."""
        model, convert = self._model, self._job.convert

        def predict(batches):
            return opponents.lists(opponents.predict(model, threads, convert, batches))

        def add(batches):
            return opponents.total(
                batch.column(0).flatten().to_numpy().reshape(batch.num_rows, -1)
                for batch in batches
            )

        self._pool(f"first-of-two-{threads}")
        first = self._stock().mapInArrow(predict, "tensor array<float>")
        self._pool(f"second-of-two-{threads}")
        return self._timed(first.mapInArrow(add, SUMS))

    def _stock(self):
        return self._spark.read.parquet(self._path).select(self._job.input)

    def _pool(self, name):
        """Gives the next function workers of its own, which nobody else's models are in."""
        self._spark.sparkContext.environment["BENCH_POOL"] = f"{self._job.key} {name}"

    def _timed(self, df):
        """Returns seconds, the sum, and whether a worker had to load the model."""
        time_, rows = bench.seconds(df.collect)
        assert sum(row.n for row in rows) == self._job.rows, rows
        assert len(rows) == 2, rows
        return time_, sum(row.total for row in rows), sum(row.loaded for row in rows)


def measure(spark, job, table):
    """Adds a job to the table."""
    contest = Opponents(spark, job)
    competitors = {}
    for threads in THREADS:
        competitors[f"ours-{threads}"] = lambda threads=threads: contest.ours(threads)
        competitors[f"same-{threads}"] = lambda threads=threads: contest.same_function(threads)
    if job.key == "embedding":
        for threads in THREADS:
            competitors[f"two-{threads}"] = lambda threads=threads: contest.two_functions(threads)
    # Spark ends workers that were idle for a minute; new ones load the model again.
    found, cold = bench.in_rounds(competitors, lambda result: result[2] == 0)
    everything = [one for all_ in found.values() for one in all_]
    sums = [one[1] for one in everything]
    assert np.allclose(sums, sums[0], rtol=1e-3), sums
    assert not any(one[2] for one in everything), "a worker was not warm"
    warm = {name: [one[0] for one in all_] for name, all_ in found.items()}
    for name, times in warm.items():
        print(f"{job.key} {name}: {bench.spread(times)} s, cold {cold[name][0]:.1f} s", flush=True)

    def fastest_of(kind):
        of_kind = [name for name in warm if name.startswith(kind)]
        return min(of_kind, key=lambda name: statistics.median_low(warm[name]), default="")

    def cells(kind):
        fastest = fastest_of(kind)
        if not fastest:
            return "", "", ""
        ratio = bench.spread(bench.ratios(warm[fastest], warm[fastest_of("ours")]))
        # Of each kind, the first of the first round: later ones may find what it has loaded.
        return bench.median(warm[fastest]), f"{cold[f'{kind}-0'][0]:.1f}", ratio

    ours, same, two = cells("ours"), cells("same"), cells("two")
    table.row(job.name, ours[0], same[0], same[2], two[0], two[2], ours[1], same[1], two[1])


def warm_spark_up(spark):
    """Has Spark itself warm, so that the first competitor does not pay for it."""
    for _ in range(3):
        df = spark.range(0, 100_000, 1, 2).mapInArrow(lambda batches: batches, "id long")
        assert df.count() == 100_000


def main():
    """Runs the measurements."""
    spark = bench.session()
    warm_spark_up(spark)
    header = ["query", '`format("tensorflow")`, s']
    header += ["same function, s", '... / `format("tensorflow")`']
    header += ["two functions, s", '... / `format("tensorflow")`']
    header += ['cold: `format("tensorflow")`, s', "same function, s", "two functions, s"]
    table = bench.Table("opponent", header)
    for job in bench.wanted(JOBS):
        measure(spark, job, table)
    table.publish()
    spark.stop()


if __name__ == "__main__":
    main()
