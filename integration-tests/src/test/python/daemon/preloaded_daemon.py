"""Spark's daemon of Python workers, which imports what workers need before it forks them.

Checks end many workers. By itself each would take seconds to import these packages again, and a
fifth of a second in each task to read the directories of all archives on its path again, which
no check changes.
"""

import zipimport

import numpy  # noqa: F401
import pandas  # noqa: F401
import pyspark.ml.functions
import pyspark.sql.pandas.serializers
import pyspark.sql.pandas.types  # noqa: F401
from pyspark.daemon import manager

zipimport.zipimporter.invalidate_caches = lambda self: None

if __name__ == "__main__":
    manager()
