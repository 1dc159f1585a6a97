"""TensorProto ↔ numpy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument, Unimplemented
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


def tensor_from_proto(proto: Any, field: str) -> NDArray[Any]:
    """Return a TensorProto as an array.

    Values come as packed content or one by one; fewer than the shape holds repeat the last, as
    TensorFlow has it. Errors: Unimplemented for a type, InvalidArgument for a wrong count.
    """
    dtype = _TYPES.get(proto.dtype)
    if dtype is None:
        name = types_pb2.DataType.Name(proto.dtype)
        raise Unimplemented("TYPE_NOT_SUPPORTED", f"tensors of type {name} are not supported")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    size = int(np.prod(shape, dtype=np.int64))
    try:
        values = _values(proto, dtype)
        if 0 < len(values) < size and not proto.tensor_content:
            values = np.concatenate([values, np.full(size - len(values), values[-1], dtype)])
        return values.reshape(shape)
    except ValueError as error:
        raise InvalidArgument(
            "MALFORMED_TENSOR", f"{field}: the values do not fill the shape", field=field
        ) from error


def _values(proto: Any, dtype: str) -> NDArray[Any]:
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype=np.dtype(dtype).newbyteorder("<"))
    return np.array(list(getattr(proto, _VALUES[dtype])), dtype=dtype)
