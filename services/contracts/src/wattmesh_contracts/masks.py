"""Field masks: what of a given message shall change in a kept one.

Messages are changed as they are on the wire, so that what one side does not know stays as it is.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from wattmesh_kernel.checks import require

M = TypeVar("M", bound=Message)

EVERYTHING = "*"


def merged(kept: M, given: M, paths: Sequence[str]) -> M:
    """Return `kept` with those fields as in `given` that the paths name.

    Without paths: those that are set in `given`, one by one also inside of messages. A path may
    lead into messages (`battery.capacity_wh`); `*` is the whole.
    Error: InvalidArgument naming a path that leads nowhere.
    """
    result = type(kept)()
    if EVERYTHING in paths:
        require(len(paths) == 1, "INVALID_MASK", "`*` stands alone", "update_mask")
        result.CopyFrom(given)
        return result
    result.CopyFrom(kept)
    for path in paths:
        _check_path(result.DESCRIPTOR, path)
        _copy_path(result, given, path.split("."))
    if not paths:
        _copy_set(result, given)
    return result


def _check_path(descriptor: Any, path: str) -> None:
    """Raise InvalidArgument unless a path leads to a field, through single messages only."""
    level = descriptor
    for part in path.split("."):
        field = None if level is None else level.fields_by_name.get(part)
        require(field is not None, "UNKNOWN_FIELD", f"there is no field {path!r}", "update_mask")
        level = field.message_type if field is not None and _is_part(field) else None


def _copy_path(target: Message, given: Message, parts: Sequence[str]) -> None:
    field = target.DESCRIPTOR.fields_by_name[parts[0]]
    if len(parts) == 1:
        _copy_field(target, given, field)
    elif target.HasField(field.name) or given.HasField(field.name):
        _copy_path(getattr(target, field.name), getattr(given, field.name), parts[1:])


def _copy_set(target: Message, given: Message) -> None:
    """Take over every field that is set."""
    for field, _ in given.ListFields():
        if _is_part(field):
            part: Message = getattr(target, field.name)
            part.SetInParent()
            _copy_set(part, getattr(given, field.name))
        else:
            _copy_field(target, given, field)


def _copy_field(target: Message, given: Message, field: Any) -> None:
    """Take over a field as it is, be it absent or empty."""
    name = field.name
    target.ClearField(name)
    if field.is_repeated:
        getattr(target, name).MergeFrom(getattr(given, name))
    elif field.message_type is not None:
        if given.HasField(name):
            getattr(target, name).CopyFrom(getattr(given, name))
    elif not field.has_presence or given.HasField(name):
        setattr(target, name, getattr(given, name))


def _is_part(field: Any) -> bool:
    """Return whether a field is one message of ours, whose fields may change one by one."""
    message = field.message_type
    if message is None or field.is_repeated:
        return False
    ours: bool = not message.full_name.startswith("google.protobuf.")
    return ours
