"""Tensor metadata: of the batch itself, or of the DataFrame's schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tensorarrow._errors import TensorArrowError, closest_first
from tensorarrow._version import FROM_SOURCE, JAR_VERSION

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

DTYPE_KEY = "tensor.dtype"
SHAPE_KEY = "tensor.shape"
VERSION_KEY = "tensorarrow.version"

# On fields that have native elements, although the Arrow type is that of Spark's.
NATIVE_KEY = "tensorarrow.raw"

UNKNOWN = -1


@dataclass(frozen=True)
class TensorSpec:
    """The dtype and the shape of one row of a tensor column.

    Attributes:
        column: the column's name, for messages.
        dtype: NumPy's name of the dtype, or that of ``ml_dtypes``.
        shape: the dimensions without the batch axis; -1 where the model leaves one open.
    """

    column: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def unknown_dims(self) -> int:
        """The number of dimensions that the model leaves open."""
        return self.shape.count(UNKNOWN)

    def label(self, field: pa.Field) -> pa.Field:
        """Returns a field with metadata that say what this tensor is."""
        metadata = {DTYPE_KEY: self.dtype, SHAPE_KEY: json.dumps(self.shape)}
        return field.with_metadata({**(field.metadata or {}), **metadata})


def spec_of_field(field: pa.Field) -> TensorSpec | None:
    """Reads the metadata of an Arrow field; None if it is not a tensor's."""
    metadata = field.metadata or {}
    dtype, shape = metadata.get(DTYPE_KEY.encode()), metadata.get(SHAPE_KEY.encode())
    if dtype is None or shape is None:
        return None
    return _parsed(field.name, dtype, shape, metadata.get(VERSION_KEY.encode()))


@lru_cache(maxsize=1000)
def _parsed(column: str, dtype: bytes, shape: bytes, version: bytes | None) -> TensorSpec:
    """Parses metadata, once for all batches of a stream, which repeat it."""
    jar = None if version is None else version.decode()
    metadata = {DTYPE_KEY: dtype.decode(), SHAPE_KEY: json.loads(shape), VERSION_KEY: jar}
    return _spec(column, metadata)


def specs_of_schema(schema: StructType | None) -> dict[str, TensorSpec]:
    """Reads the metadata of a DataFrame's schema; the tensor columns by name."""
    return {
        field.name: _spec(field.name, field.metadata)
        for field in schema or ()
        if DTYPE_KEY in field.metadata and SHAPE_KEY in field.metadata
    }


def spec_of_column(batch: pa.RecordBatch, column: str, schema: StructType | None) -> TensorSpec:
    """Finds a column's tensor metadata: the batch's take precedence over the schema's.

    Raises:
        TensorArrowError: TA_TENSOR_UNKNOWN if neither says that it is a tensor.
    """
    spec = spec_of_field(batch.schema.field(column_index(batch, column)))
    if spec is not None:
        return spec
    specs = specs_of_schema(schema)
    if column in specs:
        return specs[column]
    if schema is None:
        found, known = "no tensor metadata in the batch and no schema", ""
    else:
        found = "no tensor metadata in the batch, and none for this column in the schema"
        known = f" (its tensor columns: {closest_first(column, specs)})"
    raise TensorArrowError(
        "TA_TENSOR_UNKNOWN",
        f"Cannot view column '{column}' as a tensor: found {found}; expected the schema of the"
        f" DataFrame that has the model's outputs, as schema=scored.schema, taken outside of"
        f" the function{known}",
    )


def column_index(batch: pa.RecordBatch, column: str) -> int:
    """Finds a column by its exact name."""
    indices: list[int] = batch.schema.get_all_field_indices(column)
    if len(indices) != 1:
        raise TensorArrowError(
            "TA_COLUMN_UNKNOWN",
            f"Cannot find column '{column}': found {len(indices)} columns of that name;"
            f" expected one of {closest_first(column, batch.schema.names)}, each once",
        )
    return indices[0]


def _spec(column: str, metadata: Mapping[str, Any]) -> TensorSpec:
    _check_version(column, metadata.get(VERSION_KEY))
    return TensorSpec(column, metadata[DTYPE_KEY], tuple(metadata[SHAPE_KEY]))


def _check_version(column: str, jar: str | None) -> None:
    """Refuses columns of later versions of the jar; tables may hold columns of earlier ones."""
    if FROM_SOURCE or jar is None:
        return
    made_by, known = _numbers(jar), _numbers(JAR_VERSION)
    if made_by and known and made_by <= known:
        return
    raise TensorArrowError(
        "TA_VERSION_MISMATCH",
        f"Cannot view column '{column}': found it made by the jar's version {jar}; expected at"
        f" most {JAR_VERSION}, the version of this tensorarrow module: install the wheel of version"
        f" {jar}, or give --packages or --py-files the jar that Spark runs",
    )


def _numbers(version: str) -> tuple[int, ...]:
    """Returns the three numbers of a version; none if it is no version."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", str(version))
    return tuple(map(int, match.groups())) if match else ()
