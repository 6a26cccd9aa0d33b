"""Functions change tensors where they lie, and nobody sees what is written too late."""

import os
import threading
from pathlib import Path

import it_common as it
import numpy as np
import pyarrow as pa

import tensorarrow as ta

# Two files of two batches, as many rows as Parquet's reader gives at once.
ROWS = 16_384
BATCH = 4_096
SCHEMA = "id long, probabilities array<float>"


def scored(spark, way="auto", **options):
    """Reads rows whose probabilities are larger than what goes through the socket."""
    path = os.path.join(os.environ["IT_WORK"], "rows.parquet")
    if not os.path.exists(path):
        it.write_pixels(spark, path, ROWS)
    options = {"batchRows": str(BATCH), **options}
    return it.scored(spark, path, way, **options).select("id", "probabilities")


def rows(df):
    """Runs a query; returns its rows by id, with lists as arrays."""
    return {row.id: np.array(row.probabilities, np.float32) for row in df.collect()}


def assert_same(found, wanted):
    assert len(found) == len(wanted) == ROWS, (len(found), len(wanted))
    assert all(np.array_equal(found[key], value) for key, value in wanted.items())


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


def check_changes_are_seen(spark):
    """Checks that the next operator sees what was changed, on each tier the same."""
    wanted = {key: value * 2 for key, value in rows(scored(spark)).items()}
    for way in ["auto", "shared-memory"]:
        df = ta.map_tensors(scored(spark, way), doubled, SCHEMA, inplace=["probabilities"])
        assert_same(rows(df), wanted)
        assert 'map_tensors(inplace=["probabilities"])' in it.plan(df), it.plan(df)

    for way in ["arrow", "rows"]:
        df = ta.map_tensors(scored(spark, way), doubled_anywhere, SCHEMA, inplace=["probabilities"])
        assert_same(rows(df), wanted)
    # A model's last bits may depend on the rows of a batch.
    small = scored(spark, batchRows="100")
    wanted = {key: value * 2 for key, value in rows(small).items()}
    assert_same(
        rows(ta.map_tensors(small, doubled_anywhere, SCHEMA, inplace=["probabilities"])), wanted
    )


def check_nothing_is_sent_back(spark):
    """Checks by the metrics that what stays in place crosses the socket as a handle."""
    for _ in range(2):
        df = ta.map_tensors(scored(spark), doubled, SCHEMA, inplace=["probabilities"])
        count, found = it.metrics(df)
    tensors = ROWS * 10 * 4
    assert count == ROWS
    assert found["inPlaceBytes"] == tensors, found
    assert found["keptInPlaceBytes"] == tensors, found
    assert found["separatedBytes"] == 0, found
    # Each reply fills the buffer of the worker's stream up, and has a header.
    assert found["pythonDataReceived"] < ROWS // BATCH * ((64 << 10) + 2_000), found
    assert found["pythonDataSent"] < ROWS * 8 + 20_000, found
    assert found["createdSegments"] == 0, found


def check_chains(spark):
    """Checks that columns changed in place stay tensors, in chains and for SQL."""
    once = ta.map_tensors(scored(spark), doubled, SCHEMA, inplace=["probabilities"])
    assert once.schema["probabilities"].metadata["tensor.dtype"] == "float32"
    assert once.schema["probabilities"].metadata["tensor.shape"] == [10]
    # What a function returned may have nulls, and rows of any length: it is copied.
    twice = ta.map_tensors(once, doubled_anywhere, SCHEMA, inplace=["probabilities"])
    assert it.plan(twice).count("ColumnarMapInBatch") == 2
    wanted = {key: value * 4 for key, value in rows(scored(spark)).items()}
    assert_same(rows(twice), wanted)

    def look(batches):
        for batch in batches:
            p = ta.numpy(batch, "probabilities")
            yield pa.RecordBatch.from_arrays(
                [batch.column("id"), pa.array(p.sum(1))], names=["id", "total"]
            )

    totals = twice.mapInArrow(look, "id long, total float").collect()
    assert all(abs(row.total - 4) < 1e-4 for row in totals)
    assert once.selectExpr("sum(aggregate(probabilities, 0D, (a, x) -> a + x)) s").first().s > 0


