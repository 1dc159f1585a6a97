"""What a request says of its caller, held against who the caller is known to be."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from wattmesh.type.v1 import permission_pb2
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import PermissionDenied

DEPTH = 6
"""Most messages within each other that are looked through for claims."""

Rule: TypeAlias = Callable[[Caller, Any], None]
Path: TypeAlias = tuple[FieldDescriptor, ...]


def check_claims(caller: Caller, request: Any) -> None:
    """Raise PermissionDenied when a request says of its caller what is not so."""
    if not isinstance(request, Message):
        return
    for path, rule in claims_of(request.DESCRIPTOR):
        for value in _values(request, path):
            rule(caller, value)


@cache
def claims_of(descriptor: Descriptor) -> tuple[tuple[Path, Rule], ...]:
    """Return where a type of request makes claims; most make none."""
    return tuple(_found(descriptor, (), frozenset()))


def _found(
    descriptor: Descriptor, path: Path, above: frozenset[str]
) -> Iterator[tuple[Path, Rule]]:
    if len(path) >= DEPTH or descriptor.full_name in above:
        return
    for field in descriptor.fields:
        number = field.GetOptions().Extensions[permission_pb2.claim]
        if number:
            yield (*path, field), RULES[number]
        elif field.message_type is not None:
            yield from _found(field.message_type, (*path, field), above | {descriptor.full_name})


def _values(message: Any, path: Path) -> Iterator[Any]:
    field, *rest = path
    if (
        field.message_type is not None
        and not field.is_repeated
        and not message.HasField(field.name)
    ):
        return
    value = getattr(message, field.name)
    if not rest:
        yield value
        return
    for part in value if field.is_repeated else (value,):
        yield from _values(part, tuple(rest))


def _owner(caller: Caller, owner: str) -> None:
    if not caller.may_act_for(owner):
        raise PermissionDenied("OWNER_NOT_HELD", f"{caller.name} may not act for {owner!r}")


def _priority(caller: Caller, priority: int) -> None:
    if priority > caller.max_priority:
        raise PermissionDenied(
            "PRIORITY_ABOVE_CEILING",
            f"priority {priority} is above {caller.max_priority}, the highest of {caller.name}",
            {"max_priority": str(caller.max_priority)},
        )


def _gateway(caller: Caller, gateway: str) -> None:
    if caller.gateway is None or caller.gateway.name != gateway:
        raise PermissionDenied("GATEWAY_NOT_HELD", f"{caller.name} is not {gateway!r}")


def _sender(caller: Caller, source: str) -> None:
    if not caller.may_send_as(source):
        raise PermissionDenied("SENDER_NOT_HELD", f"{caller.name} is not the source {source!r}")


RULES: Mapping[int, Rule] = {
    permission_pb2.CLAIM_OWNER: _owner,
    permission_pb2.CLAIM_PRIORITY: _priority,
    permission_pb2.CLAIM_GATEWAY: _gateway,
    permission_pb2.CLAIM_SENDER: _sender,
}
