"""The facts of TensorFlow's dtypes: generated from DType.java, not to be edited."""

from __future__ import annotations

from typing import NamedTuple


class DTypeFacts(NamedTuple):
    """What DType.java says of one dtype.

    Attributes:
        name: NumPy's name, or that of ml_dtypes.
        byte_size: the bytes of one element in a tensor's memory.
        bit_size: how many of their bits hold the value.
        array_dtype: the name of the dtype that arrays have in NumPy.
        spark_element: what Spark has for an element.
        layout: who reads native elements where they are: SPARK is Spark and NumPy, NUMPY is
            NumPy alone, TENSORFLOW neither.
    """

    name: str
    byte_size: int
    bit_size: int
    array_dtype: str
    spark_element: str
    layout: str


DTYPES = (
    DTypeFacts("float32", 4, 32, "float32", "FLOAT", "SPARK"),
    DTypeFacts("float64", 8, 64, "float64", "DOUBLE", "SPARK"),
    DTypeFacts("int8", 1, 8, "int8", "BYTE", "SPARK"),
    DTypeFacts("int16", 2, 16, "int16", "SHORT", "SPARK"),
    DTypeFacts("int32", 4, 32, "int32", "INT", "SPARK"),
    DTypeFacts("int64", 8, 64, "int64", "LONG", "SPARK"),
    DTypeFacts("bool", 1, 8, "bool", "BOOLEAN", "NUMPY"),
    DTypeFacts("float16", 2, 16, "float16", "FLOAT", "NUMPY"),
    DTypeFacts("bfloat16", 2, 16, "bfloat16", "FLOAT", "NUMPY"),
    DTypeFacts("uint8", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("uint16", 2, 16, "uint16", "INT", "NUMPY"),
    DTypeFacts("uint32", 4, 32, "uint32", "LONG", "NUMPY"),
    DTypeFacts("uint64", 8, 64, "uint64", "DECIMAL", "NUMPY"),
    DTypeFacts("complex64", 8, 64, "complex64", "COMPLEX_FLOAT", "NUMPY"),
    DTypeFacts("complex128", 16, 128, "complex128", "COMPLEX_DOUBLE", "NUMPY"),
    DTypeFacts("qint8", 1, 8, "int8", "BYTE", "SPARK"),
    DTypeFacts("quint8", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("qint16", 2, 16, "int16", "SHORT", "SPARK"),
    DTypeFacts("quint16", 2, 16, "uint16", "INT", "NUMPY"),
    DTypeFacts("qint32", 4, 32, "int32", "INT", "SPARK"),
    DTypeFacts("float8_e5m2", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("float8_e4m3fn", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("float8_e4m3fnuz", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("float8_e4m3b11fnuz", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("float8_e5m2fnuz", 1, 8, "uint8", "SHORT", "NUMPY"),
    DTypeFacts("int4", 1, 4, "int8", "BYTE", "TENSORFLOW"),
    DTypeFacts("uint4", 1, 4, "uint8", "BYTE", "TENSORFLOW"),
    DTypeFacts("str", 24, 192, "object", "STRING", "TENSORFLOW"),
)
