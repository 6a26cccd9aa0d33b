"""What the integration checks share.

Workers can't import this module. Functions that run there may refer to its functions, which are
sent along, but not to the module.
"""

import os
import re
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
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
    """Returns a small session's builder; master and jars come from the command line.

    Its workers are those of ``daemon/preloaded_daemon.py`` where that is on the path.
    """
    settings = {
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": f"{os.environ['IT_WORK']}/warehouse",
        "spark.tensorarrow.natives.directory": os.environ["IT_NATIVES"],
    }
    if find_spec("preloaded_daemon"):
        settings["spark.python.daemon.module"] = "preloaded_daemon"
    result = SparkSession.builder.appName("integration-tests")
    for key, value in settings.items():
        result = result.config(key, value)
    return result


class Sessions:
    """The session that this process has; it is kept for as long as the same settings are wanted."""

    def __init__(self):
        self._spark = None
        self._settings = {}

    def open(self, settings):
        """Returns a session with these settings, on top of those that all have."""
        if self._spark is None or settings != self._settings:
            self.close()
            session = builder()
            for key, value in settings.items():
                session = session.config(key, value)
            self._spark, self._settings = session.getOrCreate(), settings
        return self._spark

    def close(self):
        """Stops the session. Its segments go with it, also those that workers kept views of."""
        if self._spark is not None:
            self._spark.stop()
            self._spark = None
            eventually(lambda: not segments(), segments)


def digits(spark, **options):
    """Reads the digits with the model's outputs."""
    reader = spark.read.format("tensorflow").option("model", DIGITS_MODEL)
    return reader.options(**options).load(DIGITS_DATA)


def scored(spark, path, mode, **options):
    """Reads rows of 64 pixels with the digits model's outputs, in one transfer mode."""
    reader = spark.read.format("tensorflow").option("model", DIGITS_MODEL)
    return reader.option("handover", mode).options(**options).load(path)


def pixels():
    """Returns the column of 64 pixels that an id has."""
    cells = [((functions.col("id") * 7 + i) % 17).cast("float") for i in range(64)]
    return functions.array(*cells).alias("pixels")


def write_pixels(spark, path, count, *columns, files=2):
    """Writes rows of an id, 64 pixels and more columns, if there are none; returns their path."""
    rows = spark.range(0, count, 1, files).select("id", pixels(), *columns)
    rows.write.mode("ignore").parquet(str(path))
    return str(path)


def identity(batches):
    """Returns the batches that it gets."""
    yield from batches


def arrow(df):
    """Runs a query; returns its rows as an Arrow table, in the order of their ids."""
    return pa.Table.from_batches(df._collect_as_arrow()).sort_by("id").combine_chunks()


def plan(df):
    """Returns the physical plan."""
    return df._jdf.queryExecution().executedPlan().toString()


def metrics(df):
    """Runs a query; returns how many rows it has, and the metrics of its function's node."""
    execution = df._jdf.queryExecution()
    rows = execution.executedPlan().executeCollect()
    return len(rows), metrics_of(df, lambda node: "ColumnarMapInBatch" in node.nodeName())


def metrics_of(df, matches):
    """Returns the metrics of the first node of a plan that matches, by their names."""
    nodes = [df._jdf.queryExecution().executedPlan()]
    while nodes:
        node = nodes.pop()
        if matches(node):
            metrics = node.metrics().iterator()
            pairs = []
            while metrics.hasNext():
                pairs.append(metrics.next())
            return {pair._1(): pair._2().value() for pair in pairs}
        if "Adaptive" in node.nodeName():
            nodes.append(node.executedPlan())
        nodes.extend(node.children().apply(i) for i in range(node.children().size()))
    raise AssertionError("no such node: " + plan(df))


def jvm_pid(spark):
    """Returns the process id of the driver's JVM."""
    return spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()


def executor_pid():
    """Returns the JVM that a worker works for: its first ancestor that is no Python."""
    pid = "self"
    while pid == "self" or "python" in Path(f"/proc/{pid}/comm").read_text():
        pid = Path(f"/proc/{pid}/status").read_text().split("PPid:")[1].split()[0]
    return int(pid)


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


def eventually(condition, state=lambda: "it never became true"):
    """Waits for what has to become true; tasks may still be ending when an action returns.

    Args:
        condition: what has to become true.
        state: says what is there instead.
    """
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, state()
        time.sleep(0.01)


def in_use(spark):
    """Returns what the driver's JVM holds for tasks, each 0 when none runs in it."""
    jvm = spark.sparkContext._jvm
    connector = jvm.io.tensorarrow.spark
    allocator = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    counts = {
        "segments leased": connector.python.shm.SharedMemory.leasedSegments(),
        "models leased": connector.model.ModelCache.liveLeases(),
        "Arrow bytes": allocator.getAllocatedMemory(),
        "bytes with names": bytes_with_names(),
    }
    # To ask for tensors would load TensorFlow.
    if has_tensorflow(jvm_pid(spark)):
        counts["tensors"] = connector.tensor.NativeTensor.live()
        counts["bytes of texts"] = connector.tensor.NativeTensor.liveStringBytes()
    return counts


def bytes_with_names():
    """Returns how many bytes segments have that have names; those of killed makers are empty."""
    total = 0
    for file in Path("/dev/shm").glob("tensorarrow-*"):
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def check_nothing_is_left(spark):
    """Checks that a JVM that runs no task has given everything back."""
    eventually(lambda: sum(in_use(spark).values()) == 0, lambda: in_use(spark))


def segments(program=""):
    """Returns the segments that processes of this test map or have open, by process.

    They have no names, so the system is asked about each process, whichever JVM started it.

    Args:
        program: what the processes' program is called; any if empty.
    """
    mark = f"IT_WORK={os.environ['IT_WORK']}".encode()
    numbers_by_process = {}
    for process in Path("/proc").glob("[0-9]*"):
        # Any of them may end meanwhile, and some are others'.
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            if program in name and mark in (process / "environ").read_bytes().split(b"\0"):
                numbers_by_process[f"{name} {process.name}"] = segments_of(process)
    return {process: numbers for process, numbers in numbers_by_process.items() if numbers}


def segments_of(process):
    """Returns the segments that a process maps or has open, as numbers of files."""
    lines = (process / "maps").read_text().splitlines()
    numbers = {int(line.split()[4]) for line in lines if is_segment(line)}
    for descriptor in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            if is_segment(os.readlink(descriptor)):
                numbers.add(descriptor.stat().st_ino)
    return numbers


def is_segment(path):
    """Returns whether the system calls a segment so: by the name that it lost."""
    return re.search(r"/tensorarrow-[0-9a-f]{24} \(deleted\)$", path) is not None
