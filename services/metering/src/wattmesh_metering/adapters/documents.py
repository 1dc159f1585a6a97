"""Documents out of the messages that are kept."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError, Message

from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.devices import device_from_proto
from wattmesh_contracts.sites import asset_from_proto, group_from_proto, site_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_kernel.errors import Internal, InvalidArgument
from wattmesh_metering.domain.records import Document, Record, RecordKind

MESSAGES: Mapping[RecordKind, type[Message]] = MappingProxyType(
    {
        RecordKind.SITE: site_pb2.Site,
        RecordKind.ASSET: asset_pb2.Asset,
        RecordKind.DEVICE: device_pb2.Device,
        RecordKind.GROUP: site_pb2.SiteGroup,
        RecordKind.TARIFF: tariff_pb2.Tariff,
    }
)
"""The message of every kind of resource."""

_READERS: Mapping[RecordKind, Callable[[Any], Any]] = MappingProxyType(
    {
        RecordKind.SITE: site_from_proto,
        RecordKind.ASSET: asset_from_proto,
        RecordKind.DEVICE: device_from_proto,
        RecordKind.GROUP: group_from_proto,
        RecordKind.TARIFF: tariff_from_proto,
    }
)

COLUMNS = "kind, body, revision, delete_time"
"""What `record_from_row` reads."""


def document_from_body(kind: RecordKind, body: bytes) -> Document:
    """Return a kept document. Error: Internal when a newer replica kept what is not known here."""
    try:
        resource = _READERS[kind](MESSAGES[kind].FromString(body))
    except (DecodeError, InvalidArgument) as error:
        raise Internal("RECORD_UNREADABLE", f"a kept {kind} cannot be read: {error}") from error
    return Document(resource=resource, body=body)


def record_from_row(row: tuple[Any, ...]) -> Record:
    """Return the record of a row of `COLUMNS`. Error: Internal."""
    kind, body, revision, delete_time = row
    return Record(
        document=document_from_body(RecordKind(kind), bytes(body)),
        revision=revision,
        delete_time=delete_time,
    )
