"""The one exception of this module, and its codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple


class Code(NamedTuple):
    """What an error code means, what to do about it, in Markdown, and a message without code."""

    meaning: str
    remedy: str
    example: str
    since: str = "0.1.0"


# The jar's own codes reach Python inside Spark's exceptions.
CODES = {
    "TA_COLUMN_UNKNOWN": Code(
        "a column that the batch does not have, or has twice",
        "Use one of the names that the message lists, each once.",
        "Cannot change column 'y' in place: found 2 columns of that name; expected one",
    ),
    "TA_HANDOVER": Code(
        "a worker received a batch that it cannot read",
        "Make sure that the driver's jar and the workers' module have the same version. If they"
        " have, the option `handover=arrow` avoids shared memory.",
        "Cannot take a batch out of shared memory: found 4096 bytes at /dev/shm/ta-1; "
        "expected 8192 bytes",
    ),
    "TA_MODEL_EMPTY": Code(
        "a model without signatures to show",
        "Export the model with at least one signature.",
        "Cannot show model '/models/digits': found no signature with tensors; expected at "
        "least one: give signatures to tf.saved_model.save(..., signatures=...)",
    ),
    "TA_OPTION_INVALID": Code(
        "an option of `ta.predict` whose value is none of str, int and bool",
        "Give the value as the option's text, or as a number or boolean.",
        "Cannot use option 'batchRows': found 1.5 of type float; expected a str, an int or a bool",
    ),
    "TA_RESULT_COLUMNS": Code(
        "returned columns that are not those of the declared schema",
        "Return a dict whose keys are the declared columns.",
        "Cannot return the columns: found a list; expected a dict with 'best', 'total'",
    ),
    "TA_RESULT_LENGTH": Code(
        "returned columns of different length",
        "Return arrays whose first axis has the same length.",
        "Cannot return the columns: found lengths 'best' 4, 'total' 5; expected the same for all",
    ),
    "TA_RESULT_TYPE": Code(
        "a returned column whose type or shape is not the declared one",
        "Convert with `astype` or `reshape`, or declare another type: nothing is cast for you.",
        "Cannot return column 'total', which is changed in place: found it declared as "
        "double; expected float as before, or another name",
    ),
    "TA_SESSION_MISSING": Code(
        "no active Spark session",
        "Start a Spark session first.",
        "Cannot show a model: found no active Spark session; expected one: start it before, "
        "or pass it as show(model, spark=spark)",
    ),
    "TA_TAGS_NOT_FOUND": Code(
        "no graph in the SavedModel has the wanted tag set",
        "Use one of the tag sets that the message lists.",
        "Cannot show model '/models/digits': found no graph with the tags 'train'; expected "
        "one of 'serve'",
    ),
    "TA_TENSOR_NULL": Code(
        "a null where an array needs a value",
        "Filter or fill the nulls, or ask for the mask with `mask=True`.",
        "Cannot convert column 'total' of type float: found 2 null rows; expected none: "
        "filter or fill them before, or use mapInArrow",
    ),
    "TA_TENSOR_RAGGED": Code(
        "rows of different shape, which no single array can hold",
        "Take the rows one by one (`batch.slice(i, 1)`), group them by shape before, or pad "
        "the model's input.",
        "Cannot view column 'tokens' as one array: found rows of 3 to 7 elements; expected "
        "all rows of a batch alike: take them one by one (batch.slice(i, 1)), group them by "
        "shape before, or pad the model's input",
    ),
    "TA_TENSOR_SHAPE": Code(
        "rows that do not have the shape of the tensor they came from",
        "Use the column as the model gave it: it was changed in between.",
        "Cannot view column 'pixels': found rows of 63 elements; expected the shape (64,) "
        "that its tensor has per row (-1: any): was the column changed after the model?",
    ),
    "TA_TENSOR_TYPE": Code(
        "an Arrow type that does not fit the tensor's dtype and shape",
        "Pass the `schema` of the DataFrame that the batches come from.",
        "Cannot narrow values: found the Arrow type double; expected native elements",
    ),
    "TA_TENSOR_UNKNOWN": Code(
        "a column of which nothing says that it is a tensor",
        "Take `schema = scored.schema`, the schema of the DataFrame that has the model's outputs,"
        " outside of the function, and pass `schema=schema`.",
        "Cannot label the batch's tensors: found no column with tensor metadata; expected "
        "the schema of the DataFrame that has the model's outputs: schema=scored.schema, "
        "taken outside of the function",
    ),
    "TA_TENSOR_UNSUPPORTED": Code(
        "a tensor of a dtype that this version or this Python can't view",
        "Install `ml_dtypes` for bfloat16 on driver and executors, or pass `raw=True`.",
        "Cannot change column 'text' in place: found dtype str; expected numbers or booleans "
        "whose bytes are NumPy's",
    ),
    "TA_TENSOR_VALUE": Code(
        "a value that the tensor's dtype can't hold",
        "Use the column as the model gave it: it was changed in between.",
        "Cannot view column 'y': found a value of type int32 that a tensor of int8 can't "
        "hold; expected only values that the model gave: was the column changed after the "
        "model?",
    ),
    "TA_UNSUPPORTED": Code(
        "something that this version does not cover",
        "The message says what was found and what is supported instead.",
        "Cannot change columns in place: found inplace='pixels'; expected a list of names, "
        "as inplace=['pixels']",
    ),
    "TA_VARIABLE_UNKNOWN": Code(
        "a variable that the model does not have",
        "Use one of the names that the message lists.",
        "Cannot find variable 'w' of model '/models/digits': found none of that name; "
        "expected one of 'weights', 'bias'",
    ),
    "TA_VERSION_MISMATCH": Code(
        "a column that a later version of the jar made than the module's",
        "Install the module of the jar's version: the jar itself on `--py-files`, or the wheel.",
        "Cannot view column 'y': found it made by the jar's version 2; expected at most 1, "
        "the version of this tensorarrow module: install the wheel of version 2, or give "
        "--packages or --py-files the jar that Spark runs",
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
