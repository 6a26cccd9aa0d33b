"""Queries that ask for no tensor never load TensorFlow; others do."""

import helpers as it
import pytest

import tensorarrow as ta


@pytest.fixture
def scored(spark):
    return it.digits(spark)


@pytest.mark.parametrize(
    "query",
    [
        lambda scored: scored.count() == 1797,
        lambda scored: scored.where("split = 'test'").select("id", "label").count() == 360,
        lambda scored: len(scored.select("id", "pixels").limit(3).collect()) == 3,
        lambda scored: scored.groupBy("split").count().count() == 2,
        lambda _: ta.show(it.DIGITS_MODEL) is None,
    ],
    ids=["count", "other columns", "limit", "group", "show"],
)
def test_queries_without_tensors_never_load_tensorflow(spark, scored, query, no_tensorflow):
    assert query(scored)
    assert not it.has_tensorflow(it.jvm_pid(spark))


def test_queries_of_tensors_load_tensorflow(spark, scored):
    assert len(scored.select("digit").limit(1).collect()) == 1
    assert it.has_tensorflow(it.jvm_pid(spark))
