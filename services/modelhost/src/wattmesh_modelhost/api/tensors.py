"""TensorProto ↔ numpy."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument, ResourceExhausted, Unimplemented
from wattmesh_modelhost.api.protos import tensor_pb2, tensor_shape_pb2, types_pb2

_TYPES: dict[int, str] = {
    types_pb2.DT_FLOAT: "float32",
    types_pb2.DT_DOUBLE: "float64",
    types_pb2.DT_INT32: "int32",
    types_pb2.DT_INT64: "int64",
    types_pb2.DT_BOOL: "bool",
    types_pb2.DT_STRING: "object",
}
_VALUES = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "object": "string_val",
}

MAX_ELEMENTS = 16_000_000
"""Elements of all tensors of a request together: what a message of the longest size can hold."""
MAX_REPEATED_ELEMENTS = 1_000_000
"""Elements of a tensor that repeats its last value: the one that can be larger than its message."""
MAX_DIMENSIONS = 8


def dtype_to_proto(dtype: str) -> int:
    """Return the DataType of a numpy type name; Unimplemented for types models here never have."""
    for code, name in _TYPES.items():
        if name == dtype:
            return code
    raise Unimplemented("TYPE_NOT_SUPPORTED", f"tensors of type {dtype} are not supported")


def shape_to_proto(shape: tuple[int | None, ...] | None) -> Any:
    """Return a TensorShapeProto; -1 for a free dimension."""
    if shape is None:
        return tensor_shape_pb2.TensorShapeProto(unknown_rank=True)
    proto = tensor_shape_pb2.TensorShapeProto()
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)
    return proto


def tensor_to_proto(value: NDArray[Any]) -> Any:
    """Return an array as a TensorProto; numbers as packed little-endian content."""
    dtype = value.dtype.name
    proto = tensor_pb2.TensorProto(
        dtype=dtype_to_proto(dtype), tensor_shape=shape_to_proto(value.shape)
    )
    if dtype == "object":
        proto.string_val.extend(value.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(value).tobytes()
    return proto


def element_count(proto: Any, field: str) -> int:
    """Return how many elements a TensorProto's shape holds, before any of them takes memory.

    Errors: InvalidArgument for a shape that no tensor has, ResourceExhausted for too large a one.
    """
    sizes: list[int] = [dim.size for dim in proto.tensor_shape.dim]
    impossible = proto.tensor_shape.unknown_rank or len(sizes) > MAX_DIMENSIONS
    if impossible or min(sizes, default=0) < 0:
        raise InvalidArgument("MALFORMED_SHAPE", f"{field}: that is no shape", field=field)
    count = math.prod(sizes)
    filled = bool(proto.tensor_content) or count == _given_count(proto)
    limit = MAX_ELEMENTS if filled else MAX_REPEATED_ELEMENTS
    if max(count, *sizes, 0) > limit:
        raise ResourceExhausted(
            "TENSOR_TOO_LARGE", f"{field}: {count} elements are more than the {limit} allowed"
        )
    return count


def tensor_from_proto(proto: Any, field: str) -> NDArray[Any]:
    """Return a TensorProto as an array.

    Values come as packed content or one by one; fewer than the shape holds repeat the last, as
    TensorFlow has it. Errors: Unimplemented for a type, InvalidArgument for a wrong count or shape,
    ResourceExhausted for more elements than are allowed.
    """
    dtype = _dtype(proto)
    size = element_count(proto, field)
    if not proto.tensor_content and _given_count(proto) > size:
        raise _misfit(field)
    try:
        values = _values(proto, dtype)
        if 0 < len(values) < size and not proto.tensor_content:
            values = np.concatenate([values, np.full(size - len(values), values[-1], dtype)])
        return values.reshape([dim.size for dim in proto.tensor_shape.dim])
    except ValueError as error:
        raise _misfit(field) from error


def _dtype(proto: Any) -> str:
    dtype = _TYPES.get(proto.dtype)
    if dtype is not None:
        return dtype
    known = proto.dtype in types_pb2.DataType.values()
    name = types_pb2.DataType.Name(proto.dtype) if known else str(proto.dtype)
    raise Unimplemented("TYPE_NOT_SUPPORTED", f"tensors of type {name} are not supported")


def _given_count(proto: Any) -> int:
    """Return how many values stand in the message one by one."""
    return len(getattr(proto, _VALUES[_TYPES[proto.dtype]])) if proto.dtype in _TYPES else 0


def _misfit(field: str) -> InvalidArgument:
    return InvalidArgument(
        "MALFORMED_TENSOR", f"{field}: the values do not fill the shape", field=field
    )


def _values(proto: Any, dtype: str) -> NDArray[Any]:
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype=np.dtype(dtype).newbyteorder("<"))
    return np.array(getattr(proto, _VALUES[dtype]), dtype=dtype)
