"""Runs the blocks of the documentation, one session for each page.

    spark-submit ... it_documentation.py DIRECTORY

For each page the directory has a directory of blocks, 00.python, 01.sql, 02.bash and so on. What a
block prints is written beside it as 00.output, and the stack trace of one that fails as 00.failure;
the page's other blocks are not run then.
"""

import contextlib
import io
import subprocess
import sys
import traceback
from pathlib import Path

from pyspark.sql import SparkSession


def run_python(name, code, names):
    exec(compile(code, name, "exec"), names)


def run_sql(name, code, names):
    """Prints what the command line of Spark SQL prints."""
    spark = names["spark"]
    for statement in code.split(";\n"):
        if statement.strip():
            plan = spark.sql(statement)._jdf.queryExecution().executedPlan()
            rows = spark._jvm.org.apache.spark.sql.execution.HiveResult.hiveResultString(plan)
            for i in range(rows.length()):
                print(rows.apply(i))


def run_bash(name, code, names):
    done = subprocess.run(["bash", "-euc", code], check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")


RUN = {".python": run_python, ".sql": run_sql, ".bash": run_bash}


def run_page(directory, spark):
    """Runs the blocks of one page in one session and one set of names."""
    spark._jvm.org.apache.spark.sql.SparkSession.setActiveSession(spark._jsparkSession)
    # As in a script: functions travel to workers by value.
    names = {"__name__": "__main__", "spark": spark}
    for block in sorted(file for file in directory.iterdir() if file.suffix in RUN):
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                RUN[block.suffix](f"{directory.name} {block.name}", block.read_text(), names)
        except Exception:
            block.with_suffix(".failure").write_text(printed.getvalue() + traceback.format_exc())
            return
        block.with_suffix(".output").write_text(printed.getvalue())


def main():
    spark = SparkSession.builder.getOrCreate()
    root = Path(sys.argv[1])
    for directory in sorted({file.parent for file in root.rglob("*.*") if file.suffix in RUN}):
        run_page(directory, spark.newSession())
    spark.stop()


if __name__ == "__main__":
    main()
