"""Real models of many makers give the numbers that Python TensorFlow recorded, or a clear reason.

Called with "recorded", in the environment of the recording and with its batches, outputs are equal
bit by bit, but for the last bits of sums whose order depends on the processor. Called with
"default", with other kernels and other batches, they are close.
"""

import json
import os
import sys
from pathlib import Path

import it_common as it
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ZOO = Path(__file__).resolve().parents[1] / "resources/zoo"

OTHER_BATCH = 7

# The width of these rows is that of the longest one in the batch.
WIDTH_OF_BATCH = {("module_strings", "points"), ("v1_sparse", "texts")}


def reader(spark, model, **options):
    """Returns a reader with the model's outputs as columns."""
    return spark.read.format("tensorflow").option("model", str(ZOO / model)).options(**options)


def outputs_as(call):
    """Selects the outputs under the names of the recorded columns' pendants."""
    return json.dumps({name: pendant(output) for name, output in call["outputs"].items()})


def pendant(output):
    """Returns the column that is to equal a recorded one."""
    return output["column"].replace("expected_", "found_", 1)


def found(spark, model, signature, call, **options):
    """Runs a signature; returns one Arrow table with recorded and found columns."""
    options = {**call["options"], "signature": signature, "outputs": outputs_as(call), **options}
    scored = reader(spark, model, **options).load(str(ZOO / f"{model}.parquet"))
    for output in call["outputs"].values():
        metadata = scored.schema[pendant(output)].metadata
        assert metadata["tensor.dtype"] == output["dtype"], (model, signature, metadata)
        assert metadata["tensor.shape"] == output["shape"], (model, signature, metadata)
    chosen = scored.select("id", *[pendant(output) for output in call["outputs"].values()])
    return pa.Table.from_batches(chosen._collect_as_arrow()).sort_by("id").combine_chunks()


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


def check(wanted, given, call, exactly, where):
    """Compares two columns."""
    wanted_leaves, given_leaves = dict(leaves(wanted)), dict(leaves(given))
    assert wanted_leaves.keys() == given_leaves.keys(), (where, wanted.type, given.type)
    for path, want in wanted_leaves.items():
        have = given_leaves[path]
        message = f"{where}{path}"
        if want.dtype.kind != "f" or (exactly and where.split()[0] not in SUMMED):
            assert want.dtype == have.dtype, (message, want.dtype, have.dtype)
            np.testing.assert_array_equal(bits(have), bits(want), message)
        else:
            # Sums whose parts cancel have errors of the size of the parts.
            largest = np.nanmax(np.abs(want), initial=0, where=np.isfinite(want))
            tolerance = call["tolerance"]
            np.testing.assert_allclose(have, want, tolerance, tolerance * largest, err_msg=message)


def check_model(spark, model, entry, signature, exactly):
    """Checks all outputs of a signature."""
    call = entry["signatures"][signature]
    recorded = pq.read_table(ZOO / f"{model}.parquet")
    if "allowOps" in call["options"]:
        without = {key: value for key, value in call["options"].items() if key != "allowOps"}
        with it.raises("[TA_OP_NOT_ALLOWED]", call["options"]["allowOps"], "allowOps"):
            found(spark, model, signature, {**call, "options": without})
    fixed = {"batchRows": str(call["batchRows"] if exactly else OTHER_BATCH)}
    if model == "module_fixed_batch":
        fixed = {}
    table = found(spark, model, signature, call, **fixed)
    assert table.num_rows == recorded.num_rows
    for name, output in call["outputs"].items():
        where = f"{model} {signature} {name}"
        wanted = recorded[output["column"]].combine_chunks()
        given = table[pendant(output)].combine_chunks()
        if call["compare"] == "shape":
            assert lengths(wanted) == lengths(given), where
        elif exactly or (model, name) not in WIDTH_OF_BATCH:
            check(wanted, given, call, exactly and call["compare"] == "bits", where)


def check_inspect(spark, model, entry):
    """Checks that the rows of ``inspect`` name what was recorded."""
    rows = reader(spark, model, inspect="true").load().collect()
    for signature, call in entry["signatures"].items():
        of = [row for row in rows if row.signature == signature]
        inputs = {row.tensor for row in of if row.direction == "input"}
        assert inputs >= set(call["inputs"]), (model, signature, inputs)
        dtypes = {row.tensor: row.dtype for row in of if row.direction == "output"}
        for name, output in call["outputs"].items():
            assert dtypes[name] == output["dtype"], (model, signature, name, dtypes[name])


def check_refused(spark, model, words):
    """Checks that a model is refused, with reasons; the data would fit."""
    inputs = reader(spark, model, inspect="true").load().where("direction = 'input'").collect()
    columns = {}
    for row in inputs:
        cell = "'a'" if row.dtype == "str" else "1f"
        columns[row.tensor] = cell if len(row.shape) == 1 else f"array({cell}, {cell}, {cell})"
    path = str(Path(os.environ["IT_WORK"]) / f"{model}.parquet")
    cells = [f"{cell} AS `{name}`" for name, cell in columns.items()]
    spark.range(1).selectExpr(*cells).write.parquet(path)
    with it.raises(*words):
        reader(spark, model).load(path).collect()


def check_entry(spark, model, entry, exactly):
    """Checks a model, whatever is known of it."""
    if "refused" in entry:
        check_refused(spark, model, entry["refused"])
        return
    check_inspect(spark, model, entry)
    for signature in entry["signatures"]:
        check_model(spark, model, entry, signature, exactly)


def main(mode):
    """Run the checks."""
    zoo = json.loads((ZOO / "zoo.json").read_text("utf-8"))
    # One model has names that differ by case only; one has a program for XLA.
    builder = it.builder().config("spark.sql.caseSensitive", "true")
    spark = builder.config("spark.tensorarrow.allowOps.max", "XlaCallModule").getOrCreate()
    faults = []
    for model, entry in zoo["models"].items():
        try:
            check_entry(spark, model, entry, mode == "recorded")
        except Exception as fault:
            faults.append(f"{model}: {fault}")
    spark.stop()
    assert not faults, "\n".join(faults)


if __name__ == "__main__":
    main(sys.argv[1])
    it.passed(__file__)
