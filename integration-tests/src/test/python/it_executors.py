"""Executors of a cluster: tasks that share one, executors that are killed, tasks that run twice.

    it_executors.py shared|killed

Everything is on one host, so the executors' segments can be seen from here. Functions are sent to
workers that do not have this module; what they use is in it, not in others.
"""

import os
import signal
import sys
import time
from pathlib import Path

import it_common as it
import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import functions

import tensorarrow as ta

ROWS = 48_000
FILES = 8
BATCH = 4096
CAP = 4 << 20


def rows(spark, files):
    """Reads rows whose model output is larger than what goes through the socket."""
    path = str(Path(os.environ["IT_WORK"]) / f"rows-{files}.parquet")
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    written = spark.range(0, ROWS, 1, files).select("id", pixels.alias("pixels"))
    written.write.mode("overwrite").parquet(path)
    return it.scored(spark, path, "auto", batchRows=str(BATCH)).select("id", "probabilities")


def executor():
    """Returns the JVM that this worker works for: the first ancestor that is no Python."""
    pid = "self"
    while pid == "self" or "python" in Path(f"/proc/{pid}/comm").read_text():
        pid = Path(f"/proc/{pid}/status").read_text().split("PPid:")[1].split()[0]
    return int(pid)


def segments_here():
    """Returns the segments that this worker maps, by their files' numbers."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    return sorted({int(line[4]) for line in lines if "/dev/shm/tensorarrow-" in line[-2]})


def totals(df):
    """Returns what is to be found: each row once, and its probabilities add up to 1."""

    def total(batches):
        for batch in batches:
            sums = ta.numpy(batch, "probabilities").sum(axis=1)
            yield pa.RecordBatch.from_arrays([batch.column("id"), pa.array(sums)], ["id", "total"])

    return checked(df.mapInArrow(total, "id long, total float").collect())


def checked(found):
    """Checks that each row is there once and right; to sort them there would take two jobs."""
    found = sorted(found, key=lambda row: row.id)
    assert [row.id for row in found] == list(range(ROWS))
    assert all(abs(row.total - 1) < 1e-4 for row in found)
    return found


def check_no_segment_is_lent():
    """Checks that executors have no segment any more: those that are lent would be kept."""
    it.eventually(lambda: not it.segments("java"), it.segments)


def check_shared_executor(spark, df):
    """Checks that tasks that run at once in one executor have one pool, and get right data."""
    work = Path(os.environ["IT_WORK"])

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
            rest = [[executor()] * len(ids), [os.getpid()] * len(ids), [names] * len(ids)]
            yield pa.RecordBatch.from_arrays(
                columns + [pa.array(each) for each in rest],
                ["id", "total", "executor", "worker", "segments"],
            )

    declared = "id long, total float, executor long, worker long, segments array<long>"
    found = checked(df.mapInArrow(keep, declared).collect())
    assert len({row.executor for row in found}) == 1
    workers = {row.worker: set(row.segments) for row in found}
    assert len(workers) == 2, workers
    # All batches were kept, so both have segments, and together no more than the pool may have.
    assert all(workers.values()), workers
    assert len(set.union(*workers.values())) <= CAP >> 20, workers
    assert totals(df)
    check_no_segment_is_lent()


def check_killed_executor(spark, df, together):
    """Checks that another executor takes over from one that is killed while it hands over.

    Its worker is killed together with it, or what it holds outlives the executor.
    """
    work = Path(os.environ["IT_WORK"])
    # What an earlier check left would do for this one.
    (work / "killed").unlink(missing_ok=True)

    def die(batches):
        task = TaskContext.get()
        kept = []
        for batch in batches:
            kept.append(ta.numpy(batch, "probabilities"))
            if task.partitionId() == 0 and task.attemptNumber() == 0:
                copies = [each.copy() for each in kept]
                jvm = executor()
                text = f"{jvm} {' '.join(str(each) for each in segments_here())}"
                (work / "killed").write_text(text)
                # So the daemon tells its workers that the JVM is gone.
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                os.kill(jvm, signal.SIGKILL)
                if together:
                    os.kill(os.getpid(), signal.SIGKILL)
                # The cluster's worker reaps it when all its threads are gone.
                while Path(f"/proc/{jvm}").exists():
                    time.sleep(0.01)
                same = all(np.array_equal(*each) for each in zip(kept, copies))
                (work / "outlived.new").write_text(str(same))
                os.replace(work / "outlived.new", work / "outlived")
                os._exit(1)
            columns = [batch.column("id"), pa.array(kept[-1].sum(axis=1))]
            yield pa.RecordBatch.from_arrays(columns, ["id", "total"])

    checked(df.mapInArrow(die, "id long, total float").collect())
    if not together:
        it.eventually((work / "outlived").exists)
        assert (work / "outlived").read_text() == "True"
    pid, *numbers = (int(text) for text in (work / "killed").read_text().split())
    assert numbers
    assert not Path(f"/proc/{pid}").exists()
    # The pages went with the last who mapped them: the executor, and its workers after it.
    it.eventually(lambda: not set().union(*it.segments().values()) & set(numbers), it.segments)
    check_no_segment_is_lent()


def check_speculation(spark, df):
    """Checks that a task's slower copy, killed while it holds views, leaves nothing."""
    work = Path(os.environ["IT_WORK"])

    def slow(batches):
        task = TaskContext.get()
        for batch in batches:
            view = ta.numpy(batch, "probabilities")
            if task.partitionId() == 0 and task.attemptNumber() == 0:
                (work / "slow").write_text(str(os.getpid()))
                time.sleep(600)
            # Its copy must not win before it has a view at all: executors are new by now.
            deadline = time.monotonic() + 60
            while task.partitionId() == 0 and not (work / "slow").exists():
                assert time.monotonic() < deadline, "the first attempt did not get here"
                time.sleep(0.01)
            columns = [batch.column("id"), pa.array(view.sum(axis=1))]
            yield pa.RecordBatch.from_arrays(columns, ["id", "total"])

    checked(df.mapInArrow(slow, "id long, total float").collect())
    pid = (work / "slow").read_text()
    it.eventually(lambda: not Path(f"/proc/{pid}").exists())
    check_no_segment_is_lent()


def main(which):
    """Run the checks."""
    session = (
        it.builder()
        .config("spark.tensorarrow.sharedMemory.bytes", str(CAP))
        # By this, processes that others start are known as this test's.
        .config("spark.executorEnv.IT_WORK", os.environ["IT_WORK"])
        # What is not lent is closed, so that what is left is lent.
        .config("spark.tensorarrow.sharedMemory.idleTime", "1s")
        .config("spark.locality.wait", "0s")
        # One file is one task.
        .config("spark.sql.files.openCostInBytes", "1g")
    )
    if which == "shared":
        spark = session.getOrCreate()
        check_shared_executor(spark, rows(spark, 2))
    else:
        session = session.config("spark.speculation", "true")
        spark = session.config("spark.speculation.minTaskRuntime", "2s").getOrCreate()
        df = rows(spark, FILES)
        totals(df)
        check_killed_executor(spark, df, together=False)
        check_killed_executor(spark, df, together=True)
        check_speculation(spark, df)
        totals(df)
        check_no_segment_is_lent()
    spark.stop()
    it.eventually(lambda: not it.segments(), it.segments)


if __name__ == "__main__":
    main(sys.argv[1])
    it.passed(__file__)
