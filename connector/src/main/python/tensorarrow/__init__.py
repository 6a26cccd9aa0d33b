"""Tensors that TensorFlow models computed inside Spark, as NumPy arrays.

    import tensorarrow as ta

    schema = scored.schema                # outside: a DataFrame can't be sent to workers

    def best(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities", schema=schema)   # (rows, 10) float32
            yield pa.RecordBatch.from_arrays([batch.column("id"), pa.array(p.argmax(1))],
                                             names=["id", "best"])

    scored.mapInArrow(best, "id long, best long")
    ta.map_tensors(scored, lambda t: {"best": t["probabilities"].argmax(1)}, "best long")
    ta.predict(df, "models/digits")                      # any DataFrame, with the outputs
    ta.show("models/digits")
    ta.variables(spark, "models/digits")                 # {"dense/kernel": array(...), ...}

It needs pyarrow and NumPy; PySpark only where DataFrames come in; never Python TensorFlow.
"""

import sys

from tensorarrow import _archive, _requirements

_requirements.check()
if "pyspark.worker" in sys.modules:
    # In workers alone, which import from archives again with each task.
    _archive.cache_zip_directories()

from tensorarrow._arrays import arrow, numpy  # noqa: E402  the check comes first
from tensorarrow._errors import TensorArrowError  # noqa: E402
from tensorarrow._map import map_tensors  # noqa: E402
from tensorarrow._predict import predict  # noqa: E402
from tensorarrow._show import show  # noqa: E402
from tensorarrow._variables import variables  # noqa: E402
from tensorarrow._version import __version__  # noqa: E402

__all__ = [
    "TensorArrowError",
    "__version__",
    "arrow",
    "map_tensors",
    "numpy",
    "predict",
    "show",
    "variables",
]
