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
    changed = _checked_inplace(inplace, df.schema, specs)
    declared, types = _with_metadata(schema, df.schema, changed)
    results = Results(declared, {name: specs[name] for name in changed})

    def map_batches(
        batches: Iterable[pa.RecordBatch] | Iterable[TensorBatch],
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            # Only TensorArrow's own transfer modes make TensorBatches.
            if isinstance(batch, TensorBatch):
                arrays = Arrays(batch.batch, specs, changed, batch.in_place)
            else:
                arrays = Arrays(batch, specs, changed)
            returned = f(arrays)
            if changed and isinstance(batch, TensorBatch):
                reply = InPlaceReply(results, returned, batch.in_place, types)
                # From here on, an array that is alive was kept by the function.
                del returned, arrays
                result = reply.envelope()
            else:
                result = results.batch(returned)
                del returned, arrays
            del batch
            yield result
            del result

    # The name is all that a plan has of a function: the JVM recognises this one by it.
    map_batches.__name__ = f"map_tensors(inplace={json.dumps(changed)})"
    return df.mapInArrow(map_batches, declared)


def _checked_inplace(
    inplace: Sequence[str], input_schema: StructType, specs: Mapping[str, TensorSpec]
) -> list[str]:
    """Checks the argument ``inplace``; returns its columns, each once."""
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
        count = sum(field.name == name for field in input_schema)
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
    schema: StructType, input_schema: StructType, changed: Sequence[str]
) -> tuple[StructType, dict[str, str]]:
    """Adds the tensors' metadata to columns of the result that are changed in place.

    Returns:
        The result's schema, and by their names the types that the changed columns had before.
    """
    if not changed:
        return schema, {}
    from pyspark.sql.types import StructField, StructType

    before = {field.name: field for field in input_schema if field.name in changed}
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
        in_place: Mapping[str, InPlaceTensor] | None = None,
    ) -> None:
        """Wraps the columns of one batch.

        Args:
            batch: the columns that are not in ``in_place``.
            specs: the tensor columns of the DataFrame's schema, by name.
            changed: the names of the columns that the function may change.
            in_place: those of them that it changes in place; it gets copies of the others.
        """
        self._batch = batch
        self._specs = specs
        self._changed = changed
        self._in_place = in_place or {}
        self._arrays: dict[str, Array] = {}

    def __getitem__(self, column: str) -> Array:
        if column not in self._arrays:
            if column in self._in_place:
                self._arrays[column] = self._in_place[column].array()
                return self._arrays[column]
            index = column_index(self._batch, column)
            cells = self._batch.column(index)
            spec = spec_of_field(self._batch.schema.field(index)) or self._specs.get(column)
            array = tensor(storage(cells), spec) if spec else _plain(column, cells)
            self._arrays[column] = array.copy() if column in self._changed else array
        return self._arrays[column]

    def __contains__(self, column: object) -> bool:
        return column in self._in_place or column in self._batch.schema.names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._batch.schema.names, *self._in_place]))

    def __len__(self) -> int:
        return len({*self._batch.schema.names, *self._in_place})

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
