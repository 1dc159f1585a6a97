"""Messages of the contracts as plain data that people write: short names, short enums, durations.

The descriptors say which fields there are, so that a field that is added to a contract is in the
file without a line here. What is left out of the file: what the server gives (`name`, `etag`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.spans import format_span, parse_span

Data = Any
"""Mappings, lists, texts, numbers, truths: what YAML holds."""

GIVEN = frozenset({"name", "etag"})
"""Fields that the file does not say: the key above says the name."""
_FLOATING = (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What short names stand for at one site."""

    site: str

    def long(self, field: FieldDescriptor, short: str) -> str:
        """Return the resource name: `grid` is `sites/home-1/assets/grid` where an asset stands."""
        parent = self._parent(field)
        return short if parent is None or "/" in short else f"{parent}/{short}"

    def short(self, field: FieldDescriptor, name: str) -> str:
        """Return what a file says for a resource name."""
        parent = self._parent(field)
        return name if parent is None else name.removeprefix(f"{parent}/")

    def _parent(self, field: FieldDescriptor) -> str | None:
        return {
            "wattmesh.site.v1.DeviceFunction.asset": f"{self.site}/assets",
            "wattmesh.site.v1.Device.gateway": "gateways",
            "wattmesh.site.v1.Site.tariff": "tariffs",
            "wattmesh.site.v1.TariffAssignment.tariff": "tariffs",
            "wattmesh.site.v1.Site.carbon_zone": "zones",
        }.get(field.full_name)


def message_from_data(
    kind: Callable[[], Message], name: str, data: Data, names: Names, path: str
) -> Any:
    """Return the message called `name` that a part of a file describes.

    Error: InvalidArgument that says where in the file and what is known there.
    """
    message = kind()
    descriptor: Any = message.DESCRIPTOR
    content = _object(descriptor, data, _Place(path=path, names=names, owner=name))
    try:
        json_format.ParseDict({**content, "name": name}, message)
    except json_format.ParseError as error:
        raise InvalidArgument("INVALID_DOCUMENT", f"{path}: {error}", field=path) from error
    return message


def data_from_message(message: Message, names: Names) -> dict[str, Data]:
    """Return what a file says of a message; `message_from_data` gives it back."""
    return _data(message, names)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where in a file something stands, and in which resource."""

    path: str
    names: Names
    owner: str

    def within(self, part: str | int) -> "_Place":
        step = f"[{part}]" if isinstance(part, int) else f".{part}"
        return _Place(path=f"{self.path}{step}", names=self.names, owner=self.owner)

    def refuse(self, what: str) -> InvalidArgument:
        return InvalidArgument("INVALID_DOCUMENT", f"{self.path}: {what}", field=self.path)


def _object(descriptor: Descriptor, data: Data, place: _Place) -> dict[str, Data]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise place.refuse(f"a {descriptor.name} is a mapping, not {data!r}")
    known = {name: field for name, field in descriptor.fields_by_name.items() if name not in GIVEN}
    for key in data:
        if key not in known:
            names = ", ".join(sorted(known))
            raise place.refuse(f"there is no field {key!r} here; there are {names}")
    return {
        key: _value(known[key], value, place.within(key))
        for key, value in data.items()
        if value is not None
    }


def _value(field: FieldDescriptor, data: Data, place: _Place) -> Data:
    if _is_map(field):
        if not isinstance(data, Mapping):
            raise place.refuse(f"a mapping is expected, not {data!r}")
        value_field = _map_value(field)
        return {str(key): _one(value_field, each, place.within(key)) for key, each in data.items()}
    if field.is_repeated:
        if not isinstance(data, Sequence) or isinstance(data, str):
            raise place.refuse(f"a list is expected, not {data!r}")
        return [_one(field, each, place.within(index)) for index, each in enumerate(data)]
    return _one(field, data, place)


def _one(field: FieldDescriptor, data: Data, place: _Place) -> Data:
    if field.message_type is not None:
        return _message(field.message_type, data, place)
    if field.enum_type is not None:
        return _enum(field.enum_type, data, place)
    if field.type == FieldDescriptor.TYPE_STRING:
        return place.names.long(field, _text(data, place))
    if field.type == FieldDescriptor.TYPE_BOOL:
        if not isinstance(data, bool):
            raise place.refuse(f"true or false is expected, not {data!r}")
        return data
    return _number(field, data, place)


def _message(descriptor: Descriptor, data: Data, place: _Place) -> Data:
    match descriptor.full_name:
        case "google.protobuf.Duration":
            return f"{_seconds(data, place):g}s"
        case "google.protobuf.Timestamp":
            return data.isoformat() if hasattr(data, "isoformat") else _text(data, place)
        case "wattmesh.site.v1.Point":
            return {"name": f"{place.owner}/points/{_text(data, place)}"}
        case _:
            return _object(descriptor, data, place)


def _enum(enum: EnumDescriptor, data: Data, place: _Place) -> str:
    prefix = _prefix(enum)
    known = [value.name for value in enum.values if value.number]
    name = str(data) if str(data).startswith(prefix) else f"{prefix}{str(data).upper()}"
    if name not in known:
        words = ", ".join(value.removeprefix(prefix).lower() for value in known)
        raise place.refuse(f"{data!r} is none of {words}")
    return name


def _text(data: Data, place: _Place) -> str:
    if isinstance(data, bool | Mapping | list) or data is None:
        raise place.refuse(f"a text is expected, not {data!r}")
    return str(data)


def _number(field: FieldDescriptor, data: Data, place: _Place) -> float | int:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise place.refuse(f"a number is expected, not {data!r}")
    if field.type not in _FLOATING and int(data) != data:
        raise place.refuse(f"a whole number is expected, not {data!r}")
    return data


def _seconds(data: Data, place: _Place) -> float:
    if isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    try:
        return parse_span(str(data)).total_seconds()
    except InvalidArgument:
        raise place.refuse(f"a time is written like 10s, 15min, 1h or 1d, not {data!r}") from None


def _data(message: Message, names: Names) -> dict[str, Data]:
    return {
        field.name: _plain(field, value, names)
        for field, value in message.ListFields()
        if field.name not in GIVEN
    }


def _plain(field: FieldDescriptor, value: Any, names: Names) -> Data:
    if _is_map(field):
        value_field = _map_value(field)
        return {key: _plain_one(value_field, value[key], names) for key in sorted(value)}
    if field.is_repeated:
        return [_plain_one(field, each, names) for each in value]
    return _plain_one(field, value, names)


def _plain_one(field: FieldDescriptor, value: Any, names: Names) -> Data:
    if field.message_type is not None:
        return _plain_message(field.message_type, value, names)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        prefix = _prefix(field.enum_type)
        return value if known is None else known.name.removeprefix(prefix).lower()
    if isinstance(value, str):
        return names.short(field, value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _plain_message(descriptor: Descriptor, value: Any, names: Names) -> Data:
    match descriptor.full_name:
        case "google.protobuf.Duration":
            return format_span(value.ToTimedelta())
        case "google.protobuf.Timestamp":
            return value.ToJsonString()
        case "wattmesh.site.v1.Point":
            return value.name.rpartition("/")[2]
        case _:
            return _data(value, names)


def _prefix(enum: EnumDescriptor) -> str:
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")


def _map_value(field: FieldDescriptor) -> FieldDescriptor:
    assert field.message_type is not None
    return field.message_type.fields_by_name["value"]


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
