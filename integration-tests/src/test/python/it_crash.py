"""Whatever happens to workers and tasks, data stay right and no segment is left."""

import os
import signal
import threading
import time
from pathlib import Path

import it_common as it
import numpy as np
import pyarrow as pa

import tensorarrow as ta

ROWS = 60_000
BATCH = 4096


def rows(spark):
    """Reads rows whose model output is larger than what goes through the socket."""
    path = os.path.join(os.environ["IT_WORK"], "rows.parquet")
    it.write_pixels(spark, path, ROWS)
    return it.scored(spark, path, "auto", batchRows=str(BATCH))


def sums(df):
    """Returns what is to be found: the probabilities of a row add up to 1."""

    def total(batches):
        for batch in batches:
            values = ta.numpy(batch, "probabilities").sum()
            yield pa.RecordBatch.from_arrays([pa.array([float(values)])], ["total"])

    return df.mapInArrow(total, "total double").groupBy().sum("total").first()[0]


def check_killed_worker(spark, df):
    """Checks that a worker that is killed while it holds views fails its task, and no more."""

    def die(batches):
        kept = [ta.numpy(batch, "probabilities") for batch, _ in zip(batches, range(2))]
        assert len(kept) == 2
        os.kill(os.getpid(), signal.SIGKILL)
        yield from batches

    with it.raises("Job aborted due to stage failure"):
        df.mapInArrow(die, "id long").collect()


def check_exception(spark, df):
    """Checks that a function that fails while it holds views tells its own error."""

    def fail(batches):
        kept = [ta.numpy(batch, "probabilities") for batch, _ in zip(batches, range(2))]
        raise RuntimeError(f"on purpose, with {len(kept)} views")
        yield from batches

    with it.raises("on purpose, with 2 views"):
        df.mapInArrow(fail, "id long").collect()


def check_limit(spark, df):
    """Checks that a query may end in the middle of its batches."""
    mapped = df.mapInArrow(lambda batches: (b.select(["id"]) for b in batches), "id long")
    assert len(mapped.limit(3).collect()) == 3
    assert len(mapped.limit(BATCH + 1).collect()) == BATCH + 1


def check_cancelled(spark, df):
    """Checks that a job that is cancelled while its function sleeps ends, and frees all."""

    def sleep(batches):
        for batch in batches:
            assert ta.numpy(batch, "probabilities").shape[1] == 10
            time.sleep(600)
            yield batch

    outcome = []

    def run():
        spark.sparkContext.setJobGroup("sleeping", "to be cancelled", interruptOnCancel=True)
        try:
            df.mapInArrow(sleep, df.schema).collect()
        except Exception as error:
            outcome.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    lent = spark.sparkContext._jvm.io.tensorarrow.spark.python.shm.SharedMemory.lent
    it.eventually(lambda: lent() > 0)
    spark.sparkContext.cancelJobGroup("sleeping")
    thread.join(60)
    assert not thread.is_alive()
    assert "cancelled" in outcome[0], outcome


def check_kept_views(spark, df):
    """Checks that views stay as they are past their batches, their function and their task."""

    def keep(batches):
        import it_kept

        kept = it_kept.KEPT
        same = all(np.array_equal(view, copy) for view, copy in kept)
        for batch in batches:
            view = ta.numpy(batch, "probabilities")
            kept.append((view, view.copy()))
        del batch
        same = same and all(np.array_equal(view, copy) for view, copy in kept)
        yield pa.RecordBatch.from_arrays([pa.array([same]), pa.array([len(kept)])], ["same", "n"])

    counts = []
    for _ in range(4):
        found = df.mapInArrow(keep, "same boolean, n long").collect()
        assert all(row.same for row in found), found
        counts.append(max(row.n for row in found))
        assert sums(df) > ROWS * 0.999
    # Workers are used again, so what was kept has grown.
    assert counts[-1] > counts[0], counts


def check_forks(spark, df):
    """Checks that a forked child sees the pages for as long as it likes."""

    def fork(batches):
        good = []
        for batch in batches:
            view = ta.numpy(batch, "probabilities")
            copy = view.copy()
            reading, writing = os.pipe()
            child = os.fork()
            if child == 0:
                # Later batches would have overwritten the pages by then.
                time.sleep(0.05)
                os.write(writing, b"1" if np.array_equal(view, copy) else b"0")
                os._exit(0)
            del view, batch
            good.append((reading, child))
        for reading, child in good:
            ok = os.read(reading, 1) == b"1"
            os.waitpid(child, 0)
            yield pa.RecordBatch.from_arrays([pa.array([ok])], ["ok"])

    found = df.mapInArrow(fork, "ok boolean").collect()
    assert len(found) > 10
    assert all(row.ok for row in found), found


def check_all_kept(spark, df):
    """Checks that a function that keeps every batch gets right data when segments run out."""

    def everything(batches):
        kept = [ta.numpy(batch, "probabilities") for batch in batches]
        whole = np.concatenate(kept).sum(axis=1)
        right = bool(np.allclose(whole, 1, atol=1e-4))
        yield pa.RecordBatch.from_arrays([pa.array([right]), pa.array([len(whole)])], ["ok", "n"])

    each = df.mapInArrow(everything, "ok boolean, n long").collect()
    assert sum(row.n for row in each) == ROWS
    assert all(row.ok for row in each), each


CHECKS = [
    check_killed_worker,
    check_exception,
    check_limit,
    check_cancelled,
    check_forks,
    check_all_kept,
    check_kept_views,
]

# Workers as Spark starts them otherwise, and what may go wrong with those.
WORKERS = {
    "spark.python.worker.reuse": [check_killed_worker, check_limit, check_all_kept],
    "spark.python.use.daemon": [check_killed_worker, check_exception, check_cancelled],
}


def run(session, checks):
    """Runs checks in a session of their own."""
    session = session.config("spark.tensorarrow.sharedMemory.bytes", "4m")
    spark = session.config("spark.python.worker.faulthandler.enabled", "false").getOrCreate()
    # Workers that keep views do so in this module.
    spark.sparkContext.addPyFile(str(Path(__file__).with_name("it_kept.py")))
    df = rows(spark)
    wanted = sums(df)
    assert abs(wanted - ROWS) < ROWS * 1e-4, wanted
    for check in checks:
        check(spark, df)
        it.check_nothing_is_left(spark)
        assert sums(df) == wanted, check.__name__
    it.check_nothing_is_left(spark)
    assert it.segments()
    spark.stop()
    # The pool has gone with the session, and kept views with their workers.
    it.eventually(lambda: not it.segments(), it.segments)


def main():
    """Run the checks."""
    run(it.builder(), CHECKS)
    for setting, checks in WORKERS.items():
        run(it.builder().config(setting, "false"), checks)


if __name__ == "__main__":
    main()
    it.passed(__file__)
