"""A model's variables as NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tensorarrow._convert import Array
from tensorarrow._dtypes import numpy_dtype
from tensorarrow._errors import TensorArrowError, closest_first

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The checksum between the lengths of stored strings and their bytes.
_CHECKSUM_BYTES = 4


def variables(
    spark: SparkSession,
    model: str,
    version: int | str | None = None,
    *,
    names: Iterable[str] | None = None,
    raw: bool = False,
    **options: Any,
) -> dict[str, Array]:
    """Reads the variables of a model, without TensorFlow.

    Spark's executors read the files and check each variable's checksum; the driver gets the bytes,
    a part of them at a time. An array is a view of the bytes that arrived: of the variable's dtype
    and shape, read-only, with ``.copy()`` for an independent one. Strings are an object array of
    bytes. Dtypes that NumPy lacks are as in ``numpy``: bfloat16 needs the package ``ml_dtypes``,
    8-bit floats are their bits as uint8, int4 is int8.

    Args:
        spark: the session that finds the model.
        model: the SavedModel's directory, or a directory of numbered versions.
        version: a version's number or label; the latest if left out.
        names: the variables to read; all if left out. No others are read.
        raw: whether bfloat16 is seen as the uint16 of the same bits.
        options: options of ``format("tensorflow")``, such as those for Hadoop:
            ``**{"fs.s3a.endpoint": ...}``.

    Returns:
        The arrays by name, sorted; in the order of ``names``, if given. A name is what TensorFlow
        calls the variable, ``dense/kernel``; its path in the checkpoint, ``layers/0/kernel``, if
        the checkpoint does not tell or several variables are called the same.

    Raises:
        TensorArrowError: if the model has no variable of a name, or one is of a dtype that this
            Python can't view.
    """
    reader = spark.read.format("tensorflow").option("model", model)
    for key, value in options.items():
        reader = reader.option(key, value)
    if version is not None:
        reader = reader.option("version", str(version))
    rows = reader.option("variables", "true").load()
    if names is None:
        arrays = dict(_arrays(rows, raw))
        return {name: arrays[name] for name in sorted(arrays)}
    requested = [names] if isinstance(names, str) else list(names)
    arrays = dict(_arrays(rows.where(rows["name"].isin(requested)), raw)) if requested else {}
    for name in requested:
        if name not in arrays:
            known = (row["name"] for row in rows.select("name").collect())
            raise TensorArrowError(
                "TA_VARIABLE_UNKNOWN",
                f"Cannot find variable '{name}' of model '{model}': found none of that name;"
                f" expected one of {closest_first(name, known)}",
            )
    return {name: arrays[name] for name in requested}


def _arrays(rows: DataFrame, raw: bool) -> Iterator[tuple[str, Array]]:
    # Not all at once: Spark has a limit on what one job may bring to the driver.
    for row in rows.toLocalIterator():
        name: str = row["name"]
        yield name, array(name, row["dtype"], tuple(row["shape"]), row["tensor"], raw=raw)


def array(
    name: str, dtype: str, shape: Sequence[int], data: bytes | bytearray, *, raw: bool = False
) -> Array:
    """Returns the bytes of a variable as a read-only array; numbers as a view."""
    # Over read-only memory: views of writable memory could be made writable again.
    memory = memoryview(data).toreadonly()
    if dtype == "str":
        strings: Array = np.empty(math.prod(shape), object)
        strings[:] = _strings(memory, math.prod(shape))
        strings.flags.writeable = False
        return strings.reshape(shape)
    # Not by ndarray(), which takes its flags from the memory's owner, not from the view.
    values: Array = np.frombuffer(memory, numpy_dtype(f"variable '{name}'", dtype, raw))
    return values.reshape(shape)


def _strings(memory: memoryview, count: int) -> list[bytes]:
    """Parses strings: the length of each as a varint, a checksum, and then all bytes."""
    lengths, position = [], 0
    for _ in range(count):
        length, shift = 0, 0
        while memory[position] & 0x80:
            length |= (memory[position] & 0x7F) << shift
            position, shift = position + 1, shift + 7
        lengths.append(length | memory[position] << shift)
        position += 1
    position += _CHECKSUM_BYTES
    strings = []
    for length in lengths:
        strings.append(bytes(memory[position : position + length]))
        position += length
    return strings
