"""SQL and DataFrames: the values are those of Python TensorFlow; limits and filters hold."""

import it_common as it
import numpy as np
import pyarrow.parquet as pq


def recorded():
    """Returns ids, probabilities (rows, 10) and digits of the test images, by Python TensorFlow."""
    table = pq.read_table(it.DIGITS_EXPECTED)
    probabilities = np.array(table["probabilities"].to_pylist(), np.float32)
    return table["id"].to_numpy(), probabilities, table["digit"].to_numpy()


def check(rows):
    """Checks rows of id, probabilities, digit against what was recorded."""
    ids, probabilities, digit = recorded()
    assert [row.id for row in rows] == ids.tolist()
    found = np.array([row.probabilities for row in rows], np.float32)
    np.testing.assert_allclose(found, probabilities, **it.TOLERANCE)
    assert [row.digit for row in rows] == digit.tolist()


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    spark.sql(
        "CREATE TEMPORARY VIEW scored USING tensorflow"
        f" OPTIONS (model '{it.DIGITS_MODEL}', path '{it.DIGITS_DATA}')"
    )
    check(
        spark.sql(
            "SELECT id, probabilities, digit FROM scored WHERE split = 'test' ORDER BY id"
        ).collect()
    )

    scored = it.digits(spark)
    types = dict(scored.dtypes)
    assert scored.columns == ["id", "pixels", "label", "split", "digit", "probabilities"]
    assert (types["digit"], types["probabilities"]) == ("bigint", "array<float>")
    assert scored.schema["probabilities"].metadata["tensor.dtype"] == "float32"
    assert scored.schema["probabilities"].metadata["tensor.shape"] == [10]
    test = scored.where("split = 'test'").orderBy("id")
    check(test.select("id", "probabilities", "digit").collect())

    # Small batches give the same values.
    check(it.digits(spark, batchRows="7").where("split = 'test'").orderBy("id").collect())

    # A filter on an output, a limit, an aggregate, a join.
    assert scored.where("digit = 3 AND split = 'test'").count() == (recorded()[2] == 3).sum()
    limited = scored.select("id", "digit").limit(5).collect()
    assert len(limited) == len({row.id for row in limited}) == 5
    assert len(scored.limit(0).collect()) == 0
    right = spark.sql("SELECT avg(cast(digit = label AS int)) AS share FROM scored").first()
    assert right.share > 0.95
    names = spark.createDataFrame([(0, "zero"), (1, "one")], "digit long, name string")
    assert scored.join(names, "digit").groupBy("name").count().count() == 2

    # Selecting and renaming outputs.
    renamed = it.digits(spark, outputs="probabilities=p")
    assert renamed.columns == ["id", "pixels", "label", "split", "p"]
    first = renamed.where("split = 'test'").orderBy("id").first()
    np.testing.assert_allclose(first.p, recorded()[1][0], **it.TOLERANCE)
    it.check_nothing_is_left(spark)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
