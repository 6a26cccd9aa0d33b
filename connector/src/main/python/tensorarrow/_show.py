"""Prints what a model offers, worded like TensorFlow's ``saved_model_cli show --all``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from tensorarrow._errors import TensorArrowError, closest_first

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession


def show(
    model: str, *, spark: SparkSession | None = None, tags: str | Iterable[str] | None = None
) -> None:
    """Prints the signatures of a model: their inputs and outputs with dtypes and shapes.

    Sparse tensors are marked so, and outputs that may not be computed are shown with the reason.
    No native code runs and no variables are read.

    Args:
        model: the SavedModel's directory, or a directory of numbered versions.
        spark: the session that finds the model; the active one if left out.
        tags: prints only the graph with these tags, comma-separated or as an iterable; all
            graphs if left out.

    Raises:
        TensorArrowError: if there is no session, or the model has no such graph or no signatures.
    """
    rows = (
        (spark or _active_session())
        .read.format("tensorflow")
        .option("model", model)
        .option("inspect", "true")
        .load()
        .collect()
    )
    if tags is not None:
        rows = _with_tags(model, rows, tags)
    if not rows:
        raise TensorArrowError(
            "TA_MODEL_EMPTY",
            f"Cannot show model '{model}': found no signature with tensors; expected at least one:"
            " give signatures to tf.saved_model.save(..., signatures=...)",
        )
    print("\n".join(lines(rows)))


def lines(rows: Iterable[Row]) -> Iterable[str]:
    """Formats the rows of ``option("inspect", "true")``, one per tensor."""
    rows = sorted(rows, key=lambda r: (r.tags, r.signature, r.direction, r.tensor))
    for tags, of_graph in groupby(rows, key=lambda r: r.tags):
        yield f"MetaGraphDef with tag-set: '{tags}' contains the following SignatureDefs:"
        for signature, of_signature in groupby(of_graph, key=lambda r: r.signature):
            yield ""
            yield f"signature_def['{signature}']:"
            for direction, tensors in groupby(of_signature, key=lambda r: r.direction):
                yield f"  The given SavedModel SignatureDef contains the following {direction}(s):"
                for tensor in tensors:
                    yield f"    {direction}s['{tensor.tensor}'] tensor_info:"
                    yield f"        dtype: {tensor.dtype}"
                    yield f"        shape: {_shape(tensor.shape)}"
                    if tensor.encoding != "dense":
                        yield f"        encoding: {tensor.encoding}"
                    if tensor.refused is not None:
                        yield f"        refused: {tensor.refused}"
        yield ""


def _shape(dims: list[int] | None) -> str:
    return "unknown_rank" if dims is None else f"({', '.join(str(dim) for dim in dims)})"


def _with_tags(model: str, rows: list[Row], tags: str | Iterable[str]) -> list[Row]:
    requested = {tag.strip() for tag in (tags.split(",") if isinstance(tags, str) else tags)}
    tagged = [row for row in rows if set(row.tags.split(",")) == requested]
    if not tagged:
        text = ",".join(sorted(requested))
        raise TensorArrowError(
            "TA_TAGS_NOT_FOUND",
            f"Cannot show model '{model}': found no graph with the tags '{text}';"
            f" expected one of {closest_first(text, (row.tags for row in rows))}",
        )
    return tagged


def _active_session() -> SparkSession:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkRuntimeError as inactive:
        raise TensorArrowError(
            "TA_SESSION_MISSING",
            "Cannot show a model: found no active Spark session; expected one: start it before, or"
            " pass it as show(model, spark=spark)",
        ) from inactive
