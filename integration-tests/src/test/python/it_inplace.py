"""Functions change tensors where they lie, and nobody sees what is written too late."""

import os
import threading
from pathlib import Path

import helpers as it
import numpy as np
import pyarrow as pa
import pytest

import tensorarrow as ta

# Two files of two batches, as many rows as Parquet's reader gives at once.
ROWS = 16_384
BATCH = 4_096
SCHEMA = "id long, probabilities array<float>"


pytestmark = pytest.mark.packages


@pytest.fixture
def scored(spark, work):
    """Reads rows whose probabilities are larger than what goes through the socket."""
    path = it.write_pixels(spark, work / "inplace.parquet", ROWS)

    def read(mode="auto", **options):
        options = {"batchRows": str(BATCH), **options}
        return it.scored(spark, path, mode, **options).select("id", "probabilities")

    return read


@pytest.fixture
def worker_state(spark):
    """Gives workers the module of that name."""
    spark.sparkContext.addPyFile(str(Path(__file__).with_name("worker_state.py")))


def rows(df):
    """Runs a query; returns its tensors (rows, 10) in the order of their ids."""
    table = it.arrow(df)
    assert table["id"].to_pylist() == list(range(ROWS))
    return table["probabilities"].combine_chunks().flatten().to_numpy().reshape(ROWS, 10)


@pytest.fixture(scope="module")
def memo():
    """What one check has computed for the others."""
    return {}


@pytest.fixture
def model_output(scored, memo):
    """The tensors as the model gives them."""
    if "model_output" not in memo:
        memo["model_output"] = rows(scored())
    return memo["model_output"]


def doubled(t):
    """Changes the tensor where it lies."""
    assert not t["probabilities"].flags.owndata
    return doubled_anywhere(t)


def doubled_anywhere(t):
    """Changes the tensor, which may be a copy."""
    p = t["probabilities"]
    assert p.flags.writeable
    assert p.shape[1:] == (10,)
    assert p.dtype == np.float32
    p *= 2
    return {"id": t["id"], "probabilities": p}


@pytest.mark.parametrize("mode", ["auto", "shared-memory"])
def test_next_operator_sees_changes_made_in_place(scored, model_output, mode):
    df = ta.map_tensors(scored(mode), doubled, SCHEMA, inplace=["probabilities"])
    assert np.array_equal(rows(df), model_output * 2)
    assert 'map_tensors(inplace=["probabilities"])' in it.plan(df), it.plan(df)


@pytest.mark.parametrize("options", [{"mode": "arrow"}, {"mode": "rows"}, {"batchRows": "100"}])
def test_next_operator_sees_changes_made_in_copy(scored, options):
    df = ta.map_tensors(scored(**options), doubled_anywhere, SCHEMA, inplace=["probabilities"])
    # A model's last bits may depend on the rows of a batch.
    model_output = rows(scored(**{**options, "mode": "auto"}))
    assert np.array_equal(rows(df), model_output * 2)


def test_tensors_changed_in_place_cross_the_socket_as_handles(scored):
    for _ in range(2):
        df = ta.map_tensors(scored(), doubled, SCHEMA, inplace=["probabilities"])
        count, metrics = it.metrics(df)
    tensors = ROWS * 10 * 4
    assert count == ROWS
    assert metrics["inPlaceSentBytes"] == tensors, metrics
    assert metrics["inPlaceReturnedBytes"] == tensors, metrics
    assert metrics["inPlaceCopiedBytes"] == 0, metrics
    # Each reply fills the buffer of the worker's stream up, and has a header.
    assert metrics["pythonDataReceived"] < ROWS // BATCH * ((64 << 10) + 2_000), metrics
    assert metrics["pythonDataSent"] < ROWS * 8 + 20_000, metrics
    assert metrics["createdSegments"] == 0, metrics


