"""Models on a real HDFS: each host copies one once, and what is wrong is said clearly.

The checks run in the order of the file: the last one has the name node stopped.
"""

import os
import shutil
import time
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow.parquet as pq
import pytest

import tensorarrow as ta

WORK = Path(os.environ["IT_WORK"])
HDFS = os.environ["IT_HDFS"].rstrip("/")
SECRET = os.environ["IT_SECRET"]
SHARD = "/variables/variables.data-00000-of-00001"


pytestmark = pytest.mark.settings(
    {
        "spark.sql.files.maxPartitionBytes": "8k",
        "spark.sql.files.openCostInBytes": "0",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
        "spark.locality.wait": "0s",
        # The two executors share their host's copies.
        "spark.tensorarrow.models.directory": str(WORK / "models"),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (WORK / "events").as_uri(),
        "spark.hadoop.fs.test.application.secret": SECRET,
        # A name node that does not answer is not asked for long.
        "spark.hadoop.ipc.client.connect.max.retries": "1",
    }
)


@pytest.fixture(autouse=True, scope="module")
def _events():
    (WORK / "events").mkdir()


def scored(spark, model, **options):
    """Reads the digits with the outputs of a model that lies elsewhere."""
    reader = spark.read.format("tensorflow").option("model", model)
    reader = reader.option("fs.test.secret.key", SECRET).options(**options)
    return reader.load(Path(it.DIGITS_DATA).as_uri()).where("split = 'test'")


def plan(df):
    """Plans a query, which pins its model; returns it."""
    df._jdf.queryExecution().executedPlan()
    return df


def copies():
    """Returns this host's copies of models, complete or not."""
    return [path.name for path in (WORK / "models").iterdir() if path.is_dir()]


@pytest.fixture(scope="module")
def memo():
    """What one check has planned for another."""
    return {}


@pytest.fixture
def copied(spark, memo):
    """A query of the model that is copied."""
    if "copied" not in memo:
        memo["copied"] = plan(scored(spark, "/models/digits", **{"fs.defaultFS": HDFS}))
    return memo["copied"]


def test_both_executors_run_the_model_and_share_one_copy_of_it(copied):
    planned = copied
    assert planned.rdd.getNumPartitions() >= 4, planned.rdd.getNumPartitions()
    plan = planned._jdf.queryExecution().toString()
    # Version 2 has no variables.
    assert f"model={HDFS}/models/digits/1 " in plan, plan
    assert SECRET not in plan, plan

    def f(t):
        time.sleep(0.5)
        ids = t["id"]
        best = t["probabilities"].argmax(1)
        return {"id": ids, "best": best, "executor": np.full(len(ids), os.getppid())}

    rows = ta.map_tensors(planned, f, "id long, best long, executor long").orderBy("id").collect()
    expected = pq.read_table(it.DIGITS_EXPECTED)
    assert [row.id for row in rows] == expected["id"].to_pylist()
    assert [row.best for row in rows] == expected["digit"].to_pylist()
    assert len({row.executor for row in rows}) == 2
    assert len(copies()) == 1, copies()
    assert copies()[0].startswith("sha256-"), copies()


def test_model_replaced_between_planning_and_running_is_refused(spark):
    model = HDFS + "/models/changing"
    planned = plan(scored(spark, model))
    jvm = spark.sparkContext._jvm
    shard = jvm.org.apache.hadoop.fs.Path(model + SHARD)
    shard.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).setTimes(shard, 1000, -1)
    with it.raises("[TA_MODEL_CHANGED]", model, "on host '", "found fingerprint sha256:"):
        planned.collect()
    assert len(copies()) == 1, copies()


def test_local_model_missing_on_executors_is_an_error(spark):
    model = WORK / "vanishing"
    shutil.copytree(it.DIGITS_MODEL, model)
    planned = plan(scored(spark, model.as_uri()))
    shutil.rmtree(model)
    with it.raises(
        "[TA_MODEL_NOT_FOUND]", f"'{model}' on host '", "hdfs or s3a", "copy it to each"
    ):
        planned.collect()


def test_copy_of_model_is_used_without_its_file_system(spark, copied):
    model = HDFS + "/models/out_of_reach"
    planned = plan(scored(spark, model))
    print("\nREADY for the end of the name node", flush=True)
    while not (WORK / "name_node_stopped").exists():
        time.sleep(0.1)
    with it.raises("[TA_MODEL_FETCH]", f"'{model}' on host '", "fs.* options"):
        planned.collect()
    with it.raises("[TA_MODEL_FETCH]", model, "fs.* options"):
        scored(spark, model)
    assert len(copies()) == 1, copies()
    # What was copied serves on, though nobody can say whether there is a newer version.
    assert copied.select("probabilities").where("id < 100").count() > 0
    assert len(copied.select("probabilities").limit(5).collect()) == 5


def test_event_logs_have_plans_without_secrets(sessions):
    sessions.close()
    logs = [path.read_text() for path in (WORK / "events").iterdir()]
    assert any("InferenceScan model=" + HDFS in log for log in logs)
    assert not any(SECRET in log for log in logs)
