"""TensorFlow Serving's messages ↔ the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmesh_kernel.errors import InvalidArgument, ResourceExhausted, Unimplemented
from wattmesh_modelhost.api.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    meta_graph_pb2,
    model_pb2,
    predict_pb2,
)
from wattmesh_modelhost.api.tensors import (
    MAX_ELEMENTS,
    dtype_to_proto,
    element_count,
    shape_to_proto,
    tensor_from_proto,
    tensor_to_proto,
)
from wattmesh_modelhost.domain.signatures import (
    DEFAULT_SIGNATURE,
    Signature,
    Tensors,
    TensorSpec,
)
from wattmesh_modelhost.domain.versions import VersionStatus

SIGNATURE_DEF = "signature_def"
_UNKNOWN = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """Which model, version (None: the newest) and signature a request means."""

    model: str
    version: int | None
    signature: str


def spec_from_proto(request: Any) -> Spec:
    """Return the ModelSpec of a request; InvalidArgument without one, Unimplemented for a label."""
    proto = request.model_spec
    if not request.HasField("model_spec") or not proto.name:
        raise InvalidArgument("MISSING_MODEL_SPEC", "Missing ModelSpec", field="model_spec")
    if proto.version_label:
        raise Unimplemented("NO_VERSION_LABELS", "version labels are not supported here")
    return Spec(
        model=proto.name,
        version=proto.version.value if proto.HasField("version") else None,
        signature=proto.signature_name or DEFAULT_SIGNATURE,
    )


def inputs_from_proto(request: Any) -> Tensors:
    """Return the inputs of a PredictRequest.

    All sizes are looked at before the first tensor takes memory.
    """
    total = sum(element_count(proto, name) for name, proto in request.inputs.items())
    if total > MAX_ELEMENTS:
        raise ResourceExhausted(
            "TENSOR_TOO_LARGE", f"{total} elements are more than the {MAX_ELEMENTS} allowed"
        )
    return {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}


def prediction_to_proto(spec: Spec, version: int, outputs: Tensors) -> Any:
    """Return the PredictResponse that says which version answered."""
    response = predict_pb2.PredictResponse(model_spec=_spec_to_proto(spec, version))
    for name, value in outputs.items():
        response.outputs[name].CopyFrom(tensor_to_proto(value))
    return response


def statuses_to_proto(statuses: Sequence[VersionStatus]) -> Any:
    """Return the GetModelStatusResponse."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in statuses:
        proto = response.model_version_status.add(version=status.version, state=int(status.state))
        if status.error:
            proto.status.error_code = _UNKNOWN
            proto.status.error_message = status.error
    return response


def check_metadata_fields(request: Any) -> None:
    """Raise InvalidArgument unless the signatures, and nothing else, are asked for."""
    if not request.metadata_field:
        raise InvalidArgument(
            "MISSING_METADATA_FIELD",
            "GetModelMetadataRequest must specify at least one metadata_field",
            field="metadata_field",
        )
    for field in request.metadata_field:
        if field != SIGNATURE_DEF:
            raise InvalidArgument(
                "UNKNOWN_METADATA_FIELD",
                f"Metadata field {field} is not supported",
                field="metadata_field",
            )


def metadata_to_proto(spec: Spec, version: int, signatures: Mapping[str, Signature]) -> Any:
    """Return the GetModelMetadataResponse with the signatures."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(
        model_spec=_spec_to_proto(spec, version)
    )
    definitions = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in signatures.items():
        definitions.signature_def[name].CopyFrom(_signature_to_proto(signature))
    response.metadata[SIGNATURE_DEF].Pack(definitions)
    return response


def _spec_to_proto(spec: Spec, version: int) -> Any:
    proto = model_pb2.ModelSpec(name=spec.model, signature_name=spec.signature)
    proto.version.value = version
    return proto


def _signature_to_proto(signature: Signature) -> Any:
    proto = meta_graph_pb2.SignatureDef(method_name=signature.method_name)
    for name, tensor in signature.inputs.items():
        proto.inputs[name].CopyFrom(_tensor_info(tensor))
    for name, tensor in signature.outputs.items():
        proto.outputs[name].CopyFrom(_tensor_info(tensor))
    return proto


def _tensor_info(tensor: TensorSpec) -> Any:
    return meta_graph_pb2.TensorInfo(
        name=tensor.graph_name,
        dtype=dtype_to_proto(tensor.dtype),
        tensor_shape=shape_to_proto(tensor.shape),
    )
