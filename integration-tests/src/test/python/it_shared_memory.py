"""A /dev/shm that is small, full, read-only or missing: batches arrive, and the log says why.

With ``-m "not no_mounts"``, this process may mount file systems without anybody else seeing them;
with ``-m "not mounts"``, it may not, and a setting names directories that are no better.
"""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import helpers as it
import pyarrow as pa
import pytest

import tensorarrow as ta

ROWS = 24_000
SHM = "/dev/shm"
DIRECTORY = "spark.tensorarrow.sharedMemory.directory"
IDLE_TIME = "spark.tensorarrow.sharedMemory.idleTime"
NO_POOL = "Cannot share memory with Python workers: found "
NO_SEGMENT = "Cannot make a shared-memory segment of "


MISSING = os.environ["IT_WORK"] + "/missing"
MODES = ["auto", "shared-memory"]


def sums(spark, mode):
    """Returns a query whose function gets batches of more than 1 MB."""
    path = it.write_pixels(spark, os.environ["IT_WORK"] + "/rows.parquet", ROWS)
    df = it.scored(spark, path, mode, batchRows="4096")
    schema = df.schema

    def add(batches):
        for batch in batches:
            total = ta.numpy(batch, "probabilities", schema=schema).sum(axis=1)
            pixels = batch.column("pixels").flatten().to_numpy().reshape(-1, 64).sum(axis=1)
            columns = [batch.column("id"), pa.array(pixels), pa.array(total)]
            yield pa.RecordBatch.from_arrays(columns, ["id", "pixels", "total"])

    return df.mapInArrow(add, "id long, pixels float, total float")


def log():
    """Returns what this program has written so far, the JVM's log among it."""
    return (Path(os.environ["IT_WORK"]) / "output.log").read_text()


@pytest.fixture
def lines():
    """Returns the lines that the log has got since the check began, and that have a text."""
    before = len(log())
    return lambda text: [line for line in log()[before:].splitlines() if text in line]


@pytest.fixture(scope="module")
def memo():
    """What one check has computed for the others."""
    return {}


@pytest.fixture
def expected(spark, memo):
    """The right rows, as stock Spark gets them."""
    if "rows" not in memo:
        memo["rows"] = it.arrow(sums(spark, "rows"))
    return memo["rows"]


@pytest.fixture(autouse=True)
def _new_session(sessions):
    """Has each check open a session of its own: executors try the directory out once."""
    yield
    sessions.close()


def assert_batches_go_through_the_socket(spark, expected, lines, reason):
    """Checks that batches arrive where there is no free space for any segment."""
    query = sums(spark, "auto")
    assert it.arrow(query).equals(expected), reason
    _, metrics = it.metrics(query)
    assert metrics["sharedBatches"] == 0, metrics
    assert metrics["inlineBatches"] >= ROWS // 4096, metrics
    with it.raises("TA_HANDOVER", "found " + reason, "docker run --shm-size=1280m", DIRECTORY):
        sums(spark, "shared-memory").collect()
    assert it.arrow(sums(spark, "arrow")).equals(expected)
    assert len(lines(NO_POOL)) == 1, lines(NO_POOL)
    assert reason in lines(NO_POOL)[0], lines(NO_POOL)


@pytest.mark.settings({DIRECTORY: MISSING})
def test_without_the_directory_batches_go_through_the_socket(spark, expected, lines):
    assert_batches_go_through_the_socket(spark, expected, lines, "no directory " + MISSING)


@pytest.mark.no_mounts
@pytest.mark.settings({DIRECTORY: "/sys"})
def test_without_space_batches_go_through_the_socket(spark, expected, lines):
    # Nobody, not even the superuser, makes a file there; and it has no free space.
    assert_batches_go_through_the_socket(spark, expected, lines, "0 bytes free in /sys")


@pytest.mark.mounts
def test_a_quarter_of_a_small_directory_is_used(spark, expected, lines, tmpfs, sessions):
    for mode in MODES:
        query = sums(spark, mode)
        assert it.arrow(query).equals(expected), mode
        _, metrics = it.metrics(query)
        assert metrics["sharedBatches"] >= ROWS // 4096, metrics
    assert used() <= 16 << 20, used()
    it.check_nothing_is_left(spark)
    sessions.close()
    # Segments have no names, and left the free space as it was.
    eventually_unused()
    assert not lines(NO_POOL)
    assert not lines(NO_SEGMENT)


@pytest.mark.mounts
@pytest.mark.settings({IDLE_TIME: "1s"})
def test_batches_go_through_the_socket_when_others_fill_the_directory(
    spark, expected, lines, tmpfs
):
    # Tried while there was free space.
    assert sums(spark, "shared-memory").limit(1).count() == 1
    # What it made is given up, or it would do for the batches to come.
    eventually_unused()
    with filled():
        for mode in MODES:
            query = sums(spark, mode)
            assert it.arrow(query).equals(expected), mode
            _, metrics = it.metrics(query)
            assert metrics["createdSegments"] == 0, metrics
            assert metrics["inlineBatchesDirectoryFull"] > 0, metrics
    assert len(lines(NO_SEGMENT)) == 1, lines(NO_SEGMENT)


@pytest.mark.mounts
def test_in_a_full_directory_batches_go_through_the_socket(spark, expected, lines, tmpfs):
    with filled():
        reason = "524288 bytes free in " + SHM
        assert_batches_go_through_the_socket(spark, expected, lines, reason)


@pytest.mark.mounts
def test_in_a_read_only_directory_batches_go_through_the_socket(spark, expected, lines, tmpfs):
    mount("-o", "remount,ro", SHM)
    try:
        reason = f"no way to make a segment in {SHM} (java.nio.file.FileSystemException"
        assert_batches_go_through_the_socket(spark, expected, lines, reason)
        assert lines("Read-only file system")
    finally:
        mount("-o", "remount,rw", SHM)


@pytest.fixture(scope="session")
def tmpfs():
    """A /dev/shm of a container's size, which nobody else sees."""
    mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs", SHM)


def mount(*arguments):
    """Mounts something that only this process and its children see."""
    subprocess.run(["mount", *arguments], check=True)


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
    try:
        yield
    finally:
        file.unlink()
