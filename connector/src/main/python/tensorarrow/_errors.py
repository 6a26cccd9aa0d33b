"""The one exception of this module, and its codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple


class Code(NamedTuple):
    """What an error code means, and what to do about it, in Markdown."""

    meaning: str
    remedy: str


# The jar's own codes reach Python inside Spark's exceptions.
CODES = {
    "TA_COLUMN_UNKNOWN": Code(
        "a column that the batch does not have, or has twice",
        "Use one of the names that the message lists, each once.",
    ),
    "TA_HANDOVER": Code(
        "a worker received a batch that it cannot read",
        "Make sure that the driver's jar and the workers' module have the same version. If they"
        " have, the option `handover=arrow` avoids shared memory.",
    ),
    "TA_MODEL_EMPTY": Code(
        "a model without signatures to show",
        "Export the model with at least one signature.",
    ),
    "TA_RESULT_COLUMNS": Code(
        "returned columns that are not those of the declared schema",
        "Return a dict whose keys are the declared columns.",
    ),
    "TA_RESULT_LENGTH": Code(
        "returned columns of different length",
        "Return arrays whose first axis has the same length.",
    ),
    "TA_RESULT_TYPE": Code(
        "a returned column whose type or shape is not the declared one",
        "Convert with `astype` or `reshape`, or declare another type: nothing is cast for you.",
    ),
    "TA_SESSION_MISSING": Code(
        "no active Spark session",
        "Start a Spark session first.",
    ),
    "TA_TAGS_NOT_FOUND": Code(
        "no graph in the SavedModel has the wanted tag set",
        "Use one of the tag sets that the message lists.",
    ),
    "TA_TENSOR_NULL": Code(
        "a null where an array needs a value",
        "Filter or fill the nulls, or ask for the mask with `mask=True`.",
    ),
    "TA_TENSOR_RAGGED": Code(
        "rows of different shape, which no single array can hold",
        "Take the rows one by one (`batch.slice(i, 1)`), group them by shape before, or pad "
        "the model's input.",
    ),
    "TA_TENSOR_SHAPE": Code(
        "rows that do not have the shape of the tensor they came from",
        "Use the column as the model gave it: it was changed in between.",
    ),
    "TA_TENSOR_TYPE": Code(
        "an Arrow type that does not fit the tensor's dtype and shape",
        "Pass the `schema` of the DataFrame that the batches come from.",
    ),
    "TA_TENSOR_UNKNOWN": Code(
        "a column of which nothing says that it is a tensor",
        "Take `schema = scored.schema`, the schema of the DataFrame that has the model's outputs,"
        " outside of the function, and pass `schema=schema`.",
    ),
    "TA_TENSOR_UNSUPPORTED": Code(
        "a tensor of a dtype that this version or this Python can't view",
        "Install `ml_dtypes` for bfloat16 on driver and executors, or pass `raw=True`.",
    ),
    "TA_TENSOR_VALUE": Code(
        "a value that the tensor's dtype can't hold",
        "Use the column as the model gave it: it was changed in between.",
    ),
    "TA_UNSUPPORTED": Code(
        "something that this version does not cover",
        "The message says what was found and what is supported instead.",
    ),
    "TA_VARIABLE_UNKNOWN": Code(
        "a variable that the model does not have",
        "Use one of the names that the message lists.",
    ),
    "TA_VERSION_MISMATCH": Code(
        "a column that a later version of the jar made than the module's",
        "Install the module of the jar's version: the jar itself on `--py-files`, or the wheel.",
    ),
}

_LISTED = 20


class TensorArrowError(ValueError):
    """Something that can't be done, and why.

    The message has the form ``[TA_CODE] Cannot <verb> <thing> '<name>': found <what was found>;
    expected <what is allowed, or how to fix it>``. It never holds cell values.

    Attributes:
        code: what went wrong, one of the keys of ``CODES``.
    """

    code: str

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"[{code}] {message}")
        self.code = code
        self._message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled by its args, which are the finished text only.
        return type(self), (self.code, self._message)


def protocol_error(actual: str, expected: str) -> TensorArrowError:
    """Returns the error of an envelope or of a segment that is not what the JVM sends."""
    return TensorArrowError(
        "TA_HANDOVER",
        f"Cannot take a batch out of shared memory: found {actual}; expected {expected}",
    )


def closest_first(requested: str, known: Iterable[str]) -> str:
    """Renders known names for a message, closest to the requested one first."""

    def likeness(name: str) -> float:
        return difflib.SequenceMatcher(None, requested.lower(), name.lower()).ratio()

    names = sorted(sorted(set(known)), key=likeness, reverse=True)
    listed = ", ".join(f"'{name}'" for name in names[:_LISTED])
    if len(names) > _LISTED:
        listed += f" and {len(names) - _LISTED} more"
    return listed or "none"
