"""Real models of many makers give the numbers that Python TensorFlow recorded, or a clear reason.

With the kernels of the recording, which ``IT_KERNELS=recorded`` says of the environment, and with
its batches, outputs are equal bit by bit, but for the last bits of sums whose order depends on the
processor. With other kernels and other batches they are close.
"""

import json
import os
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ZOO = Path(__file__).resolve().parents[1] / "resources/zoo"

MODELS = json.loads((ZOO / "zoo.json").read_text("utf-8"))["models"]
EXACTLY = os.environ.get("IT_KERNELS") == "recorded"

OTHER_BATCH = 7

# One model has names that differ by case only; one has a program for XLA.
pytestmark = pytest.mark.settings(
    {"spark.sql.caseSensitive": "true", "spark.tensorarrow.allowOps.max": "XlaCallModule"}
)

# The width of these rows is that of the longest one in the batch.
WIDTH_OF_BATCH = {("module_strings", "points"), ("v1_sparse", "texts")}


def reader(spark, model, **options):
    """Returns a reader with the model's outputs as columns."""
    return spark.read.format("tensorflow").option("model", str(ZOO / model)).options(**options)


def outputs_as(call):
    """Selects the outputs under the names of the recorded columns."""
    return json.dumps({name: column_name(output) for name, output in call["outputs"].items()})


def column_name(output):
    """Returns the column that is to equal a recorded one."""
    return output["column"].replace("expected_", "actual_", 1)


def table_of(spark, model, signature, call, **options):
    """Runs a signature; returns one Arrow table of ids and outputs."""
    options = {**call["options"], "signature": signature, "outputs": outputs_as(call), **options}
    scored = reader(spark, model, **options).load(str(ZOO / f"{model}.parquet"))
    for output in call["outputs"].values():
        metadata = scored.schema[column_name(output)].metadata
        assert metadata["tensor.dtype"] == output["dtype"], (model, signature, metadata)
        assert metadata["tensor.shape"] == output["shape"], (model, signature, metadata)
    chosen = scored.select("id", *[column_name(output) for output in call["outputs"].values()])
    return it.arrow(chosen)


def leaves(column, path=""):
    """Yields the flat parts of a column: lengths of lists, parts of structs, elements."""
    assert column.null_count == 0, path
    kind = column.type
    if pa.types.is_list(kind):
        lengths = np.diff(column.offsets.to_numpy())
        yield f"{path}.length", lengths
        yield from leaves(column.flatten(), f"{path}.element")
    elif pa.types.is_struct(kind):
        for field, part in zip(kind, column.flatten()):
            yield from leaves(part, f"{path}.{field.name}")
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        yield path, np.array([*column.cast(pa.binary()).to_pylist(), None], dtype=object)[:-1]
    elif pa.types.is_decimal(kind):
        yield path, np.array([*map(int, column.to_pylist()), None])[:-1]
    else:
        yield path, column.to_numpy(zero_copy_only=False)


def lengths(column):
    """Returns the lengths of all lists."""
    return [leaf.tolist() for path, leaf in leaves(column) if path.endswith("length")]


# Models with sums of products (convolutions, matrices), whose kernels go by the processor: on one
# unlike the recording's the sums are in another order.
SUMMED = {
    "keras2_lstm",
    "keras2_tabular",
    "keras3_cnn",
    "keras3_mixed",
    "keras3_recurrent",
    "keras3_text",
    "keras3_transformer",
    "jax_compiled",
    "jax_graph",
    "sonnet_mlp",
    "v1_estimator",
    "v1_slim",
}


def bits(array):
    """Returns an array whose equality is that of bits: NaNs of one kind equal each other."""
    return array.view(f"i{array.itemsize}") if array.dtype.kind == "f" else array


