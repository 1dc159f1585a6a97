"""Messages of resources ↔ documents and records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.devices import device_from_proto
from wattmesh_contracts.masks import merged
from wattmesh_contracts.sites import asset_from_proto, group_from_proto, site_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.sites import Resource
from wattmesh_metering.domain.records import Document, Record

M = TypeVar(
    "M", site_pb2.Site, asset_pb2.Asset, device_pb2.Device, site_pb2.SiteGroup, tariff_pb2.Tariff
)


@dataclass(frozen=True, slots=True)
class RecordCodec(Generic[M]):
    """How one kind of resource goes over the wire."""

    message: type[M]
    read: Callable[[M], Resource]

    def document(self, proto: M) -> Document:
        """Return the document of a message; InvalidArgument when it makes no sense."""
        sent = self.message()
        sent.CopyFrom(proto)
        _drop_what_is_ours(sent)
        return Document(resource=self.read(sent), body=sent.SerializeToString(deterministic=True))

    def merge(self, given: M, paths: Sequence[str]) -> Callable[[Document | None], Document]:
        """Return what makes the new document out of the kept one.

        Errors of that: InvalidArgument; FailedPrecondition `ASSET_KIND_FIXED`.
        """

        def make(kept: Document | None) -> Document:
            if kept is None:
                return self.document(given)
            before = self.message.FromString(kept.body)
            after = merged(before, given, paths)
            after.name = before.name
            _check_kind(before, after)
            return self.document(after)

        return make

    def proto(self, record: Record) -> M:
        """Return a record's message with its etag."""
        proto = self.message.FromString(record.document.body)
        proto.etag = record.document.etag
        return proto


SITES = RecordCodec(site_pb2.Site, site_from_proto)
ASSETS = RecordCodec(asset_pb2.Asset, asset_from_proto)
DEVICES = RecordCodec(device_pb2.Device, device_from_proto)
GROUPS = RecordCodec(site_pb2.SiteGroup, group_from_proto)
TARIFFS = RecordCodec(tariff_pb2.Tariff, tariff_from_proto)


def known_since_to_proto(record: Record) -> Timestamp | None:
    """Return since when a record was known so, where that was asked and is known."""
    return None if record.known_since is None else timestamp_to_proto(record.known_since)


def _drop_what_is_ours(proto: Message) -> None:
    """Clear what is not the client's: etags, and prices, which come by publication."""
    proto.ClearField("etag")
    if isinstance(proto, tariff_pb2.Tariff):
        every: list[tariff_pb2.Tariff | tariff_pb2.TariffVersion] = [proto, *proto.versions]
        for terms in every:
            for rates in (terms.import_rates, terms.export_rates):
                if rates.HasField("real_time"):
                    rates.real_time.ClearField("price_per_kwh")


def _check_kind(before: Message, after: Message) -> None:
    if not isinstance(before, asset_pb2.Asset) or not isinstance(after, asset_pb2.Asset):
        return
    was, becomes = before.WhichOneof("kind"), after.WhichOneof("kind")
    if becomes is not None and was != becomes:
        raise FailedPrecondition(
            "ASSET_KIND_FIXED", f"{before.name} is a {was} and never becomes a {becomes}"
        )
