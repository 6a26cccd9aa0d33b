"""Executors in other processes: both run the model, and the driver never loads TensorFlow."""

import time

import helpers as it
import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers import executor_pid, has_tensorflow

import tensorarrow as ta

pytestmark = pytest.mark.settings(
    {
        "spark.sql.files.maxPartitionBytes": "8k",
        "spark.sql.files.openCostInBytes": "0",
        # Without these the first executor could do all the work before the second comes.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
        "spark.locality.wait": "0s",
    }
)


def test_both_executors_run_the_model_and_the_driver_does_not(spark):
    scored = it.digits(spark).where("split = 'test'")
    assert scored.rdd.getNumPartitions() >= 4, scored.rdd.getNumPartitions()

    def f(t):
        time.sleep(0.5)
        pid = executor_pid()
        ids = t["id"]
        return {
            "id": ids,
            "best": t["probabilities"].argmax(1),
            "p": t["probabilities"],
            "executor": np.full(len(ids), pid),
            "loaded": np.full(len(ids), has_tensorflow(pid)),
        }

    declared = "id long, best long, p array<float>, executor long, loaded boolean"
    rows = ta.map_tensors(scored, f, declared).orderBy("id").collect()

    expected = pq.read_table(it.DIGITS_EXPECTED)
    assert [row.id for row in rows] == expected["id"].to_pylist()
    assert [row.best for row in rows] == expected["digit"].to_pylist()
    actual = np.array([row.p for row in rows])
    np.testing.assert_allclose(actual, expected["probabilities"].to_pylist(), **it.TOLERANCE)

    executors = {row.executor for row in rows}
    driver = it.jvm_pid(spark)
    assert len(executors) == 2, executors
    assert driver not in executors
    assert all(row.loaded for row in rows)
    assert not has_tensorflow(driver)