def assert_equal(actual, recorded, call, exactly, where):
    """Compares two columns."""
    left_leaves, right_leaves = dict(leaves(actual)), dict(leaves(recorded))
    assert left_leaves.keys() == right_leaves.keys(), (where, actual.type, recorded.type)
    for path, right in right_leaves.items():
        left = left_leaves[path]
        message = f"{where}{path}"
        if right.dtype.kind != "f" or (exactly and where.split()[0] not in SUMMED):
            assert right.dtype == left.dtype, (message, right.dtype, left.dtype)
            np.testing.assert_array_equal(bits(left), bits(right), message)
        else:
            # Sums whose parts cancel have errors of the size of the parts.
            largest = np.nanmax(np.abs(right), initial=0, where=np.isfinite(right))
            tolerance = call["tolerance"]
            np.testing.assert_allclose(left, right, tolerance, tolerance * largest, err_msg=message)


def test_zoo_has_models_that_run_and_models_that_are_refused():
    assert SIGNATURES
    assert REFUSED


SIGNATURES = [
    (model, signature) for model in MODELS for signature in MODELS[model].get("signatures", ())
]
REFUSED = [model for model in MODELS if "refused" in MODELS[model]]


@pytest.mark.kernels
@pytest.mark.parametrize(("model", "signature"), SIGNATURES)
def test_outputs_equal_recorded_ones(spark, model, signature):
    call = MODELS[model]["signatures"][signature]
    recorded = pq.read_table(ZOO / f"{model}.parquet")
    fixed = {"batchRows": str(call["batchRows"] if EXACTLY else OTHER_BATCH)}
    if model == "module_fixed_batch":
        fixed = {}
    table = table_of(spark, model, signature, call, **fixed)
    assert table.num_rows == recorded.num_rows
    for name, output in call["outputs"].items():
        where = f"{model} {signature} {name}"
        right = recorded[output["column"]].combine_chunks()
        left = table[column_name(output)].combine_chunks()
        if call["compare"] == "shape":
            assert lengths(right) == lengths(left), where
        elif EXACTLY or (model, name) not in WIDTH_OF_BATCH:
            assert_equal(left, right, call, EXACTLY and call["compare"] == "bits", where)


@pytest.mark.parametrize(
    ("model", "signature"),
    [
        (model, signature)
        for model, signature in SIGNATURES
        if "allowOps" in MODELS[model]["signatures"][signature]["options"]
    ],
)
def test_operations_have_to_be_allowed(spark, model, signature):
    call = MODELS[model]["signatures"][signature]
    without = {key: value for key, value in call["options"].items() if key != "allowOps"}
    with it.raises("[TA_OP_NOT_ALLOWED]", call["options"]["allowOps"], "allowOps"):
        table_of(spark, model, signature, {**call, "options": without})


@pytest.mark.parametrize("model", [model for model in MODELS if model not in REFUSED])
def test_inspect_names_what_was_recorded(spark, model):
    rows = reader(spark, model, inspect="true").load().collect()
    for signature, call in MODELS[model]["signatures"].items():
        of = [row for row in rows if row.signature == signature]
        inputs = {row.tensor for row in of if row.direction == "input"}
        assert inputs >= set(call["inputs"]), (signature, inputs)
        dtypes = {row.tensor: row.dtype for row in of if row.direction == "output"}
        for name, output in call["outputs"].items():
            assert dtypes[name] == output["dtype"], (signature, name, dtypes[name])


@pytest.mark.parametrize("model", REFUSED)
def test_models_are_refused_with_reasons(spark, work, model):
    inputs = reader(spark, model, inspect="true").load().where("direction = 'input'").collect()
    columns = {}
    for row in inputs:
        cell = "'a'" if row.dtype == "str" else "1f"
        columns[row.tensor] = cell if len(row.shape) == 1 else f"array({cell}, {cell}, {cell})"
    # The data would fit.
    path = str(work / f"{model}.parquet")
    cells = [f"{cell} AS `{name}`" for name, cell in columns.items()]
    spark.range(1).selectExpr(*cells).write.parquet(path)
    with it.raises(*MODELS[model]["refused"]):
        reader(spark, model).load(path).collect()
