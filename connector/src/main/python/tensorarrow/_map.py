"""Functions over arrays, applied to DataFrames by way of ``mapInArrow``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from tensorarrow._arrays import storage, tensor
from tensorarrow._convert import Array
from tensorarrow._dtypes import element_of
from tensorarrow._errors import TensorArrowError, closest_first
from tensorarrow._inplace import InPlaceReply
from tensorarrow._results import Results
from tensorarrow._segments import InPlaceTensor
from tensorarrow._spec import TensorSpec, column_index, spec_of_field, specs_of_schema
from tensorarrow._worker import TensorBatch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

ArrayFunction = Callable[[Mapping[str, Array]], Mapping[str, Array]]


def map_tensors(
    df: DataFrame, f: ArrayFunction, schema: StructType | str, *, inplace: Sequence[str] = ()
) -> DataFrame:
    """Applies a function of arrays to every batch of a DataFrame.

    Args:
        df: a DataFrame, usually one with the outputs of a model.
        f: takes a mapping from column names to arrays and returns one. A column becomes an array
            when it is asked for. Tensor columns are what ``numpy`` gives: read-only arrays (rows,
            *shape) of the tensor's dtype, views where the batch holds the tensor's bytes.
            Other columns are (rows,): numbers are views too; strings, lists and all else are
            converted, which copies. Numbers with nulls are refused, as NumPy has no null for them.
        schema: the columns that ``f`` returns, as DDL text or as a StructType. Arrays (rows,) go
            into scalar columns; arrays with more dimensions go flattened, row-major, into
            ``array<T>``. Nothing is cast: an array's dtype is that of its column, or one that a
            tensor of this type may have: uint8 goes into smallint, uint16 into int, uint32 into
            bigint, uint64 into decimal(20,0), float16 and bfloat16 into float, complex64 into
            struct<re:float,im:float>, and uint8 (rows, n, ...) also into binary. All arrays have
            the same length, which need not be that of the batch.
        inplace: tensor columns of numbers or booleans whose arrays ``f`` may write to. Over shared
            memory it changes the tensor itself: an array that ``f`` returns as it was given
            (all rows, same dtype, under any name, declared with the column's own type) is not sent
            back. Elsewhere (small batches, other transfer modes) the arrays are copies, and the
            result is the same. A column of that name in ``schema`` has to remain a tensor of the
            same dtype and shape, and keeps its metadata. What is written after ``f`` returned is
            seen by nobody: if a view is kept, or a child process was forked, what ``f`` left is
            copied.

    Returns:
        A DataFrame of the columns that ``f`` returns, and no others.

    Raises:
        TensorArrowError: at once, if ``schema`` has a type that no array fits, or ``inplace`` names
            what is no such column; when it runs, if columns can't be viewed or what ``f`` returns
            does not fit.
    """
    if isinstance(schema, str):
        # The public way to read DDL that works on Spark Connect, too.
        schema = df.sparkSession.createDataFrame([], schema).schema
    specs = specs_of_schema(df.schema)
    changed = _changed(inplace, df.schema, specs)
    declared, types = _with_metadata(schema, df.schema, changed)
    results = Results(declared, {name: specs[name] for name in changed})

    def map_batches(
        batches: Iterable[pa.RecordBatch] | Iterable[TensorBatch],
    ) -> Iterator[pa.RecordBatch]:
        for given in batches:
            # In other transfer modes batches are plain ones.
            if isinstance(given, TensorBatch):
                arrays = Arrays(given.batch, specs, changed, given.in_place)
            else:
                arrays = Arrays(given, specs, changed)
            returned = f(arrays)
            if changed and isinstance(given, TensorBatch):
                reply = InPlaceReply(results, returned, given.in_place, types)
                # Who refers to an array from here on has kept it.
                del returned, arrays
                answer = reply.envelope()
            else:
                answer = results.batch(returned)
                del returned, arrays
            del given
            yield answer
            del answer

    # What a plan says of a function is its name: by it the JVM knows this one.
    map_batches.__name__ = f"map_tensors(inplace={json.dumps(changed)})"
    return df.mapInArrow(map_batches, declared)


def _changed(
    inplace: Sequence[str], given: StructType, specs: Mapping[str, TensorSpec]
) -> list[str]:
    """Checks which columns are to be changed in place."""
    if isinstance(inplace, str):
        raise TensorArrowError(
            "TA_UNSUPPORTED",
            f"Cannot change columns in place: found inplace='{inplace}'; expected a list of names,"
            f" as inplace=['{inplace}']",
        )
    for name in inplace:
        if name not in specs:
            raise TensorArrowError(
                "TA_TENSOR_UNKNOWN",
                f"Cannot change column '{name}' in place: found no tensor of that name; expected"
                f" one of {closest_first(name, specs)}",
            )
        count = sum(field.name == name for field in given)
        if count > 1:
            raise TensorArrowError(
                "TA_COLUMN_UNKNOWN",
                f"Cannot change column '{name}' in place: found {count} columns of that name;"
                " expected one",
            )
        if not element_of(specs[name]).changeable:
            raise TensorArrowError(
                "TA_TENSOR_UNSUPPORTED",
                f"Cannot change column '{name}' in place: found dtype {specs[name].dtype}; expected"
                " numbers or booleans whose bytes are NumPy's",
            )
    return list(dict.fromkeys(inplace))


def _with_metadata(
    schema: StructType, given: StructType, changed: Sequence[str]
) -> tuple[StructType, dict[str, str]]:
    """Returns the result's schema, in which what is changed in place stays a tensor.

    Also the types, by name, that these columns had before.
    """
    if not changed:
        return schema, {}
    from pyspark.sql.types import StructField, StructType

    before = {field.name: field for field in given if field.name in changed}
    fields = []
    for field in schema:
        old = before.get(field.name)
        if old and old.dataType.simpleString() != field.dataType.simpleString():
            raise TensorArrowError(
                "TA_RESULT_TYPE",
                f"Cannot return column '{field.name}', which is changed in place: found it declared"
                f" as {field.dataType.simpleString()}; expected"
                f" {old.dataType.simpleString()} as before, or another name",
            )
        metadata = old.metadata if old else field.metadata
        fields.append(StructField(field.name, field.dataType, field.nullable, metadata))
    return StructType(fields), {name: old.dataType.simpleString() for name, old in before.items()}


class Arrays(Mapping[str, Array]):
    """The columns of one batch as arrays, each converted when it is first asked for."""

    def __init__(
        self,
        batch: pa.RecordBatch,
        specs: Mapping[str, TensorSpec],
        changed: Sequence[str] = (),
        shared: Mapping[str, InPlaceTensor] | None = None,
    ) -> None:
        """Takes the columns.

        Args:
            batch: those that are only to be read, and those to be changed that are not shared.
            specs: what is known of tensors from the DataFrame.
            changed: the names of those to be changed.
            shared: those of them that are changed in place.
        """
        self._batch = batch
        self._specs = specs
        self._changed = changed
        self._shared = shared or {}
        self._arrays: dict[str, Array] = {}

    def __getitem__(self, column: str) -> Array:
        if column not in self._arrays:
            if column in self._shared:
                self._arrays[column] = self._shared[column].array()
                return self._arrays[column]
            index = column_index(self._batch, column)
            cells = self._batch.column(index)
            spec = spec_of_field(self._batch.schema.field(index)) or self._specs.get(column)
            array = tensor(storage(cells), spec) if spec else _plain(column, cells)
            self._arrays[column] = array.copy() if column in self._changed else array
        return self._arrays[column]

    def __contains__(self, column: object) -> bool:
        return column in self._shared or column in self._batch.schema.names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._batch.schema.names, *self._shared]))

    def __len__(self) -> int:
        return len({*self._batch.schema.names, *self._shared})

    def __repr__(self) -> str:
        return f"<{self._batch.num_rows} rows of {', '.join(self)}>"


def _plain(column: str, cells: pa.Array) -> Array:
    """Converts a column that is no tensor; numbers without a copy."""
    kind = cells.type
    numbers = pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    # pyarrow would make floats of integers, and a null would look like a NaN.
    if numbers and cells.null_count:
        raise TensorArrowError(
            "TA_TENSOR_NULL",
            f"Cannot convert column '{column}' of type {kind}: found {cells.null_count} null rows;"
            " expected none: filter or fill them before, or use mapInArrow",
        )
    array: Array = cells.to_numpy(zero_copy_only=False)
    return array
