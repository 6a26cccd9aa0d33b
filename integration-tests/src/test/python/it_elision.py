"""Queries that ask for no tensor never load TensorFlow; others do."""

import it_common as it

import tensorarrow as ta


def main():
    """Run the checks."""
    spark = it.builder().getOrCreate()
    pid = it.jvm_pid(spark)
    scored = it.digits(spark)
    assert scored.count() == 1797
    assert scored.where("split = 'test'").select("id", "label").count() == 360
    assert len(scored.select("id", "pixels").limit(3).collect()) == 3
    assert scored.groupBy("split").count().count() == 2
    ta.show(it.DIGITS_MODEL)
    assert not it.has_tensorflow(pid)

    assert len(scored.select("digit").limit(1).collect()) == 1
    assert it.has_tensorflow(pid)
    spark.stop()


if __name__ == "__main__":
    main()
    it.passed(__file__)