def check_other_results(spark):
    """Checks results that are other columns, other names, parts, both or nothing of the tensor."""
    given = rows(scored(spark))

    def renamed(t):
        p = t["probabilities"]
        p += 1
        return {"id": t["id"], "a": p, "b": p, "first": p[:, 0], "half": p[:, :5]}

    schema = "id long, a array<float>, b array<float>, first float, half array<float>"
    found = ta.map_tensors(scored(spark), renamed, schema, inplace=["probabilities"]).collect()
    assert len(found) == ROWS
    for row in found:
        wanted = given[row.id] + np.float32(1)
        assert np.array_equal(np.array(row.a, np.float32), wanted)
        assert row.a == row.b
        assert row.first == wanted[0]
        assert row.half == row.a[:5]

    def ids(t):
        t["probabilities"][:] = 7
        return {"id": t["id"]}

    assert ta.map_tensors(scored(spark), ids, "id long", inplace=["probabilities"]).count() == ROWS

    def untouched(t):
        return {"id": t["id"]}

    df = ta.map_tensors(scored(spark), untouched, "id long", inplace=["probabilities"])
    assert df.distinct().count() == ROWS

    def reordered(t):
        return {"id": t["id"], "probabilities": t["probabilities"][::-1]}

    df = ta.map_tensors(scored(spark), reordered, SCHEMA, inplace=["probabilities"])
    assert len(rows(df)) == ROWS


def check_late_writes(spark):
    """Checks that what is written after the function returned is seen by nobody."""
    wanted = {key: value * 2 for key, value in rows(scored(spark)).items()}

    def keeps(t):
        import it_kept

        p = t["probabilities"]
        # Views of earlier batches, and of earlier tasks.
        for view in it_kept.KEPT:
            view[:] = -1
        it_kept.KEPT.append(p[1:])
        p *= 2
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(spark), keeps, SCHEMA, inplace=["probabilities"])
    count, found = it.metrics(df)
    assert count == ROWS
    assert found["separatedBytes"] == ROWS * 40, found
    for _ in range(2):
        assert_same(rows(df), wanted)

    def writes_in_a_thread(t):
        import it_kept

        p = t["probabilities"]
        p *= 2
        it_kept.let_writers_go()
        later = threading.Event()

        def write(view):
            later.wait(60)
            view[:] = -1

        threading.Thread(target=write, args=(p,), daemon=True).start()
        it_kept.WRITERS.append(later.set)
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(spark), writes_in_a_thread, SCHEMA, inplace=["probabilities"])
    for _ in range(2):
        assert_same(rows(df), wanted)

    def forks(t):
        import it_kept

        p = t["probabilities"]
        p *= 2
        it_kept.let_writers_go()
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.read(reading, 1)
            p[:] = -1
            os._exit(0)
        it_kept.WRITERS.append(lambda: os.write(writing, b"1"))
        return {"id": t["id"], "probabilities": p}

    df = ta.map_tensors(scored(spark), forks, SCHEMA, inplace=["probabilities"])
    _, found = it.metrics(df)
    assert found["separatedBytes"] == ROWS * 40, found
    assert_same(rows(df), wanted)


def check_errors(spark):
    """Checks what is refused, before and while it runs; and that nothing is left of it."""
    df = scored(spark)
    with it.raises("TA_TENSOR_UNKNOWN", "'id'", "probabilities"):
        ta.map_tensors(df, doubled, SCHEMA, inplace=["id"])
    with it.raises("TA_UNSUPPORTED", "inplace=['probabilities']"):
        ta.map_tensors(df, doubled, SCHEMA, inplace="probabilities")
    with it.raises("TA_RESULT_TYPE", "array<float> as before"):
        ta.map_tensors(df, doubled, "probabilities array<double>", inplace=["probabilities"])

    def fails(t):
        t["probabilities"][:] = 0
        raise RuntimeError("on purpose")

    with it.raises("on purpose"):
        ta.map_tensors(df, fails, SCHEMA, inplace=["probabilities"]).collect()

    def reshapes(t):
        return {"id": t["id"], "probabilities": t["probabilities"][:, :5]}

    with it.raises("TA_RESULT_TYPE", "(rows, *(10,)) as before"):
        ta.map_tensors(df, reshapes, SCHEMA, inplace=["probabilities"]).collect()
    limited = ta.map_tensors(df, doubled, SCHEMA, inplace=["probabilities"]).limit(3)
    assert len(limited.collect()) == 3


def check_plain_functions_read_only(spark):
    """Checks that nothing else is writable."""

    def writes(t):
        t["probabilities"][:] = 0
        return {"id": t["id"]}

    with it.raises("read-only"):
        ta.map_tensors(scored(spark), writes, "id long").collect()


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    spark.sparkContext.addPyFile(str(Path(__file__).with_name("it_kept.py")))
    for check in [
        check_changes_are_seen,
        check_nothing_is_sent_back,
        check_chains,
        check_other_results,
        check_late_writes,
        check_errors,
        check_plain_functions_read_only,
    ]:
        check(spark)
        it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
