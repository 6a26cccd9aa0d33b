"""tensorarrow.predict: the call that it makes of its arguments."""

import pytest
from helpers import fails

import tensorarrow as ta


class Frame:
    """Records the expressions of a DataFrame whose session has the functions."""

    def __init__(self):
        self.expressions = []
        self.sparkSession = self
        self.catalog = self

    def functionExists(self, name):  # noqa: N802  PySpark's name
        return name == "tf_predict_struct"

    def selectExpr(self, *expressions):  # noqa: N802  PySpark's name
        self.expressions.append(expressions)
        return self

    def drop(self, column):
        self.expressions.append(column)
        return self


def call(model, **options):
    frame = Frame()
    assert ta.predict(frame, model, **options) is frame
    (star, text), (again, fields), column = frame.expressions
    assert star == again == "*"
    assert fields == f"{column}.*"
    assert text.endswith(f" AS {column}")
    return text[: -len(f" AS {column}")]


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, ""),
        ({"batchRows": 7}, ", options => map('batchRows', '7')"),
        ({"someFlag": True}, ", options => map('someFlag', 'true')"),
        ({"inputs": "x=a"}, ", options => map('inputs', 'x=a')"),
        ({"outputs": ["y"]}, """, options => map('outputs', '["y"]')"""),
        ({"inputs": {"x": ["s", "a"]}}, """, options => map('inputs', '{"x": ["s", "a"]}')"""),
    ],
)
def test_arguments_become_options(options, arguments):
    assert call("m", **options) == f"tf_predict_struct('m', struct(*){arguments})"


@pytest.mark.parametrize("model", ["it's", "C:\\models"])
def test_texts_are_taken_as_they_are(model):
    text = f"cast(X'{model.encode().hex()}' AS STRING)"

    assert call(model) == f"tf_predict_struct({text}, struct(*))"


@pytest.mark.parametrize("value", [1.5, None, ["a"]])
def test_option_of_another_type_fails(value):
    message = fails("TA_OPTION_INVALID", ta.predict, Frame(), "m", batchRows=value)

    assert "'batchRows'" in message
