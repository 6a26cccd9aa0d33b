"""Times the three ways in which batches get to a Python function.

The model gives the first rows of a table that TensorFlow keeps, without copying or computing, and
the time at which it did: what is left is the hand-over. The function touches a byte of each page
of the tensor's NumPy view, and looks at the same clock.

Two tables: `handover` has single batches, beside NumPy's memcpy of the same bytes in the same
worker; `queries` has whole queries.
"""

import statistics
import time
from typing import NamedTuple

import bench_common as bench
import numpy as np
import pyarrow as pa

import tensorarrow as ta

WAYS = ["rows", "arrow", "shared-memory"]
INLINE_BYTES = 128 << 10  # below, batches of `shared-memory` go through the socket
PAGE = 4096


class Stream(NamedTuple):
    """Batches of one size."""

    key: str
    name: str
    model: str
    row_bytes: int
    rows: int
    batches: int

    @property
    def batch_bytes(self):
        """How large a batch's tensor is."""
        return self.row_bytes * self.rows


def vectors(size, rows, batches):
    """Returns batches of 512 floats per row."""
    key = f"vectors-{size.replace(' ', '')}"
    return Stream(key, f"512 float32: {size}", "vectors", 512 * 4, rows, batches)


def images(dtype, rows, batches):
    """Returns batches of images of 3x224x224 numbers."""
    row_bytes = 3 * 224 * 224 * np.dtype(dtype).itemsize
    name = f"3x224x224 {dtype}, {rows} rows: {row_bytes * rows / 2**20:.2f} MiB"
    return Stream(f"{dtype}-{rows}", name, f"images_{dtype}", row_bytes, rows, batches)


STREAMS = [
    vectors("4 KiB", 2, 4000),
    vectors("32 KiB", 16, 3000),
    vectors("128 KiB", 64, 2000),
    vectors("1 MiB", 512, 256),
    vectors("8 MiB", 4096, 48),
    vectors("64 MiB", 32768, 10),
    images("float32", 1, 300),
    images("float32", 10, 48),
    images("float32", 100, 10),
    images("uint8", 1, 1000),
    images("uint8", 10, 200),
    images("uint8", 100, 24),
]


class Query(NamedTuple):
    """A whole query over vectors of 512 floats."""

    rows: int
    batch_rows: int

    @property
    def key(self):
        """How it is chosen."""
        return f"query-{self.rows}x{self.batch_rows}"

    @property
    def name(self):
        """What the table calls it."""
        return f"{self.rows:,} rows in batches of {self.batch_rows:,}"


QUERIES = [
    Query(10, 10),
    Query(8_000, 2),
    Query(48_000, 16),
    Query(200_000, 1024),
    Query(200_000, 4096),
]


