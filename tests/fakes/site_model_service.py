"""SiteService's WatchSiteModel over a model that a test changes by hand."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.site_model import heartbeat, pieces_from_change
from wattmesh_kernel.clock import Clock, SystemClock
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import PublishedPrices, Resource, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange


class FakeSiteModelService(site_service_pb2_grpc.SiteServiceServicer):
    """Tells every watcher the model first, then each change; no other call is served."""

    def __init__(self, *resources: Resource, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._watchers: set[asyncio.Queue[SiteModelChange | None]] = set()
        self.model = SiteModel().apply(SiteModelChange(revision=1, changed=resources))
        self.heartbeat_seconds = 0.2
        self.silent = False
        self.watched = 0
        """How many streams there were."""

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

    def hang_up(self) -> None:
        """End every stream."""
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def WatchSiteModel(  # noqa: N802
        self, request: site_service_pb2.WatchSiteModelRequest, context: Any
    ) -> AsyncIterator[site_service_pb2.WatchSiteModelResponse]:
        """Stream the model, its changes and heartbeats."""
        self.watched += 1
        news: asyncio.Queue[SiteModelChange | None] = asyncio.Queue()
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
        self, news: "asyncio.Queue[SiteModelChange | None]"
    ) -> AsyncIterator[site_service_pb2.WatchSiteModelResponse]:
        while True:
            try:
                async with asyncio.timeout(self.heartbeat_seconds):
                    change = await news.get()
            except TimeoutError:
                if not self.silent:
                    yield heartbeat(self.model.revision, self._clock.now())
                continue
            if change is None:
                return
            for piece in pieces_from_change(change, self._clock.now()):
                yield piece

    def _tell(self, change: SiteModelChange) -> None:
        self.model = self.model.apply(change)
        for watcher in self._watchers:
            watcher.put_nowait(change)
