"""tensorarrow.variables: a model's variables as arrays."""

from collections import namedtuple

import numpy as np
import pytest
from helpers import address, fails, read_only

import tensorarrow as ta
from tensorarrow._variables import array

Row = namedtuple("Row", "name dtype shape tensor")
NUMBERS = (
    "float32 float64 float16 int8 int16 int32 int64 uint8 uint16 uint32 uint64"
    " complex64 complex128 bool"
)
OTHERS = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
    "int4": "int8",
    "uint4": "uint8",
    "float8_e5m2": "uint8",
    "float8_e4m3fn": "uint8",
}


class Cells(list):
    """Rows whose fields are found by name, as Spark's are."""

    def __init__(self, rows):
        super().__init__(row._asdict() for row in rows)


class Name:
    """The column that filters ask for."""

    def isin(self, wanted):
        return lambda row: row["name"] in wanted


class Reader:
    """A session whose reader gives fixed rows and keeps what it was asked for."""

    def __init__(self, rows, asked=None):
        self.rows, self.asked, self.read = rows, {} if asked is None else asked, self

    def format(self, name):
        return self.option("format", name)

    def option(self, key, value):
        self.asked[key] = value
        return self

    def load(self):
        return self

    def __getitem__(self, column):
        assert column == "name"
        return Name()

    def where(self, condition):
        return Reader([row for row in self.rows if condition(row)])

    def select(self, column):
        return Reader([{column: row[column]} for row in self.rows])

    def collect(self):
        return self.rows

    def toLocalIterator(self):  # noqa: N802  Spark's name
        return iter(self.rows)


def row(name, values):
    return Row(name, str(values.dtype), list(values.shape), bytearray(values.tobytes()))


KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)
STEP = np.array(7, np.int64)


def session():
    return Reader(Cells([row("step", STEP), row("dense/kernel", KERNEL)]))


def test_variables_are_arrays_by_name():
    spark = session()

    found = ta.variables(spark, "m")

    assert list(found) == ["dense/kernel", "step"]
    assert np.array_equal(found["dense/kernel"], KERNEL)
    assert found["step"].shape == ()
    assert found["step"] == STEP
    assert spark.asked == {"format": "tensorflow", "model": "m", "variables": "true"}


def test_version_and_options_are_passed_to_the_reader():
    spark = session()

    ta.variables(spark, "m", 3, **{"fs.s3a.endpoint": "e"})

    assert spark.asked["version"] == "3"
    assert spark.asked["fs.s3a.endpoint"] == "e"


def test_named_variables_come_in_the_requested_order():
    assert list(ta.variables(session(), "m", names=["step", "dense/kernel"])) == [
        "step",
        "dense/kernel",
    ]
    assert list(ta.variables(session(), "m", names=iter(["step"]))) == ["step"]
    assert list(ta.variables(session(), "m", names="step")) == ["step"]
    assert ta.variables(session(), "m", names=[]) == {}


def test_unknown_names_list_those_that_exist():
    message = fails("TA_VARIABLE_UNKNOWN", ta.variables, session(), "m", names=["dense/kernle"])

    assert "'dense/kernel', 'step'" in message


@pytest.mark.parametrize("dtype", NUMBERS.split())
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_arrays_have_the_dtype_and_are_read_only_views(dtype, shape):
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    data = bytearray(values.tobytes())

    found = array("w", dtype, shape, data)

    assert found.dtype == np.dtype(dtype)
    assert found.shape == shape
    assert np.array_equal(found, values)
    if data:
        assert address(found) == address(np.frombuffer(data, np.uint8))
    read_only(found)


@pytest.mark.parametrize(("dtype", "numpy"), OTHERS.items())
def test_dtypes_that_numpy_lacks_are_the_integers_that_hold_them(dtype, numpy):
    values = np.arange(4).astype(numpy)

    found = array("w", dtype, [4], values.tobytes())

    assert found.dtype == np.dtype(numpy)
    assert np.array_equal(found, values)


def test_bfloat16_is_ml_dtypes_or_its_bits():
    bits = np.array([0x3F80, 0x4000], np.uint16)

    raw = array("w", "bfloat16", [2], bits.tobytes(), raw=True)

    assert raw.dtype == np.uint16
    assert np.array_equal(raw, bits)
    read_only(raw)
    try:
        import ml_dtypes
    except ImportError:
        message = fails("TA_TENSOR_UNSUPPORTED", array, "w", "bfloat16", [2], bits.tobytes())
        assert "Cannot view variable 'w'" in message
        assert "ml_dtypes" in message
    else:
        found = array("w", "bfloat16", [2], bits.tobytes())
        assert found.dtype == ml_dtypes.bfloat16
        assert found.astype(np.float32).tolist() == [1, 2]


def test_an_unknown_dtype_is_an_error():
    assert "variable 'w'" in fails("TA_TENSOR_UNSUPPORTED", array, "w", "variant", [], b"")


def test_strings_are_an_object_array_of_bytes():
    words = [b"a", b"", b"\xff" * 300, b"\x00"]
    stored = b"\x01\x00\xac\x02\x01" + b"crc!" + b"".join(words)

    found = array("w", "str", [2, 2], stored)

    assert found.dtype == object
    assert found.shape == (2, 2)
    assert found.reshape(-1).tolist() == words
    assert not found.flags.writeable
    assert array("w", "str", [0], b"crc!").shape == (0,)
    assert array("w", "str", [], b"\x02crc!ab").item() == b"ab"
