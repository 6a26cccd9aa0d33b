"""What the scripts of the integration tests share."""

import os
import re
import time
from contextlib import contextmanager, suppress
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


def plan(df):
    """Returns the physical plan."""
    return df._jdf.queryExecution().executedPlan().toString()


def metrics(df):
    """Runs a query; returns how many rows it has, and the metrics of its function's node."""
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


def eventually(condition, found=lambda: "it never became true"):
    """Waits for what has to become true; tasks may still be ending when an action returns.

    Args:
        condition: what has to become true.
        found: says what is there instead.
    """
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, found()
        time.sleep(0.01)


def held(spark):
    """Returns what the driver's JVM holds for tasks, each 0 when none runs in it."""
    jvm = spark.sparkContext._jvm
    connector = jvm.io.tensorarrow.spark
    allocator = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    return {
        "segments lent": connector.python.SharedMemory.lent(),
        "models leased": connector.model.ModelCache.liveLeases(),
        "tensors": connector.tensor.NativeTensor.live(),
        "bytes of texts": connector.tensor.NativeTensor.liveStringBytes(),
        "Arrow bytes": allocator.getAllocatedMemory(),
        "bytes with names": bytes_with_names(),
    }


def bytes_with_names():
    """Returns how many bytes segments have that have names; those of killed makers are empty."""
    found = 0
    for file in Path("/dev/shm").glob("tensorarrow-*"):
        with suppress(FileNotFoundError):
            found += file.stat().st_size
    return found


def check_nothing_is_left(spark):
    """Checks that a JVM that runs no task has given everything back."""
    eventually(lambda: sum(held(spark).values()) == 0, lambda: held(spark))


def segments(program=""):
    """Returns the segments that processes of this test map or have open, by process.

    They have no names, so the system is asked about each process, whichever JVM started it.

    Args:
        program: what the processes' program is called; any if empty.
    """
    mark = f"IT_WORK={os.environ['IT_WORK']}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        # Any of them may end meanwhile, and some are others'.
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            if program in name and mark in (process / "environ").read_bytes().split(b"\0"):
                found[f"{name} {process.name}"] = segments_of(process)
    return {process: numbers for process, numbers in found.items() if numbers}


def segments_of(process):
    """Returns the segments that a process maps or has open, as numbers of files."""
    lines = (process / "maps").read_text().splitlines()
    found = {int(line.split()[4]) for line in lines if is_segment(line)}
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            if is_segment(os.readlink(descriptor)):
                found.add(descriptor.stat().st_ino)
    return found


def is_segment(path):
    """Returns whether the system calls a segment so: by the name that it lost."""
    return re.search(r"/tensorarrow-[0-9a-f]{24} \(deleted\)$", path) is not None


def passed(file):
    """Says that all assertions of a script held."""
    print(f"\nOK {Path(file).stem}")
