"""Whatever happens to workers and tasks, data stay right and no segment is left."""

import os
import signal
import threading
import time
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow as pa
import pytest

import tensorarrow as ta

ROWS = 48_000
BATCH = 4096

pytestmark = pytest.mark.settings(
    {
        "spark.tensorarrow.sharedMemory.bytes": "4m",
        "spark.python.worker.faulthandler.enabled": "false",
    }
)


@pytest.fixture(scope="module")
def memo():
    """What one check has computed for the others."""
    return {}


@pytest.fixture
def df(spark, work, memo):
    """Rows whose model output is larger than what goes through the socket.

    They are right after a check, too, and no segment is lent any more.
    """
    # Workers that keep views do so in this module.
    spark.sparkContext.addPyFile(str(Path(__file__).with_name("worker_state.py")))
    path = it.write_pixels(spark, work / "crash.parquet", ROWS)
    df = it.scored(spark, path, "auto", batchRows=str(BATCH))
    if "before" not in memo:
        memo["before"] = sums(df)
        assert abs(memo["before"] - ROWS) < ROWS * 1e-4, memo
    yield df
    it.check_nothing_is_left(spark)
    assert sums(df) == memo["before"]
    it.check_nothing_is_left(spark)
    assert it.segments()


def sums(df):
    """Returns what the probabilities of all rows add up to: 1 for each row."""

    def total(batches):
        for batch in batches:
            values = ta.numpy(batch, "probabilities").sum()
            yield pa.RecordBatch.from_arrays([pa.array([float(values)])], ["total"])

    return df.mapInArrow(total, "total double").groupBy().sum("total").first()[0]


class Killed:
    """A worker that is killed."""

    def test_killed_worker_fails_only_its_task(self, df):
        def die(batches):
            kept = [ta.numpy(batch, "probabilities") for batch, _ in zip(batches, range(2))]
            assert len(kept) == 2
            os.kill(os.getpid(), signal.SIGKILL)
            yield from batches

        with it.raises("Job aborted due to stage failure"):
            df.mapInArrow(die, "id long").collect()


class Failing:
    """A function that fails, or whose job is cancelled."""

    def test_error_of_function_that_holds_views_is_reported(self, df):
        def fail(batches):
            kept = [ta.numpy(batch, "probabilities") for batch, _ in zip(batches, range(2))]
            raise RuntimeError(f"on purpose, with {len(kept)} views")
            yield from batches

        with it.raises("on purpose, with 2 views"):
            df.mapInArrow(fail, "id long").collect()

    def test_job_cancelled_while_function_sleeps_frees_memory(self, spark, df):
        def sleep(batches):
            for batch in batches:
                assert ta.numpy(batch, "probabilities").shape[1] == 10
                time.sleep(600)
                yield batch

        outcome = []

        def run():
            context = spark.sparkContext
            context.setJobGroup("sleeping", "to be cancelled", interruptOnCancel=True)
            try:
                df.mapInArrow(sleep, df.schema).collect()
            except Exception as error:
                outcome.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        it.eventually(lambda: it.in_use(spark)["segments leased"] > 0)
        spark.sparkContext.cancelJobGroup("sleeping")
        thread.join(60)
        assert not thread.is_alive()
        assert "cancelled" in outcome[0], outcome


class Keeping:
    """Queries that end early, and functions that keep all they get."""

    def test_query_may_end_between_batches(self, df):
        mapped = df.mapInArrow(lambda batches: (b.select(["id"]) for b in batches), "id long")
        assert len(mapped.limit(3).collect()) == 3
        assert len(mapped.limit(BATCH + 1).collect()) == BATCH + 1

    def test_function_that_keeps_every_batch_gets_correct_data(self, df):
        # There are not enough segments for all.
        def everything(batches):
            kept = [ta.numpy(batch, "probabilities") for batch in batches]
            totals = np.concatenate(kept).sum(axis=1)
            right = bool(np.allclose(totals, 1, atol=1e-4))
            columns = [pa.array([right]), pa.array([len(totals)])]
            yield pa.RecordBatch.from_arrays(columns, ["ok", "n"])

        tasks = df.mapInArrow(everything, "ok boolean, n long").collect()
        assert sum(row.n for row in tasks) == ROWS
        assert all(row.ok for row in tasks), tasks


class TestReusedWorkers(Killed, Failing, Keeping):
    """Workers as Spark starts them by itself."""

    def test_forked_children_keep_access_to_pages(self, df):
        def fork(batches):
            children = []
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
                children.append((reading, child))
            for reading, child in children:
                ok = os.read(reading, 1) == b"1"
                os.waitpid(child, 0)
                yield pa.RecordBatch.from_arrays([pa.array([ok])], ["ok"])

        children = df.mapInArrow(fork, "ok boolean").collect()
        assert len(children) > 10
        assert all(row.ok for row in children), children

    def test_views_keep_their_data_after_tasks(self, df):
        def keep(batches):
            import worker_state

            kept = worker_state.KEPT
            same = all(np.array_equal(view, copy) for view, copy in kept)
            for batch in batches:
                view = ta.numpy(batch, "probabilities")
                kept.append((view, view.copy()))
            del batch
            same = same and all(np.array_equal(view, copy) for view, copy in kept)
            columns = [pa.array([same]), pa.array([len(kept)])]
            yield pa.RecordBatch.from_arrays(columns, ["same", "n"])

        counts = []
        for _ in range(4):
            tasks = df.mapInArrow(keep, "same boolean, n long").collect()
            assert all(row.same for row in tasks), tasks
            counts.append(max(row.n for row in tasks))
            assert sums(df) > ROWS * 0.999
        # Workers are used again, so what was kept has grown.
        assert counts[-1] > counts[0], counts


@pytest.mark.settings({"spark.python.worker.reuse": "false"})
class TestWorkersOfOneTask(Killed, Keeping):
    """Workers that end with their task."""


@pytest.mark.settings({"spark.python.use.daemon": "false"})
class TestWorkersWithoutDaemon(Killed, Failing):
    """Workers that the JVM starts itself."""
