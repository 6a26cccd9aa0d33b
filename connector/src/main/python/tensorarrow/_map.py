"""Functions over arrays, applied to DataFrames by way of ``mapInArrow``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from tensorarrow._arrays import storage, tensor
from tensorarrow._dtypes import Array
from tensorarrow._errors import TensorArrowError
from tensorarrow._results import Results
from tensorarrow._spec import TensorSpec, column_index, spec_of_field, specs_of_schema

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
            *shape) of the tensor's dtype, views where the batch holds the tensor's own bytes.
            Other columns are (rows,): numbers are views too; strings, lists and all else are
            converted, which copies. Numbers with nulls are refused, as NumPy has no null for them.
        schema: the columns that ``f`` returns, as DDL text or as a StructType. Arrays (rows,) go
            into scalar columns; arrays with more dimensions go flattened, row-major, into
            ``array<T>``. Nothing is cast: an array's dtype is that of its column, or one that a
            tensor of this type may have: uint8 goes into smallint, uint16 into int, uint32 into
            bigint, uint64 into decimal(20,0), float16 and bfloat16 into float, complex64 into
            struct<re:float,im:float>, and uint8 (rows, n, ...) also into binary. All arrays have
            the same length, which need not be that of the batch.
        inplace: reserved for arrays that can be changed in place.

    Returns:
        A DataFrame of the columns that ``f`` returns, and no others.

    Raises:
        TensorArrowError: at once, if ``schema`` has a type that no array fits or ``inplace`` is
            used; when it runs, if columns can't be viewed or what ``f`` returns does not fit.
    """
    if inplace:
        raise TensorArrowError(
            "TA_UNSUPPORTED",
            "Cannot change columns in place: found inplace; expected it left out: it needs the"
            " hand-over through shared memory, which this version lacks",
        )
    if isinstance(schema, str):
        # The public way to read DDL that works on Spark Connect, too.
        schema = df.sparkSession.createDataFrame([], schema).schema
    results = Results(schema)
    specs = specs_of_schema(df.schema)

    def map_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield results.batch(f(Arrays(batch, specs)))

    return df.mapInArrow(map_batches, schema)


class Arrays(Mapping[str, Array]):
    """The columns of one batch as arrays, each converted when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch, specs: Mapping[str, TensorSpec]) -> None:
        self._batch = batch
        self._specs = specs
        self._arrays: dict[str, Array] = {}

    def __getitem__(self, column: str) -> Array:
        if column not in self._arrays:
            index = column_index(self._batch, column)
            cells = self._batch.column(index)
            spec = spec_of_field(self._batch.schema.field(index)) or self._specs.get(column)
            self._arrays[column] = tensor(storage(cells), spec) if spec else _plain(column, cells)
        return self._arrays[column]

    def __contains__(self, column: object) -> bool:
        return column in self._batch.schema.names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._batch.schema.names))

    def __len__(self) -> int:
        return len(set(self._batch.schema.names))

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
