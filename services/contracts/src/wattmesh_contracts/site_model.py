"""Pieces of WatchSiteModel ↔ the kernel's changes of the site model."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.devices import device_from_proto, device_to_proto
from wattmesh_contracts.sites import (
    asset_from_proto,
    asset_to_proto,
    group_from_proto,
    group_to_proto,
    site_from_proto,
    site_to_proto,
)
from wattmesh_contracts.tariff import tariff_from_proto, tariff_to_proto
from wattmesh_contracts.values import (
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import (
    Asset,
    Device,
    PublishedPrices,
    Resource,
    Site,
    SiteGroup,
    SiteModelChange,
)

Piece = site_service_pb2.WatchSiteModelResponse

LARGEST_PIECE = 500
"""Most resources in one message."""


def pieces_from_change(change: SiteModelChange, now: datetime) -> Iterator[Piece]:
    """Give a change, or a snapshot, as messages of bounded size; the last one completes it."""
    rest = iter(change.changed)
    chunk = list(islice(rest, LARGEST_PIECE))
    while True:
        following = list(islice(rest, LARGEST_PIECE))
        piece = _piece(change, chunk, now)
        if not following:
            piece.complete = True
            piece.deleted_names.extend(sorted(change.deleted))
            piece.published_prices.extend(map(_published_to_proto, change.published))
            yield piece
            return
        yield piece
        chunk = following


def heartbeat(revision: int, now: datetime) -> Piece:
    """Return the message that says: nothing changed, and the model is as of now."""
    return Piece(revision=revision, complete=True, send_time=timestamp_to_proto(now))


def change_from_pieces(pieces: Iterable[Piece]) -> SiteModelChange:
    """Return the change that pieces up to a complete one make; InvalidArgument for nonsense."""
    pieces = list(pieces)
    last = pieces[-1]
    return SiteModelChange(
        revision=last.revision,
        snapshot=any(piece.snapshot for piece in pieces),
        changed=tuple(resource for piece in pieces for resource in _resources(piece)),
        deleted=frozenset(name for piece in pieces for name in piece.deleted_names),
        published=tuple(
            _published_from_proto(each) for piece in pieces for each in piece.published_prices
        ),
    )


def _piece(change: SiteModelChange, resources: list[Resource], now: datetime) -> Piece:
    return Piece(
        revision=change.revision,
        snapshot=change.snapshot,
        send_time=timestamp_to_proto(now),
        sites=[site_to_proto(each) for each in resources if isinstance(each, Site)],
        assets=[asset_to_proto(each) for each in resources if isinstance(each, Asset)],
        devices=[device_to_proto(each) for each in resources if isinstance(each, Device)],
        site_groups=[group_to_proto(each) for each in resources if isinstance(each, SiteGroup)],
        tariffs=[
            tariff_to_proto(each)
            for each in resources
            if not isinstance(each, Site | Asset | Device | SiteGroup)
        ],
    )


def _resources(piece: Piece) -> Iterator[Resource]:
    yield from map(site_from_proto, piece.sites)
    yield from map(asset_from_proto, piece.assets)
    yield from map(device_from_proto, piece.devices)
    yield from map(group_from_proto, piece.site_groups)
    yield from map(tariff_from_proto, piece.tariffs)


def _published_to_proto(published: PublishedPrices) -> site_service_pb2.PublishedPrices:
    return site_service_pb2.PublishedPrices(
        tariff=published.tariff.name, range=time_range_to_proto(published.span)
    )


def _published_from_proto(proto: site_service_pb2.PublishedPrices) -> PublishedPrices:
    return PublishedPrices(
        tariff=TariffId.parse(proto.tariff), span=time_range_from_proto(proto.range)
    )
