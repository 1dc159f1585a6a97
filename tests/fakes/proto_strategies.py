"""Hypothesis strategies of messages with anything in them: what a peer may send, sense or not."""

from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

M = TypeVar("M", bound=Message)

DEEPEST = 5
"""Messages within messages that are filled."""

_LIKELY: dict[str, Any] = {
    "wattmesh.site.v1.Site.name": "sites/a",
    "wattmesh.site.v1.SiteGroup.name": "groups/g",
    "wattmesh.site.v1.Asset.name": "sites/a/assets/b",
    "wattmesh.site.v1.Device.name": "sites/a/devices/c",
    "wattmesh.site.v1.Device.gateway": "gateways/g",
    "wattmesh.site.v1.Device.profile": "meter",
    "wattmesh.site.v1.DeviceFunction.asset": "sites/a/assets/b",
    "wattmesh.site.v1.Point.name": "sites/a/devices/c/points/soc_ratio",
    "wattmesh.site.v1.Site.time_zone": "Europe/Berlin",
    "wattmesh.site.v1.Site.currency_code": "EUR",
    "wattmesh.type.v1.Tariff.name": "tariffs/t",
    "wattmesh.type.v1.Tariff.currency_code": "EUR",
    "wattmesh.type.v1.Money.currency_code": "EUR",
    "wattmesh.optimizer.v1.Problem.currency_code": "EUR",
    "wattmesh.optimizer.v1.Horizon.count": 2,
    "google.protobuf.Timestamp.seconds": 1_772_409_600,
    "google.protobuf.Duration.seconds": 3600,
}
"""What has to make sense before anything behind it is looked at."""

_NEEDED = {
    "wattmesh.optimizer.v1.Problem.horizon",
    "wattmesh.optimizer.v1.Horizon.start_time",
    "wattmesh.optimizer.v1.Horizon.resolution",
    "wattmesh.site.v1.Device.connection",
    "wattmesh.site.v1.Device.reporting_interval",
}
"""The same, of what is a message itself."""

_TEXTS = (
    *("", "a", "sites/a", "sites/a/assets/b", "gateways/g", "groups/g", "soc_ratio", "EUR", "UTC"),
    *("Mars/Base", "\n", "ä" * 300, "sites//", "../..", "1.50", "NaN", "sites/a/devices/c"),
)
_texts = st.sampled_from(_TEXTS) | st.text(max_size=8)
_counts = st.sampled_from([0, 1, -1, 60])
_BY_TYPE: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: _texts,
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.CPPTYPE_DOUBLE: st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e300]) | st.floats(),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: _counts | st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: _counts | st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(0, 9) | st.sampled_from([-1, 77, 2**31 - 1]),
}


def anything(kind: type[M]) -> st.SearchStrategy[M]:
    """Return a strategy of messages of a type with some of their fields set to anything."""
    return _messages(kind.DESCRIPTOR, DEEPEST)


@cache
def _messages(descriptor: Descriptor, depth: int) -> st.SearchStrategy[Any]:
    fields = [each for each in descriptor.fields if depth or each.message_type is None]
    likely = {
        each.name: _likely(each, depth)
        for each in fields
        if each.full_name in _LIKELY or each.full_name in _NEEDED
    }
    others = {each.name: _values(each, depth) for each in fields if each.name not in likely}
    return st.fixed_dictionaries(likely, optional=others).map(
        lambda values: GetMessageClass(descriptor)(**values)
    )


def _likely(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    anything_else = _values(field, depth)
    if field.full_name in _NEEDED:
        return anything_else
    sense = st.just(_LIKELY[field.full_name])
    return st.integers(0, 19).flatmap(lambda number: sense if number else anything_else)


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        key, value = (_single(message.fields_by_name[name], depth) for name in ("key", "value"))
        return st.dictionaries(key, value, max_size=2)
    one = _single(field, depth)
    return st.lists(one, max_size=3) if field.is_repeated else one


def _single(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=8)
    if field.message_type is not None:
        return _messages(field.message_type, depth - 1)
    return _BY_TYPE[field.cpp_type]
