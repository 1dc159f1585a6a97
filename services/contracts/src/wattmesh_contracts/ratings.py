"""wattmesh.type.v1 ratings ↔ the kernel's: the same words on both sides, field by field.

A field that is absent on the wire takes the kernel's default; the constructors refuse what makes no
sense. What is to be converted otherwise than as it is stands in `_PARTS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import timedelta
from functools import cache, partial
from typing import Any, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from wattmesh.type.v1 import rating_pb2
from wattmesh.type.v1.time_range_pb2 import TimeRange
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.sites import (
    BatteryRating,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    PowerCurvePoint,
    PvRating,
    SocPowerLimit,
    TankRating,
    WindRating,
    ZoneThermalModel,
)

V = TypeVar("V")

_MESSAGES: Mapping[type[Any], type[Message]] = {
    BatteryRating: rating_pb2.BatteryRating,
    ComfortBand: rating_pb2.ComfortBand,
    CopPoint: rating_pb2.CopPoint,
    DeferrableRating: rating_pb2.DeferrableRating,
    EvChargerRating: rating_pb2.EvChargerRating,
    GeneratorRating: rating_pb2.GeneratorRating,
    GridConnectionRating: rating_pb2.GridConnectionRating,
    HeatPumpRating: rating_pb2.HeatPumpRating,
    HvacZoneRating: rating_pb2.HvacZoneRating,
    LoadRating: rating_pb2.LoadRating,
    PowerCurvePoint: rating_pb2.PowerCurvePoint,
    PvRating: rating_pb2.PvRating,
    SocPowerLimit: rating_pb2.SocPowerLimit,
    TankRating: rating_pb2.TankRating,
    WindRating: rating_pb2.WindRating,
    ZoneThermalModel: rating_pb2.ZoneThermalModel,
}
_VALUES = {message: value for value, message in _MESSAGES.items()}


def rating_from_proto(kind: type[V], proto: Message) -> V:
    """Return the rating of that kind; InvalidArgument naming the field that makes no sense."""
    values = dict[str, Any]()
    for each in _fields(kind):  # type: ignore[arg-type]  # a type is hashable
        if each.present(proto):
            values[each.name] = each.from_proto(getattr(proto, each.name))
        else:
            require(each.optional, "MISSING_FIELD", f"{each.name} is required", each.name)
    return kind(**values)


def rating_to_proto(rating: Any) -> Any:
    """Return a rating as its proto; `rating_from_proto` gives the same rating back."""
    proto = _MESSAGES[type(rating)]()
    for each in _fields(type(rating)):  # type: ignore[arg-type]  # a type is hashable
        value = getattr(rating, each.name)
        if value is not None:
            each.write(proto, value)
    return proto


@dataclass(frozen=True, slots=True)
class _FieldCodec:
    """How one field goes over the wire."""

    name: str
    optional: bool
    present: Callable[[Any], bool]
    from_proto: Callable[[Any], Any]
    write: Callable[[Any, Any], None]


@cache
def _fields(kind: type[Any]) -> tuple[_FieldCodec, ...]:
    descriptor = _MESSAGES[kind].DESCRIPTOR
    return tuple(_codec(each, descriptor.fields_by_name[each.name]) for each in fields(kind))


def _codec(field: "Field[Any]", wire: Any) -> _FieldCodec:
    name, message = field.name, wire.message_type
    from_proto: Callable[[Any], Any] = _as_it_is
    to_proto: Callable[[Any], Any] = _as_it_is
    if message is not None and message.full_name == Duration.DESCRIPTOR.full_name:
        from_proto, to_proto = partial(duration_from_proto, field=name), _duration_or_none
    elif message is not None and message.full_name == TimeRange.DESCRIPTOR.full_name:
        from_proto, to_proto = partial(time_range_from_proto, field=name), time_range_to_proto
    elif message is not None:
        part = _VALUES[_message_class(message)]
        from_proto = _Part(part) if wire.is_repeated else _NamedPart(part, name)
        to_proto = rating_to_proto
    if wire.is_repeated:
        return _repeated(field, from_proto, to_proto)

    def write(proto: Any, value: Any) -> None:
        said = to_proto(value)
        if isinstance(said, Message):
            getattr(proto, name).CopyFrom(said)
        elif said is not None:
            setattr(proto, name, said)

    present = _present(name) if wire.has_presence else _always
    return _FieldCodec(name, _has_default(field), present, from_proto, write)


def _repeated(
    field: "Field[Any]", from_proto: Callable[[Any], Any], to_proto: Callable[[Any], Any]
) -> _FieldCodec:
    name = field.name

    def write(proto: Any, values: Any) -> None:
        getattr(proto, name).extend(map(to_proto, values))

    def read(values: Any) -> tuple[Any, ...]:
        return tuple(map(from_proto, values))

    return _FieldCodec(name, True, _always, read, write)


class _Part:
    """Reads a rating that is a part of another."""

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind

    def __call__(self, proto: Message) -> Any:
        return rating_from_proto(self._kind, proto)


class _NamedPart(_Part):
    """The same, for a part that the whole has once: its refusals begin with the part's name."""

    def __init__(self, kind: type[Any], name: str) -> None:
        super().__init__(kind)
        self._name = name

    def __call__(self, proto: Message) -> Any:
        with at_field(self._name):
            return super().__call__(proto)


def _message_class(descriptor: Any) -> type[Message]:
    message: type[Message] = getattr(rating_pb2, descriptor.name)
    return message


def _present(name: str) -> Callable[[Any], bool]:
    def present(proto: Any) -> bool:
        there: bool = proto.HasField(name)
        return there

    return present


def _always(proto: Any) -> bool:
    return True


def _as_it_is(value: Any) -> Any:
    return value


def _duration_or_none(value: timedelta) -> Duration | None:
    return duration_to_proto(value) if value else None


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
