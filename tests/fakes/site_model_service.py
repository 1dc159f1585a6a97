"""SiteService's WatchSiteModel over a model that a test changes by hand."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.site_model import Piece, heartbeat, pieces_from_change
from wattmesh_kernel.clock import Clock, SystemClock
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import PublishedPrices, Resource, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange

News: TypeAlias = SiteModelChange | tuple[Piece, ...] | None
"""A change, pieces as they are, or the end of the stream."""


_Servicer: Any = site_service_pb2_grpc.SiteServiceServicer
"""What is not overridden answers UNIMPLEMENTED; its stub calls that abstract."""


class FakeSiteModelService(_Servicer):  # type: ignore[misc]
    """Tells every watcher the model first, then each change; no other call is served."""

    def __init__(self, *resources: Resource, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._watchers: set[asyncio.Queue[News]] = set()
        self.model = SiteModel().apply(SiteModelChange(revision=1, changed=resources))
        self.heartbeat_seconds = 0.2
        self.silent = False
        self.known_revisions: list[int] = []
        """What each watcher, the ones that have gone too, said that it knew."""

    @property
    def watched(self) -> int:
        """How many streams there were."""
        return len(self.known_revisions)

    def change(self, *resources: Resource, deleted: tuple[str, ...] = ()) -> None:
        """Change the model."""
        self._tell(
            SiteModelChange(
                revision=self.model.revision + 1, changed=resources, deleted=frozenset(deleted)
            )
        )

    def publish(self, tariff: TariffId, span: TimeRange) -> None:
        """Say that prices were published."""
        published = PublishedPrices(tariff=tariff, span=span)
        revision = self.model.revision + 1
        self._tell(SiteModelChange(revision=revision, published=(published,)))

    def say(self, *pieces: Piece) -> None:
        """Send pieces as they are, whatever the model is."""
        for watcher in self._watchers:
            watcher.put_nowait(pieces)

    def hang_up(self) -> None:
        """End every stream."""
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def WatchSiteModel(  # noqa: N802
        self, request: site_service_pb2.WatchSiteModelRequest, context: Any
    ) -> AsyncIterator[site_service_pb2.WatchSiteModelResponse]:
        """Stream the model, its changes and heartbeats."""
        self.known_revisions.append(request.known_revision)
        news: asyncio.Queue[News] = asyncio.Queue()
        self._watchers.add(news)
        try:
            if request.known_revision == self.model.revision:
                yield heartbeat(self.model.revision, self._clock.now())
            else:
                for piece in pieces_from_change(self.model.snapshot(), self._clock.now()):
                    yield piece
            async for piece in self._further(news):
                yield piece
        finally:
            self._watchers.discard(news)

    async def _further(
        self, news: "asyncio.Queue[News]"
    ) -> AsyncIterator[site_service_pb2.WatchSiteModelResponse]:
        told = self.model.revision  # not the model's: a change may be waiting when the time is up
        while True:
            try:
                async with asyncio.timeout(self.heartbeat_seconds):
                    change = await news.get()
            except TimeoutError:
                if not self.silent:
                    yield heartbeat(told, self._clock.now())
                continue
            match change:
                case None:
                    return
                case SiteModelChange():
                    told = change.revision
                    pieces = tuple(pieces_from_change(change, self._clock.now()))
                case _:
                    pieces = change
            for piece in pieces:
                yield piece

    def _tell(self, change: SiteModelChange) -> None:
        self.model = self.model.apply(change)
        for watcher in self._watchers:
            watcher.put_nowait(change)
