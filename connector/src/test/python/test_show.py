"""tensorarrow.show: a model's signatures in words."""

from collections import namedtuple

import pytest
from helpers import fails

import tensorarrow as ta

Row = namedtuple(
    "Row",
    "tags signature direction tensor dtype shape encoding refused",
    defaults=("dense", None),
)

ROWS = [
    Row("serve", "serving_default", "output", "probabilities", "float32", [-1, 10]),
    Row("serve", "serving_default", "output", "digit", "int64", [-1]),
    Row("serve", "serving_default", "input", "pixels", "float32", [-1, 64]),
    Row("serve,tpu", "other", "input", "scale", "float32", []),
    Row("serve,tpu", "other", "input", "words", "str", [-1, -1], "sparse"),
    Row("serve,tpu", "other", "output", "any", "str", None, "dense", "[TA_OP_NOT_ALLOWED] Cannot"),
]

SERVE = """\
MetaGraphDef with tag-set: 'serve' contains the following SignatureDefs:

signature_def['serving_default']:
  The given SavedModel SignatureDef contains the following input(s):
    inputs['pixels'] tensor_info:
        dtype: float32
        shape: (-1, 64)
  The given SavedModel SignatureDef contains the following output(s):
    outputs['digit'] tensor_info:
        dtype: int64
        shape: (-1)
    outputs['probabilities'] tensor_info:
        dtype: float32
        shape: (-1, 10)

"""
TPU = """\
MetaGraphDef with tag-set: 'serve,tpu' contains the following SignatureDefs:

signature_def['other']:
  The given SavedModel SignatureDef contains the following input(s):
    inputs['scale'] tensor_info:
        dtype: float32
        shape: ()
    inputs['words'] tensor_info:
        dtype: str
        shape: (-1, -1)
        encoding: sparse
  The given SavedModel SignatureDef contains the following output(s):
    outputs['any'] tensor_info:
        dtype: str
        shape: unknown_rank
        refused: [TA_OP_NOT_ALLOWED] Cannot

"""


class Reader:
    """A session whose reader gives fixed rows and keeps what it was asked for."""

    def __init__(self, rows):
        self.rows, self.asked = rows, {}
        self.read = self

    def format(self, name):
        self.asked["format"] = name
        return self

    def option(self, key, value):
        self.asked[key] = value
        return self

    def load(self):
        return self

    def collect(self):
        return self.rows


def test_prints_all_graphs(capsys):
    spark = Reader(ROWS)

    assert ta.show("m", spark=spark) is None

    assert capsys.readouterr().out == SERVE + TPU
    assert spark.asked == {"format": "tensorflow", "model": "m", "inspect": "true"}


@pytest.mark.parametrize("tags", ["tpu, serve", ["tpu", "serve"], "serve,tpu"])
def test_prints_the_graph_with_the_tags(tags, capsys):
    ta.show("m", spark=Reader(ROWS), tags=tags)

    assert capsys.readouterr().out == TPU


def test_names_the_tags_that_exist():
    message = fails("TA_TAGS_NOT_FOUND", ta.show, "m", spark=Reader(ROWS), tags="train")

    assert "'serve', 'serve,tpu'" in message


def test_says_that_there_is_nothing_to_show():
    fails("TA_MODEL_EMPTY", ta.show, "m", spark=Reader([]))


def test_needs_a_session():
    pytest.importorskip("pyspark")

    assert "spark=spark" in fails("TA_SESSION_MISSING", ta.show, "m")
