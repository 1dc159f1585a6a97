"""Follows `SiteService.WatchSiteModel` into a view: snapshot, changes, heartbeats, and again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.site_model import change_from_pieces
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.cache import SiteModelFile
from wattmesh_sitemodel.follower import SiteModelView

log = logging.getLogger(__name__)

LONGEST_SILENCE_SECONDS = 15.0
"""After so long without a word, three heartbeats, the stream is dialled anew [s of the wall]."""


class SiteModelClient:
    """Keeps a view up to date for as long as `run` runs; metering may come and go.

    With a `cache`, the last known model is on disk: a process that starts while metering is away
    knows what was known before (`recall`).
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        view: SiteModelView,
        cache: SiteModelFile | None = None,
        *,
        longest_silence_seconds: float = LONGEST_SILENCE_SECONDS,
    ) -> None:
        self._stub = site_service_pb2_grpc.SiteServiceStub(channel)
        self._view = view
        self._cache = cache
        self._silence = longest_silence_seconds

    async def recall(self) -> None:
        """Take up what was known before the last stop, if it was kept."""
        kept = None if self._cache is None else await self._cache.load()
        if kept is not None:
            await self._view.take(kept)

    async def run(self) -> None:
        """Follow for ever; a loss is logged once, and dialled again with growing waits."""
        loss, backoff = LossLog(log, "the site model"), Backoff(0.1, 2.0)
        while True:
            try:
                async for _ in self._follow():
                    loss.back()
                    backoff.reset()
            except WattmeshError as error:
                loss.lost(error)
            await self._view.missed()
            await backoff.wait()

    async def _follow(self) -> AsyncIterator[None]:
        """Take what one stream says; give a turn after every complete piece of news."""
        with rpc_errors():
            call = self._stub.WatchSiteModel(
                site_service_pb2.WatchSiteModelRequest(known_revision=self._view.model.revision)
            )
            pieces = list[site_service_pb2.WatchSiteModelResponse]()
            try:
                while (piece := await self._read(call)) is not None:
                    pieces.append(piece)
                    if piece.complete:
                        await self._take(pieces)
                        pieces = []
                        yield
            finally:
                call.cancel()
        raise Unavailable("SITE_MODEL_STREAM_ENDED", "metering ended the stream")

    async def _read(self, call: Any) -> site_service_pb2.WatchSiteModelResponse | None:
        try:
            async with asyncio.timeout(self._silence):
                piece: Any = await call.read()  # a message, or EOF
        except TimeoutError:
            raise Unavailable(
                "SITE_MODEL_SILENT", f"no heartbeat for {self._silence:g} s"
            ) from None
        if piece is grpc.aio.EOF:
            return None
        said: site_service_pb2.WatchSiteModelResponse = piece
        return said

    async def _take(self, pieces: list[site_service_pb2.WatchSiteModelResponse]) -> None:
        change = change_from_pieces(pieces)
        if not change.snapshot and change.revision == self._view.model.revision:
            await self._view.confirm()
            if not change.published:
                return
        await self._view.take(change)
        if self._cache is not None:
            await self._cache.store(self._view.model)
