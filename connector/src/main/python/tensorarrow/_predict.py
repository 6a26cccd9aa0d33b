"""Runs models over DataFrames."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Union

from tensorarrow._errors import TensorArrowError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OptionValue = Union[str, int, bool]

FUNCTION = "tf_predict_struct"


def predict(
    df: DataFrame,
    model: str,
    *,
    inputs: str | Mapping[str, str | Sequence[str]] | None = None,
    outputs: str | Sequence[str] | Mapping[str, str] | None = None,
    **options: OptionValue,
) -> DataFrame:
    """Adds the outputs of a model to a DataFrame.

    The model runs in the executors, as part of the DataFrame's own query: joins, filters and what
    was computed before come in batches, and filters that need no output are evaluated first. Works
    for any DataFrame, also over Spark Connect.

    Args:
        df: the rows; its columns feed the model and stay beside the outputs.
        model: the SavedModel's directory, or a directory of numbered versions.
        inputs: the column for each input tensor, where it has another name than the tensor:
            ``{"x": "features"}``, a field of a struct as ``{"x": ["struct", "field"]}``, or the
            text of the option ``inputs``.
        outputs: the output tensors to compute: their names, or ``{"tensor": "column"}``, or the
            text of the option ``outputs``; all that give a value for each row if left out.
        options: options of the data source for the model and its batches, such as ``version``,
            ``signature``, ``batchRows``, ``cast`` or ``handover``.

    Returns:
        ``df`` with one column behind its own for each output, typed and with the metadata of its
        tensor, so that ``numpy`` and ``map_tensors`` take it.

    Raises:
        TensorArrowError: if an option's value is none of str, int and bool.
        AnalysisException: of PySpark, if model, signature, options and columns do not fit, or an
            output has the name of a column; with the connector's code in its message.
    """
    given = {name: _text(name, value) for name, value in options.items()}
    for name, mapping in (("inputs", inputs), ("outputs", outputs)):
        if mapping is not None:
            given[name] = mapping if isinstance(mapping, str) else json.dumps(mapping)
    _register(df.sparkSession, model, given)
    column = f"__tensorarrow_{uuid.uuid4().hex}"
    arguments = [_literal(model), "struct(*)"]
    if given:
        entries = ", ".join(_literal(text) for entry in given.items() for text in entry)
        arguments.append(f"options => map({entries})")
    call = f"{FUNCTION}({', '.join(arguments)}) AS {column}"
    return df.selectExpr("*", call).selectExpr("*", f"{column}.*").drop(column)


def _register(spark: SparkSession, model: str, options: Mapping[str, str]) -> None:
    """Gives a session the connector's functions, which come with a first read of its format."""
    if spark.catalog.functionExists(FUNCTION):
        return
    reader = spark.read.format("tensorflow").option("model", model).option("inspect", "true")
    for name, value in options.items():
        if name.startswith("fs.") or name.lower() == "version":
            reader = reader.option(name, value)
    # Over Spark Connect nothing happens before the schema is asked for.
    reader.load().schema  # noqa: B018


def _text(name: str, value: OptionValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int)):
        return str(value)
    raise TensorArrowError(
        "TA_OPTION_INVALID",
        f"Cannot use option '{name}': found {value!r} of type {type(value).__name__};"
        " expected a str, an int or a bool",
    )


def _literal(text: str) -> str:
    """Returns a text as SQL, however the session reads backslashes in literals."""
    if "\\" in text or "'" in text:
        return f"cast(X'{text.encode().hex()}' AS STRING)"
    return f"'{text}'"
