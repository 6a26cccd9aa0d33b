"""A /dev/shm that is small, full, read-only or missing: batches arrive, and the log says why.

    it_shared_memory.py mounts|directories

With `mounts`, this process may mount file systems without anybody else seeing them; with
`directories`, it may not, and a setting names directories that are no better.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import it_common as it
import pyarrow as pa
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 40_000
SHM = "/dev/shm"
DIRECTORY = "spark.tensorarrow.sharedMemory.directory"
IDLE_TIME = "spark.tensorarrow.sharedMemory.idleTime"
NO_POOL = "Cannot share memory with Python workers: found "
NO_SEGMENT = "Cannot make a shared-memory segment of "


def write_rows(spark):
    """Writes rows of 64 floats, enough for many batches; returns the path."""
    path = str(Path(os.environ["IT_WORK"]) / "rows.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    rows = spark.range(0, ROWS, 1, 2).select("id", pixels.alias("pixels"))
    rows.write.mode("ignore").parquet(path)
    return path


def sums(spark, way):
    """Returns a query whose function gets batches of more than 1 MB."""
    df = it.scored(spark, write_rows(spark), way, batchRows="4096")
    schema = df.schema

    def add(batches):
        for batch in batches:
            total = ta.numpy(batch, "probabilities", schema=schema).sum(axis=1)
            pixels = batch.column("pixels").flatten().to_numpy().reshape(-1, 64).sum(axis=1)
            columns = [batch.column("id"), pa.array(pixels), pa.array(total)]
            yield pa.RecordBatch.from_arrays(columns, ["id", "pixels", "total"])

    return df.mapInArrow(add, "id long, pixels float, total float")


def collected(query):
    """Returns a query's rows by id; to sort them there would run the function twice."""
    return sorted(query.collect(), key=lambda row: row.id)


def log():
    """Returns what this program has written so far, the JVM's log among it."""
    return (Path(os.environ["IT_WORK"]) / "output.log").read_text()


@contextmanager
def session(**settings):
    """Opens a session, and closes it when nothing is left of its tasks."""
    builder = it.builder()
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    yield spark
    it.check_nothing_is_left(spark)
    spark.stop()
    it.eventually(lambda: not it.segments(), it.segments)


def check_without(reason, directory=SHM):
    """Checks that batches go through the socket where there is no room for any segment.

    Returns:
        the right rows
    """
    before = len(log())
    with session(**{DIRECTORY: directory} if directory != SHM else {}) as spark:
        wanted = collected(sums(spark, "rows"))
        query = sums(spark, "auto")
        assert collected(query) == wanted, reason
        _, found = it.metrics(query)
        assert found["sharedBatches"] == 0, found
        assert found["inlineBatches"] >= ROWS // 4096, found
        with it.raises("TA_HANDOVER", "found " + reason, "docker run --shm-size=1g", DIRECTORY):
            sums(spark, "shared-memory").collect()
        assert collected(sums(spark, "arrow")) == wanted
    lines = [line for line in log()[before:].splitlines() if NO_POOL in line]
    assert len(lines) == 1, lines
    assert reason in lines[0], lines
    return wanted


def check_small(wanted):
    """Checks that a container's 64 MB are used, a quarter of them at most."""
    before = len(log())
    with session() as spark:
        for way in ["auto", "shared-memory"]:
            query = sums(spark, way)
            assert collected(query) == wanted, way
            _, found = it.metrics(query)
            assert found["sharedBatches"] >= ROWS // 4096, found
        assert used() <= 16 << 20, used()
    # Segments have no names, and took nothing of the room with them.
    eventually_unused()
    assert NO_POOL not in log()[before:]
    assert NO_SEGMENT not in log()[before:]


def check_filled(wanted):
    """Checks that batches go through the socket when others fill the room up."""
    before = len(log())
    with session(**{IDLE_TIME: "1s"}) as spark:
        # Tried out while there was room.
        assert sums(spark, "shared-memory").limit(1).count() == 1
        # What it made is given up, or it would do for the batches to come.
        eventually_unused()
        with filled():
            for way in ["auto", "shared-memory"]:
                query = sums(spark, way)
                assert collected(query) == wanted, way
                _, found = it.metrics(query)
                assert found["createdSegments"] == 0, found
                assert found["inlineBatchesDirectoryFull"] > 0, found
    lines = [line for line in log()[before:].splitlines() if NO_SEGMENT in line]
    assert len(lines) == 1, lines


def eventually_unused():
    """Waits until the private /dev/shm is empty."""
    it.eventually(lambda: used() == 0, used)


def used():
    """Returns how many bytes of the private /dev/shm are taken."""
    stat = os.statvfs(SHM)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize


@contextmanager
def filled():
    """Fills the private /dev/shm up to less than a segment."""
    stat = os.statvfs(SHM)
    file = Path(SHM) / "others"
    file.write_bytes(bytes(stat.f_bavail * stat.f_frsize - (512 << 10)))
    yield
    file.unlink()


def mount(*arguments):
    """Mounts something that only this process and its children see."""
    subprocess.run(["mount", *arguments], check=True)


def main(way):
    """Run the checks."""
    missing = str(Path(os.environ["IT_WORK"]) / "missing")
    wanted = check_without("no directory " + missing, missing)
    if way == "mounts":
        mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", SHM)
        check_small(wanted)
        check_filled(wanted)
        with filled():
            assert check_without("524288 bytes free in " + SHM) == wanted
        mount("-o", "remount,ro", SHM)
        reason = f"no way to make a segment in {SHM} (java.nio.file.FileSystemException"
        assert check_without(reason) == wanted
        assert "Read-only file system" in log()
    else:
        # Nobody, not even the superuser, makes a file there; and it has room for none.
        assert check_without("0 bytes free in /sys", "/sys") == wanted


if __name__ == "__main__":
    main(sys.argv[1])
    it.passed(__file__)