def test_columns_changed_in_place_stay_tensors(scored, model_output):
    once = ta.map_tensors(scored(), doubled, SCHEMA, inplace=["probabilities"])
    assert once.schema["probabilities"].metadata["tensor.dtype"] == "float32"
    assert once.schema["probabilities"].metadata["tensor.shape"] == [10]
    # What a function returned may have nulls, and rows of any length: it is copied.
    twice = ta.map_tensors(once, doubled_anywhere, SCHEMA, inplace=["probabilities"])
    assert it.plan(twice).count("ColumnarMapInBatch") == 2
    assert np.array_equal(rows(twice), model_output * 4)

    def look(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities")
            yield pa.RecordBatch.from_arrays(
                [batch.column("id"), pa.array(p.sum(1))], names=["id", "total"]
            )

    totals = twice.mapInArrow(look, "id long, total float").collect()
    assert all(abs(row.total - 4) < 1e-4 for row in totals)
    assert once.selectExpr("sum(aggregate(probabilities, 0D, (a, x) -> a + x)) s").first().s > 0


def test_results_may_be_renamed_columns_and_parts_of_tensors(scored, model_output):
    def renamed(t):
        p = t["probabilities"]
        p += 1
        return {"id": t["id"], "a": p, "b": p, "first": p[:, 0], "half": p[:, :5]}

    schema = "id long, a array<float>, b array<float>, first float, half array<float>"
    results = ta.map_tensors(scored(), renamed, schema, inplace=["probabilities"]).collect()
    assert len(results) == ROWS
    for row in results:
        expected = model_output[row.id] + np.float32(1)
        assert np.array_equal(np.array(row.a, np.float32), expected)
        assert row.a == row.b
        assert row.first == expected[0]
        assert row.half == row.a[:5]


def test_results_may_omit_the_tensor(scored):
    def ids(t):
        t["probabilities"][:] = 7
        return {"id": t["id"]}

    assert ta.map_tensors(scored(), ids, "id long", inplace=["probabilities"]).count() == ROWS

    def untouched(t):
        return {"id": t["id"]}

    df = ta.map_tensors(scored(), untouched, "id long", inplace=["probabilities"])
    assert df.distinct().count() == ROWS

    def reordered(t):
        return {"id": t["id"], "probabilities": t["probabilities"][::-1]}

    df = ta.map_tensors(scored(), reordered, SCHEMA, inplace=["probabilities"])
    assert len(rows(df)) == ROWS


def test_writes_to_kept_views_change_no_other_data(scored, model_output, worker_state):
    def keeps(t):
        import worker_state

        p = t["probabilities"]
        # Views of earlier batches, and of earlier tasks.
        for view in worker_state.KEPT:
            view[:] = -1
        worker_state.KEPT.append(p[1:])
        p *= 2
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(), keeps, SCHEMA, inplace=["probabilities"])
    count, metrics = it.metrics(df)
    assert count == ROWS
    assert metrics["inPlaceCopiedBytes"] == ROWS * 40, metrics
    for _ in range(2):
        assert np.array_equal(rows(df), model_output * 2)


def test_writes_of_threads_after_the_function_change_no_other_data(
    scored, model_output, worker_state
):
    def writes_in_a_thread(t):
        import worker_state

        p = t["probabilities"]
        p *= 2
        worker_state.let_writers_go()
        later = threading.Event()

        def write(view):
            later.wait(60)
            view[:] = -1

        threading.Thread(target=write, args=(p,), daemon=True).start()
        worker_state.WRITERS.append(later.set)
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(), writes_in_a_thread, SCHEMA, inplace=["probabilities"])
    for _ in range(2):
        assert np.array_equal(rows(df), model_output * 2)


def test_writes_of_forked_children_change_no_other_data(scored, model_output, worker_state):
    def forks(t):
        import worker_state

        p = t["probabilities"]
        p *= 2
        worker_state.let_writers_go()
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.read(reading, 1)
            p[:] = -1
            os._exit(0)
        worker_state.WRITERS.append(lambda: os.write(writing, b"1"))
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(), forks, SCHEMA, inplace=["probabilities"])
    _, metrics = it.metrics(df)
    assert metrics["inPlaceCopiedBytes"] == ROWS * 40, metrics
    assert np.array_equal(rows(df), model_output * 2)


@pytest.mark.parametrize(
    ("schema", "inplace", "message"),
    [
        (SCHEMA, ["id"], ("TA_TENSOR_UNKNOWN", "'id'", "probabilities")),
        (SCHEMA, "probabilities", ("TA_UNSUPPORTED", "inplace=['probabilities']")),
        (
            "probabilities array<double>",
            ["probabilities"],
            ("TA_RESULT_TYPE", "array<float> as before"),
        ),
    ],
    ids=["no tensor", "no list", "another type"],
)
def test_wrong_declarations_are_refused_at_once(scored, schema, inplace, message):
    with it.raises(*message):
        ta.map_tensors(scored(), doubled, schema, inplace=inplace)


def test_failing_functions_free_memory(scored):
    def fails(t):
        t["probabilities"][:] = 0
        raise RuntimeError("on purpose")

    with it.raises("on purpose"):
        ta.map_tensors(scored(), fails, SCHEMA, inplace=["probabilities"]).collect()


def test_results_of_another_shape_are_refused(scored):
    def reshapes(t):
        return {"id": t["id"], "probabilities": t["probabilities"][:, :5]}

    with it.raises("TA_RESULT_TYPE", "(rows, *(10,)) as before"):
        ta.map_tensors(scored(), reshapes, SCHEMA, inplace=["probabilities"]).collect()


def test_limits_end_functions_that_change_tensors(scored):
    limited = ta.map_tensors(scored(), doubled, SCHEMA, inplace=["probabilities"]).limit(3)
    assert len(limited.collect()) == 3


def test_tensors_not_named_in_place_are_read_only(scored):
    def writes(t):
        t["probabilities"][:] = 0
        return {"id": t["id"]}

    with it.raises("read-only"):
        ta.map_tensors(scored(), writes, "id long").collect()
