"""What the benchmarks share that run as PySpark programs.

The environment says where they write (`BENCH_WORK`), where the models are (`BENCH_MODELS`), how
many rounds there are (`BENCH_ROUNDS`, of which the first is dropped), and which cases to run
(`BENCH_CASES`: parts of their keys, with commas between; all if empty).
"""

import os
import statistics
import time
from pathlib import Path

from pyspark.sql import SparkSession

WORK = Path(os.environ["BENCH_WORK"])
MODELS = Path(os.environ["BENCH_MODELS"])
ROUNDS = int(os.environ["BENCH_ROUNDS"])
ONLY = [part for part in os.environ.get("BENCH_CASES", "").split(",") if part]


def wanted(cases):
    """Returns the cases to run."""
    return [case for case in cases if not ONLY or any(part in case.key for part in ONLY)]


def session(**settings):
    """Returns a session; master, memory and jars come from the command line."""
    common = {
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(WORK / "warehouse"),
        # As many partitions as files.
        "spark.sql.files.maxPartitionBytes": "4g",
        "spark.sql.files.minPartitionNum": "2",
    }
    builder = SparkSession.builder.appName("benchmarks")
    for key, value in {**common, **settings}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def in_rounds(competitors, is_valid=lambda result: True):
    """Runs the competitors in turns; the order changes with each round, the first is dropped.

    Args:
        competitors: functions without arguments, by name.
        is_valid: whether a result counts; what does not is measured again, up to three times.

    Returns:
        what each competitor returned, round by round, and what it returned in the first round.
    """
    names = list(competitors)
    found = {name: [] for name in names}
    for turn in range(ROUNDS):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            result = competitors[name]()
            for _ in range(3):
                if turn == 0 or is_valid(result):
                    break
                result = competitors[name]()
            found[name].append(result)
    return {name: all_[1:] for name, all_ in found.items()}, {n: a[0] for n, a in found.items()}


def seconds(action):
    """Returns how long something takes, and what it returns."""
    begin = time.perf_counter()
    result = action()
    return time.perf_counter() - begin, result


def number(value):
    """Returns a number with as many digits as say something."""
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def spread(values):
    """Returns the median, and between which values the middle half lies."""
    ordered = sorted(values)
    last = len(ordered) - 1
    parts = (ordered[last // 2], ordered[last // 4], ordered[last - last // 4])
    return "{} ({} to {})".format(*map(number, parts))


def median(values):
    """Returns the median alone."""
    return number(statistics.median_low(values))


def ratios(above, below):
    """Returns the ratios of two competitors, round by round."""
    return [a / b for a, b in zip(above, below)]


class Table:
    """A table of the documentation, which the caller of the program puts there."""

    def __init__(self, name, header):
        self._path = WORK / f"{name}.tsv"
        self._lines = [header]

    def row(self, *cells):
        """Adds a row, and shows it as progress."""
        self._lines.append(cells)
        print(" | ".join(cells), flush=True)

    def publish(self):
        """Leaves the table for the caller."""
        self._path.write_text("".join("\t".join(line) + "\n" for line in self._lines))


def metrics(df):
    """Returns the metrics of a finished query's columnar Python node; empty if it has none."""
    node = df._jdf.queryExecution().executedPlan()
    while "ColumnarMapInBatch" not in node.nodeName():
        if node.children().isEmpty():
            return {}
        node = node.children().apply(0)
    names = ["sharedBatches", "inlineBatches", "arrowBatches", "createdSegments", "pythonDataSent"]
    return {name: node.metrics().apply(name).value() for name in names}
