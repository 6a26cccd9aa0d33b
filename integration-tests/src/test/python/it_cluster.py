"""Executors in other processes: both run the model, and the driver never loads TensorFlow."""

import time
from pathlib import Path

import it_common as it
import numpy as np
import pyarrow.parquet as pq

import tensorarrow as ta


def parent(pid):
    """Returns a process's parent."""
    fields = Path(f"/proc/{pid}/status").read_text().split("PPid:")[1].split()
    return int(fields[0])


def executor():
    """Returns the JVM that this worker works for: the first ancestor that is no Python."""
    pid = parent("self")
    while "python" in Path(f"/proc/{pid}/comm").read_text():
        pid = parent(pid)
    return pid


# Not the one of it_common: executors can't import that.
def has_tensorflow(pid):
    """Returns whether TensorFlow's native library is mapped into a process."""
    return "libtensorflow_cc" in Path(f"/proc/{pid}/maps").read_text()


def main():
    """Run the checks."""
    spark = (
        it.builder()
        .config("spark.sql.files.maxPartitionBytes", "8k")
        .config("spark.sql.files.openCostInBytes", "0")
        # Without these the first executor could do all the work before the second comes.
        .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
        .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "60s")
        .config("spark.locality.wait", "0s")
        .getOrCreate()
    )
    scored = it.digits(spark).where("split = 'test'")
    assert scored.rdd.getNumPartitions() >= 4, scored.rdd.getNumPartitions()

    def f(t):
        time.sleep(0.5)
        pid = executor()
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
    found = np.array([row.p for row in rows])
    np.testing.assert_allclose(found, expected["probabilities"].to_pylist(), **it.TOLERANCE)

    executors = {row.executor for row in rows}
    driver = it.jvm_pid(spark)
    assert len(executors) == 2, executors
    assert driver not in executors
    assert all(row.loaded for row in rows)
    assert not has_tensorflow(driver)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