def memcpy_nanos(size, targets):
    """Returns how long a copy takes into buffers that were used before, one after the other."""
    source = np.ones(size, np.uint8)
    buffers = [np.zeros(size, np.uint8) for _ in range(targets)]
    times = targets * max(1, (1 << 20) // (size * targets))
    found = []
    for _ in range(2 + max(5, min(50, (256 << 20) // (size * times)))):
        begin = time.perf_counter_ns()
        for i in range(times):
            np.copyto(buffers[i % targets], source)
        found.append((time.perf_counter_ns() - begin) / times)
    return float(np.median(found[2:]))


def touching(schema, size):
    """Returns a function that says of each batch when it was ready, and when it was touched."""

    def touch(batches):
        ready, touched, ticks = [], [], []
        for batch in batches:
            array = ta.numpy(batch, "tensor", schema=schema)
            array.reshape(-1).view(np.uint8)[::PAGE].max()
            touched.append(time.time_ns())
            ticks.append(time.monotonic_ns())  # the other clock may be set meanwhile
            ready.append(int(batch.column(1)[0].as_py() * 1e6) * 1000)
        del batch, array
        copies = [np.full(len(ready), memcpy_nanos(size, targets)) for targets in (1, 3)]
        yield pa.RecordBatch.from_arrays(
            [*map(pa.array, [ready, touched, ticks, *copies])],
            ["ready", "touched", "tick", "memcpy", "memcpy3"],
        )

    return touch


def summing(schema):
    """Returns a function that sums the tensor."""

    def add(batches):
        total, rows = 0.0, 0
        for batch in batches:
            array = ta.numpy(batch, "tensor", schema=schema)
            total += float(array.sum())
            rows += len(array)
        yield pa.RecordBatch.from_arrays([pa.array([total]), pa.array([rows])], ["total", "n"])

    return add


class Handover:
    """The measurements, in one session."""

    def __init__(self, spark):
        self._spark = spark

    def ids(self, rows):
        """Returns a table of as many ids, in one file."""
        path = bench.WORK / "ids" / str(rows)
        if not path.exists():
            self._spark.range(0, rows, 1, 1).write.parquet(str(path))
        return str(path)

    def scored(self, model, way, rows, batch_rows):
        """Reads a model's tensors; stock Spark is given the same batches."""
        self._spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(batch_rows))
        self._spark.conf.set("spark.sql.parquet.columnarReaderBatchSize", str(batch_rows))
        reader = self._spark.read.format("tensorflow").option("model", str(bench.MODELS / model))
        reader = reader.options(handover=way, batchRows=str(batch_rows), bytes="binary")
        return reader.load(self.ids(rows)).select("tensor", "ready")

    def stream(self, case, way):
        """Runs a stream of batches; returns nanoseconds by name."""
        scored = self.scored(case.model, way, case.rows * case.batches, case.rows)
        df = scored.mapInArrow(
            touching(scored.schema, case.batch_bytes),
            "ready long, touched long, tick long, memcpy double, memcpy3 double",
        )
        found = df.collect()
        assert len(found) == case.batches, (len(found), case)
        check_way(df, way, case.batches, case.batch_bytes)
        steady = found[case.batches // 4 + 2 :]
        return {
            "per batch": (steady[-1].tick - steady[0].tick) / (len(steady) - 1),
            "latency": statistics.median(row.touched - row.ready for row in steady),
            "memcpy": found[0].memcpy,
            "memcpy3": found[0].memcpy3,
        }

    def query(self, case, way):
        """Runs a whole query; returns seconds."""
        scored = self.scored("vectors", way, case.rows, case.batch_rows)
        df = scored.mapInArrow(summing(scored.schema), "total double, n long")
        time_, (row,) = bench.seconds(df.collect)
        assert row.n == case.rows, row
        check_way(df, way, -(-case.rows // case.batch_rows), case.batch_rows * 512 * 4)
        return time_


def check_way(df, way, batches, size):
    """Checks that what was measured went the way that the table says."""
    found = bench.metrics(df)
    if way == "rows":
        assert not found, found
        return
    if way == "arrow":
        assert found["arrowBatches"] == batches, (found, batches)
    shared = batches if way == "shared-memory" and size >= INLINE_BYTES else 0
    inline = batches - shared if way == "shared-memory" else 0
    assert found["createdSegments"] <= 4, found
    # The last batch may be a small one.
    assert abs(found["sharedBatches"] - shared) <= 1, (found, batches)
    assert abs(found["inlineBatches"] - inline) <= 1, (found, batches)
    if shared == 0:
        assert found["pythonDataSent"] > batches * size / 2, found


def measure_streams(handover):
    """Fills the table of single batches."""
    header = ["batch", "memcpy, µs", "into 3 buffers in turn, µs"]
    header += [f"`{way}`: time per batch / memcpy" for way in WAYS]
    header += [f"`{way}`: ready to touched / memcpy" for way in WAYS]
    table = bench.Table("handover", header)
    for case in bench.wanted(STREAMS):
        found, _ = bench.in_rounds(
            {way: lambda way=way, case=case: handover.stream(case, way) for way in WAYS}
        )

        # The three of a round are of the same time; where NumPy's buffers lie differs by chance.
        memcpy = [statistics.median(one["memcpy"] for one in turn) for turn in zip(*found.values())]

        def over_memcpy(way, what, found=found, memcpy=memcpy):
            return bench.spread(bench.ratios([one[what] for one in found[way]], memcpy))

        table.row(
            case.name,
            *[
                bench.median([one[what] / 1e3 for all_ in found.values() for one in all_])
                for what in ("memcpy", "memcpy3")
            ],
            *[over_memcpy(way, "per batch") for way in WAYS],
            *[over_memcpy(way, "latency") for way in WAYS],
        )
    table.publish()


def measure_queries(handover):
    """Fills the table of whole queries."""
    header = ["query", *[f"`{way}`, s" for way in WAYS]]
    table = bench.Table("queries", [*header, *[f"`rows` / `{way}`" for way in WAYS[1:]]])
    for case in bench.wanted(QUERIES):
        found, _ = bench.in_rounds(
            {way: lambda way=way, case=case: handover.query(case, way) for way in WAYS}
        )
        table.row(
            case.name,
            *[bench.median(found[way]) for way in WAYS],
            *[bench.spread(bench.ratios(found["rows"], found[way])) for way in WAYS[1:]],
        )
    table.publish()


def warm_up(handover):
    """Has the JVM compile what every batch goes through: the larger ones are few."""
    for size in (vectors("32 KiB", 16, 3000), vectors("1 MiB", 512, 500)):
        for way in WAYS:
            handover.stream(size, way)


def main():
    """Runs the measurements."""
    spark = bench.session()
    handover = Handover(spark)
    warm_up(handover)
    measure_streams(handover)
    measure_queries(handover)
    spark.stop()


if __name__ == "__main__":
    main()
