"""Executors of a cluster: tasks that share one, executors that are killed, tasks that run twice.

Everything is on one host, so the executors' segments can be seen from here. ``-m shared_executor``
needs a cluster of one executor with two cores, the others one of two executors.
"""

import os
import signal
import time
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow as pa
import pytest
from helpers import executor_pid
from pyspark import TaskContext

import tensorarrow as ta

ROWS = 48_000
FILES = 8
BATCH = 4096
CAP = 4 << 20


pytestmark = pytest.mark.settings(
    {
        "spark.tensorarrow.sharedMemory.bytes": str(CAP),
        # By this, processes that others start are known as this test's.
        "spark.executorEnv.IT_WORK": os.environ["IT_WORK"],
        # What is not lent is closed, so that what is left is lent.
        "spark.tensorarrow.sharedMemory.idleTime": "1s",
        "spark.locality.wait": "0s",
        # One file is one task.
        "spark.sql.files.openCostInBytes": "1g",
    }
)
SPECULATION = pytest.mark.settings(
    {"spark.speculation": "true", "spark.speculation.minTaskRuntime": "2s"}
)


@pytest.fixture
def scored(spark, work):
    """Reads rows of some files, whose model output is larger than what goes through the socket."""

    def read(files):
        path = it.write_pixels(spark, work / f"rows-{files}.parquet", ROWS, files=files)
        return it.scored(spark, path, "auto", batchRows=str(BATCH)).select("id", "probabilities")

    yield read
    assert_no_segment_is_lent()


def segments_here():
    """Returns the segments that this worker maps, by their files' numbers."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    return sorted({int(line[4]) for line in lines if "/dev/shm/tensorarrow-" in line[-2]})


def wait_for(task, file):
    """Has a copy of the first task wait for what the first attempt writes when it has a view.

    Or the copy could win before: executors may be new, and slow to start.
    """
    deadline = time.monotonic() + 60
    while task.partitionId() == 0 and not file.exists():
        assert time.monotonic() < deadline, "the first attempt did not get here"
        time.sleep(0.01)


def totals(df):
    """Returns each row's sum of probabilities, which is 1."""

    def total(batches):
        for batch in batches:
            sums = ta.numpy(batch, "probabilities").sum(axis=1)
            yield pa.RecordBatch.from_arrays([batch.column("id"), pa.array(sums)], ["id", "total"])

    return checked(df.mapInArrow(total, "id long, total float").collect())


def checked(rows):
    """Checks that each row is there once and right; to sort them there would take two jobs."""
    rows = sorted(rows, key=lambda row: row.id)
    assert [row.id for row in rows] == list(range(ROWS))
    assert all(abs(row.total - 1) < 1e-4 for row in rows)
    return rows


def assert_no_segment_is_lent():
    """Checks that executors have no segment any more: those that are lent would be kept."""
    it.eventually(lambda: not it.segments("java"), it.segments)


@pytest.mark.shared_executor
def test_concurrent_tasks_of_executor_share_one_pool(scored, work):
    df = scored(2)

    def keep(batches):
        kept, names = [], []
        for batch in batches:
            kept.append((batch.column("id"), ta.numpy(batch, "probabilities")))
            if len(kept) == 1:
                # Nobody goes on before all tasks of the first wave hold a batch.
                (work / f"holds-{TaskContext.get().partitionId()}").touch()
                while len(list(work.glob("holds-*"))) < 2:
                    time.sleep(0.01)
        names = segments_here()
        for ids, array in kept:
            columns = [ids, pa.array(array.sum(axis=1))]
            rest = [[executor_pid()] * len(ids), [os.getpid()] * len(ids), [names] * len(ids)]
            yield pa.RecordBatch.from_arrays(
                columns + [pa.array(each) for each in rest],
                ["id", "total", "executor", "worker", "segments"],
            )

    declared = "id long, total float, executor long, worker long, segments array<long>"
    rows = checked(df.mapInArrow(keep, declared).collect())
    assert len({row.executor for row in rows}) == 1
    workers = {row.worker: set(row.segments) for row in rows}
    assert len(workers) == 2, workers
    # All batches were kept, so both have segments, and together no more than the pool may have.
    assert all(workers.values()), workers
    assert len(set.union(*workers.values())) <= CAP >> 20, workers
    assert totals(df)


@SPECULATION
@pytest.mark.parametrize("with_worker", [False, True], ids=["alone", "with its worker"])
def test_other_executor_replaces_killed_one(scored, work, with_worker):
    # Its worker is killed with it, or what the worker holds outlives the executor.
    df = scored(FILES)
    totals(df)
    # What an earlier check left would do for this one.
    (work / "killed").unlink(missing_ok=True)

    def die(batches):
        task = TaskContext.get()
        kept = []
        for batch in batches:
            kept.append(ta.numpy(batch, "probabilities"))
            if task.partitionId() == 0 and task.attemptNumber() == 0:
                copies = [each.copy() for each in kept]
                jvm = executor_pid()
                text = f"{jvm} {' '.join(str(each) for each in segments_here())}"
                (work / "killed").write_text(text)
                # So the daemon tells its workers that the JVM is gone.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                os.kill(jvm, signal.SIGKILL)
                if with_worker:
                    os.kill(os.getpid(), signal.SIGKILL)
                # The cluster's worker reaps it when all its threads are gone.
                while Path(f"/proc/{jvm}").exists():
                    time.sleep(0.01)
                same = all(np.array_equal(*each) for each in zip(kept, copies))
                (work / "outlived.new").write_text(str(same))
                os.replace(work / "outlived.new", work / "outlived")
                os._exit(1)
            wait_for(task, work / "killed")
            columns = [batch.column("id"), pa.array(kept[-1].sum(axis=1))]
            yield pa.RecordBatch.from_arrays(columns, ["id", "total"])

    checked(df.mapInArrow(die, "id long, total float").collect())
    if not with_worker:
        it.eventually((work / "outlived").exists)
        assert (work / "outlived").read_text() == "True"
    pid, *numbers = (int(text) for text in (work / "killed").read_text().split())
    assert numbers
    assert not Path(f"/proc/{pid}").exists()
    # The pages went with the last who mapped them: the executor, and its workers after it.
    it.eventually(lambda: not set().union(*it.segments().values()) & set(numbers), it.segments)


@SPECULATION
def test_killed_speculative_task_that_holds_views_frees_memory(scored, work):
    df = scored(FILES)

    def slow(batches):
        task = TaskContext.get()
        for batch in batches:
            view = ta.numpy(batch, "probabilities")
            if task.partitionId() == 0 and task.attemptNumber() == 0:
                (work / "slow").write_text(str(os.getpid()))
                time.sleep(600)
            wait_for(task, work / "slow")
            columns = [batch.column("id"), pa.array(view.sum(axis=1))]
            yield pa.RecordBatch.from_arrays(columns, ["id", "total"])

    checked(df.mapInArrow(slow, "id long, total float").collect())
    pid = (work / "slow").read_text()
    it.eventually(lambda: not Path(f"/proc/{pid}").exists())
    totals(df)
