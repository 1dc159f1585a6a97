from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

# Enters the bare package, so that this process is not made to import all of TensorFlow.
from wattmesh_forecast.adapters.serving_protos import tensor_pb2, types_pb2
from wattmesh_kernel.errors import InvalidArgument, ResourceExhausted, Unimplemented
from wattmesh_modelhost.api.tensors import dtype_to_proto, tensor_from_proto, tensor_to_proto

TYPES = ["float32", "float64", "int32", "int64", "bool"]


@given(
    st.sampled_from(TYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
    )
)
def test_an_array_comes_back_as_it_went(value: NDArray[Any]) -> None:
    back = tensor_from_proto(tensor_to_proto(value), "x")

    assert back.dtype == value.dtype
    assert back.shape == value.shape
    assert np.array_equal(back, value, equal_nan=value.dtype.kind == "f")


def test_text_comes_back_as_it_went() -> None:
    value = np.array([[b"a", b"\xff"]], dtype=object)

    assert np.array_equal(tensor_from_proto(tensor_to_proto(value), "x"), value)


def test_single_values_are_read_and_the_last_one_repeated() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1, 2])
    proto.tensor_shape.dim.add(size=2)
    proto.tensor_shape.dim.add(size=2)

    assert tensor_from_proto(proto, "x").tolist() == [[1, 2], [2, 2]]


@pytest.mark.parametrize("content", [b"", b"1234", b"123", b"12345678" * 2])
def test_values_that_do_not_fill_the_shape_are_refused(content: bytes) -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=content)
    proto.tensor_shape.dim.add(size=2)

    with pytest.raises(InvalidArgument, match="x: the values do not fill the shape"):
        tensor_from_proto(proto, "x")


def test_types_that_no_model_here_has_are_refused_by_name() -> None:
    with pytest.raises(Unimplemented, match="DT_BFLOAT16"):
        tensor_from_proto(tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16), "x")
    with pytest.raises(Unimplemented, match="complex64"):
        dtype_to_proto("complex64")


@pytest.mark.parametrize("sizes", [[300_000_000], [2**31, 2**33], [1, 2**62], [0, 2**62]])
def test_a_few_bytes_do_not_become_gigabytes(sizes: list[int]) -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, double_val=[1])
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)

    with pytest.raises(ResourceExhausted, match="more than the 1000000 allowed"):
        tensor_from_proto(proto, "x")


@pytest.mark.parametrize("sizes", [[-1], [2, -1], [1] * 9])
def test_a_shape_that_no_tensor_has_is_refused(sizes: list[int]) -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1, 2])
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)

    with pytest.raises(InvalidArgument, match="no shape"):
        tensor_from_proto(proto, "x")


def test_a_type_that_has_no_name_is_refused_by_its_number() -> None:
    with pytest.raises(Unimplemented, match="999"):
        tensor_from_proto(tensor_pb2.TensorProto(dtype=999), "x")


def test_many_values_of_one_tensor_come_as_they_went() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, int64_val=range(1_200_000))
    proto.tensor_shape.dim.add(size=1_200_000)

    assert tensor_from_proto(proto, "x")[-1] == 1_199_999
