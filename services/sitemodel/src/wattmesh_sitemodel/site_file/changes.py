"""What differs between a file and what is registered, in the file's own words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from google.protobuf.message import Message

from wattmesh.site.v1 import asset_pb2, device_pb2
from wattmesh_sitemodel.site_file.document import SiteDocument
from wattmesh_sitemodel.site_file.fields import data_from_message


class Action(Enum):
    """What is done with a resource."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One resource that is created, changed or deleted; `lines` say what of it."""

    action: Action
    name: str
    message: Message
    etag: str = ""
    lines: tuple[str, ...] = ()


def compare(wanted: SiteDocument, there: Mapping[str, Message], *, prune: bool) -> list[Change]:
    """Return what leads from what is there, by name, to what is wanted, in the order it is done.

    What is there and not wanted stays, unless `prune`: then devices go before the assets they
    serve. Tariffs are never deleted: other sites may pay by them.
    """
    changes = [
        change
        for name, message in wanted.resources()
        if (change := _change(name, message, there.get(name), wanted)) is not None
    ]
    return [*changes, *(_gone(wanted, there) if prune else ())]


def _change(
    name: str, wanted: Message, there: Message | None, document: SiteDocument
) -> Change | None:
    new = _flat(data_from_message(wanted, document.names))
    if there is None:
        lines = tuple(f"{path}: {value}" for path, value in new.items())
        return Change(action=Action.CREATE, name=name, message=wanted, lines=lines)
    old = _flat(data_from_message(there, document.names))
    if new == old:
        return None
    etag = getattr(there, "etag", "")
    lines = tuple(_differences(old, new))
    return Change(action=Action.UPDATE, name=name, message=wanted, etag=etag, lines=lines)


def _gone(wanted: SiteDocument, there: Mapping[str, Message]) -> Iterator[Change]:
    kept = dict(wanted.resources())
    for kind in (device_pb2.Device, asset_pb2.Asset):
        for name, message in there.items():
            if isinstance(message, kind) and name not in kept:
                yield Change(action=Action.DELETE, name=name, message=message)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for path in dict.fromkeys([*old, *new]):
        if path not in new:
            yield f"{path}: {old[path]} → (none)"
        elif path not in old:
            yield f"{path}: (none) → {new[path]}"
        elif old[path] != new[path]:
            yield f"{path}: {old[path]} → {new[path]}"


def _flat(data: Any, path: str = "") -> dict[str, Any]:
    """Return every value with its path: `connection.mqtt.address`."""
    if isinstance(data, Mapping) and data:
        return {
            at: value
            for key, each in data.items()
            for at, value in _flat(each, f"{path}.{key}" if path else str(key)).items()
        }
    if isinstance(data, list) and any(isinstance(each, Mapping) for each in data):
        return {
            at: value
            for index, each in enumerate(data)
            for at, value in _flat(each, f"{path}[{index}]").items()
        }
    return {path: data}
