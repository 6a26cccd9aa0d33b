"""The one exception of this module, and its codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

# What a code means, in one phrase. The jar's own codes reach Python inside Spark's exceptions.
CODES = {
    "TA_COLUMN_UNKNOWN": "a column that the batch does not have, or has twice",
    "TA_HANDOVER": "an envelope or a segment of shared memory that is not what was sent",
    "TA_MODEL_EMPTY": "a model without signatures to show",
    "TA_RESULT_COLUMNS": "returned columns that are not those of the declared schema",
    "TA_RESULT_LENGTH": "returned columns of different length",
    "TA_RESULT_TYPE": "a returned column whose type or shape is not the declared one",
    "TA_SESSION_MISSING": "no active Spark session",
    "TA_TAGS_NOT_FOUND": "no graph in the SavedModel has the wanted tag set",
    "TA_TENSOR_NULL": "a null where an array needs a value",
    "TA_TENSOR_RAGGED": "rows of different shape, which no single array can hold",
    "TA_TENSOR_SHAPE": "rows that do not have the shape of the tensor they came from",
    "TA_TENSOR_TYPE": "an Arrow type that does not fit the tensor's dtype and shape",
    "TA_TENSOR_UNKNOWN": "a column of which nothing says that it is a tensor",
    "TA_TENSOR_UNSUPPORTED": "a tensor of a dtype that this version or this Python can't view",
    "TA_TENSOR_VALUE": "a value that the tensor's dtype can't hold",
    "TA_UNSUPPORTED": "something that this version does not cover",
    "TA_VARIABLE_UNKNOWN": "a variable that the model does not have",
    "TA_VERSION_MISMATCH": "a column that a later version of the jar made than the module's",
}

_LISTED = 20


class TensorArrowError(ValueError):
    """Something that can't be done, and why.

    The message has the form ``[TA_CODE] Cannot <verb> <thing> '<name>': found <what was found>;
    expected <what is allowed, or how to fix it>``. It never holds cell values.

    Attributes:
        code: what kind of error it is, one of the codes in the README.
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


def closest_first(wanted: str, known: Iterable[str]) -> str:
    """Renders known names for a message, closest to the wanted one first."""

    def likeness(name: str) -> float:
        return difflib.SequenceMatcher(None, wanted.lower(), name.lower()).ratio()

    names = sorted(sorted(set(known)), key=likeness, reverse=True)
    listed = ", ".join(f"'{name}'" for name in names[:_LISTED])
    if len(names) > _LISTED:
        listed += f" and {len(names) - _LISTED} more"
    return listed or "none"
