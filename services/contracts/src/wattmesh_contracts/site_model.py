"""Pieces of WatchSiteModel ↔ the kernel's changes of the site model."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

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
from wattmesh_kernel.errors import InvalidArgument
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

LeftOut = Callable[[str, InvalidArgument], None]
"""Is told the name of a resource that cannot be understood, and why."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


P = TypeVar("P", bound=_Named)
R = TypeVar("R")

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


def change_from_pieces(pieces: Iterable[Piece], left_out: LeftOut | None = None) -> SiteModelChange:
    """Return the change that pieces up to a complete one make; see `ChangeReader`."""
    reader = ChangeReader(left_out)
    for piece in pieces:
        reader.add(piece)
    return reader.change()


class ChangeReader:
    """Reads pieces one by one, so that whoever reads a large model can turn to others in between.

    A resource that cannot be understood, such as an asset of a kind that a newer metering knows, is
    given to `left_out` with the reason and counts as deleted: what is known of it from before is
    out of date. Without `left_out` it raises InvalidArgument.
    """

    def __init__(self, left_out: LeftOut | None = None) -> None:
        self._left_out = left_out
        self._revision = 0
        self._snapshot = False
        self._changed = list[Resource]()
        self._deleted = set[str]()
        self._published = list[PublishedPrices]()

    def add(self, piece: Piece) -> None:
        """Read a piece."""
        self._revision = piece.revision
        self._snapshot = self._snapshot or piece.snapshot
        self._deleted.update(piece.deleted_names)
        self._changed += self._read(site_from_proto, piece.sites)
        self._changed += self._read(asset_from_proto, piece.assets)
        self._changed += self._read(device_from_proto, piece.devices)
        self._changed += self._read(group_from_proto, piece.site_groups)
        self._changed += self._read(tariff_from_proto, piece.tariffs)
        self._published += self._read_published(piece)

    def change(self) -> SiteModelChange:
        """Return the change that the pieces make, once the complete one is there."""
        return SiteModelChange(
            revision=self._revision,
            snapshot=self._snapshot,
            changed=tuple(self._changed),
            deleted=frozenset(self._deleted),
            published=tuple(self._published),
        )

    def _read_published(self, piece: Piece) -> Iterator[PublishedPrices]:
        for each in piece.published_prices:
            try:
                yield _published_from_proto(each)
            except InvalidArgument as error:
                self._leave_out(each.tariff, error)

    def _read(self, convert: Callable[[P], R], protos: Iterable[P]) -> Iterator[R]:
        for proto in protos:
            try:
                yield convert(proto)
            except InvalidArgument as error:
                self._leave_out(proto.name, error)
                self._deleted.add(proto.name)

    def _leave_out(self, name: str, error: InvalidArgument) -> None:
        if self._left_out is None:
            raise error
        self._left_out(name, error)


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


def _published_to_proto(published: PublishedPrices) -> site_service_pb2.PublishedPrices:
    return site_service_pb2.PublishedPrices(
        tariff=published.tariff.name, range=time_range_to_proto(published.span)
    )


def _published_from_proto(proto: site_service_pb2.PublishedPrices) -> PublishedPrices:
    return PublishedPrices(
        tariff=TariffId.parse(proto.tariff, "published_prices.tariff"),
        span=time_range_from_proto(proto.range, "published_prices.range"),
    )
