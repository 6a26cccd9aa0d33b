"""tensorarrow.arrow: tensor columns under Arrow's own tensor type."""

import numpy as np
import pyarrow as pa
import pytest
from helpers import Field, address, batch_of, fails, lists, metadata, shaped, unlabelled

import tensorarrow as ta


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 2)])
def test_relabels_without_a_copy(shape):
    values = np.arange(4 * int(np.prod(shape)), dtype=np.float32).reshape(4, *shape)
    cells = lists(values)

    found = ta.arrow(batch_of(cells, "float32", shape))

    column = found.column(1)
    assert column.type == pa.fixed_shape_tensor(pa.float32(), shape)
    assert column.to_numpy_ndarray().shape == (4, *shape)
    assert np.array_equal(column.to_numpy_ndarray(), values)
    assert address(column.storage.flatten()) == address(cells.values)
    assert found.column(0).equals(pa.array(np.arange(4)))


def test_honours_slices():
    values = np.arange(12, dtype=np.int32).reshape(4, 3)
    cells = lists(values)

    column = ta.arrow(batch_of(cells, "int32", (3,)).slice(1, 2)).column(1)

    assert np.array_equal(column.to_numpy_ndarray(), values[1:3])
    assert address(column.storage.flatten()) == address(cells.values) + 12


def test_labels_by_a_schema_which_later_calls_do_not_need():
    values = np.arange(12, dtype=np.float32).reshape(2, 6)
    cells = lists(values)
    batch = unlabelled(batch_of(cells, "float32", (2, 3)))

    found = ta.arrow(batch, schema=[Field("x", metadata("float32", (2, 3)))])

    assert address(ta.numpy(found, "x")) == address(cells.values)
    assert ta.numpy(found, "x").shape == (2, 2, 3)
    assert ta.arrow(found).equals(found)


@pytest.mark.parametrize(
    ("cells", "dtype", "shape"),
    [
        (pa.array([1.0, 2.0]), "float64", ()),
        (lists(np.ones((2, 3))), "float64", (-1,)),
        (lists(np.ones((2, 0))), "float64", (0,)),
        (lists(np.ones((2, 3)), nulls=[1]), "float64", (3,)),
        (shaped(np.ones((2, 3, 1))), "float64", (-1, -1)),
    ],
)
def test_leaves_columns_that_can_not_be_fixed_shape_tensors(cells, dtype, shape):
    batch = batch_of(cells, dtype, shape)

    assert ta.arrow(batch).equals(batch)


def test_relabels_no_rows_at_all():
    column = ta.arrow(batch_of(lists(np.ones((0, 3), np.float32)), "float32", (3,))).column(1)

    assert column.type == pa.fixed_shape_tensor(pa.float32(), (3,))
    assert len(column) == 0


def test_refuses_batches_without_tensors_and_rows_that_do_not_fit():
    batch = batch_of(lists(np.ones((2, 3))), "float64", (3,))

    fails("TA_TENSOR_UNKNOWN", ta.arrow, unlabelled(batch))
    fails("TA_UNSUPPORTED", ta.arrow, [batch])
    fails("TA_TENSOR_SHAPE", ta.arrow, batch_of(lists(np.ones((2, 3))), "float64", (4,)))
    fails("TA_TENSOR_TYPE", ta.arrow, batch_of(lists(np.ones((2, 3))), "float32", (3,)))
