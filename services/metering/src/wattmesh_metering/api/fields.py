"""Fields of messages that may be absent."""

from google.protobuf.message import Message

from wattmesh_kernel.checks import require


def present(proto: Message, field: str) -> bool:
    """Return whether a field with presence is set."""
    return proto.HasField(field)


def require_present(proto: Message, field: str) -> None:
    """Raise InvalidArgument unless a field is set."""
    require(proto.HasField(field), "MISSING_FIELD", f"{field} is required", field)
