"""What the scripts of the integration tests share."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession, functions

REPOSITORY = Path(__file__).resolve().parents[4]
DIGITS_MODEL = str(REPOSITORY / "examples/models/digits")
DIGITS_DATA = str(REPOSITORY / "examples/data/digits.parquet")
DIGITS_EXPECTED = str(REPOSITORY / "examples/data/expected.parquet")
FEATURES_MODEL = str(Path(__file__).resolve().parents[1] / "resources/models/features")
ZOO = str(Path(__file__).resolve().parents[1] / "resources/zoo")
FEATURES_DATA = FEATURES_MODEL + ".parquet"

# Python TensorFlow computed the recorded outputs with kernels of its own.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def builder():
    """Returns a small session's builder; master and jars come from the command line."""
    work = Path(os.environ["IT_WORK"])
    settings = {
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.tensorarrow.natives.directory": os.environ["IT_NATIVES"],
    }
    result = SparkSession.builder.appName("integration-tests")
    for key, value in settings.items():
        result = result.config(key, value)
    return result


def digits(spark, **options):
    """Reads the digits with the model's outputs."""
    reader = spark.read.format("tensorflow").option("model", DIGITS_MODEL)
    return reader.options(**options).load(DIGITS_DATA)


def scored(spark, path, way, **options):
    """Reads rows of 64 pixels with the digits model's outputs, to be handed over in one way."""
    reader = spark.read.format("tensorflow").option("model", DIGITS_MODEL)
    return reader.option("handover", way).options(**options).load(path)


def write_pixels(spark, path, count):
    """Writes rows of an id and 64 pixels in two files."""
    pixels = functions.array(
        *[((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    )
    written = spark.range(0, count, 1, 2).select("id", pixels.alias("pixels"))
    written.write.mode("overwrite").parquet(path)


def handover_metrics(df):
    """Runs a query; returns the number of its rows and the metrics of its function's node."""
    execution = df._jdf.queryExecution()
    rows = execution.executedPlan().executeCollect()
    node = execution.executedPlan()
    while "ColumnarMapInBatch" not in node.nodeName():
        node = node.executedPlan() if "Adaptive" in node.nodeName() else node.children().apply(0)
    found = {}
    metrics = node.metrics().iterator()
    while metrics.hasNext():
        metric = metrics.next()
        found[metric._1()] = metric._2().value()
    return len(rows), found


def nothing_is_left(spark):
    """Checks that no segment is lent, none has a name, and Arrow's memory is given back."""
    jvm = spark.sparkContext._jvm
    allocator = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()

    def is_left():
        lent = jvm.io.tensorarrow.spark.python.SharedMemory.lent()
        # A segment has a name for the moment between its making and its mapping, and a task that
        # is killed because another one failed may still make one.
        named = [name for name in os.listdir("/dev/shm") if name.startswith("tensorarrow-")]
        return lent or named or allocator.getAllocatedMemory()

    eventually(lambda: not is_left())


def plan(df):
    """Returns the physical plan."""
    return df._jdf.queryExecution().executedPlan().toString()


def jvm_pid(spark):
    """Returns the process id of the driver's JVM."""
    return spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()


def has_tensorflow(pid):
    """Returns whether TensorFlow's native library is mapped into a process."""
    return "libtensorflow_cc" in Path(f"/proc/{pid}/maps").read_text()


@contextmanager
def raises(*parts):
    """Checks that the block raises an exception whose text has these parts."""
    try:
        yield
    except Exception as error:
        missing = [part for part in parts if part not in str(error)]
        assert not missing, f"{missing} not in: {error}"
    else:
        raise AssertionError(f"nothing was raised; expected {parts}")


def eventually(condition):
    """Waits for what has to become true; tasks may still be ending when an action returns."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


def passed(file):
    """Says that all assertions of a script held."""
    print(f"\nOK {Path(file).stem}")
