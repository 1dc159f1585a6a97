"""Follows `SiteService.WatchSiteModel` into a view: snapshot, changes, heartbeats, and again."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc

from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_contracts.site_model import ChangeReader
from wattmesh_kernel.errors import InvalidArgument, Unavailable, WattmeshError
from wattmesh_kernel.sites import SiteModelChange
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import race
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

LONGEST_SILENCE_SECONDS = 15.0
"""After so long without a word, three heartbeats, the stream is dialled anew [s of the wall]."""

STORE_EVERY_SECONDS = 5.0
"""Least time between two models kept on disk: a site is set up in hundreds of changes."""

Piece = site_service_pb2.WatchSiteModelResponse


class SiteModelClient:
    """Keeps a view up to date for as long as `run` runs; metering may come and go.

    With a `file`, the last known model is on disk: a process that starts while metering is away
    knows what was known before (`recall`).
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        view: SiteModelView,
        file: SiteModelFile | None = None,
        *,
        longest_silence_seconds: float = LONGEST_SILENCE_SECONDS,
    ) -> None:
        self._stub = site_service_pb2_grpc.SiteServiceStub(channel)
        self._view = view
        self._file = file
        self._silence = longest_silence_seconds
        self._heard_revision = 0
        self._left_out = _LeftOutLog()

    async def recall(self) -> None:
        """Take up what was known before the last stop, if it was kept."""
        kept = None if self._file is None else await self._file.load()
        if kept is not None:
            await self._view.take(kept, confirmed=False)

    async def run(self) -> None:
        """Follow for ever; a loss is logged once, and dialled again with growing waits."""
        if self._file is None:
            await self._follow()
        else:
            await race(self._follow(), self._keep(self._file))

    async def _follow(self) -> None:
        loss, backoff = LossLog(log, "the site model"), Backoff(0.1, 2.0)
        while True:
            try:
                async with aclosing(self._stream()) as stream:
                    async for _ in stream:
                        loss.back()
                        backoff.reset()
            except WattmeshError as error:
                loss.lost(error)
            await backoff.wait()

    async def _stream(self) -> AsyncGenerator[None, None]:
        """Take what one stream says; give a turn after every complete piece of news."""
        request = site_service_pb2.WatchSiteModelRequest(known_revision=self._heard_revision)
        with rpc_errors():
            call = self._stub.WatchSiteModel(request)
            reader, first = ChangeReader(self._left_out), True
            try:
                while (piece := await self._read(call)) is not None:
                    reader.add(piece)
                    if piece.complete:
                        await self._take(reader.change(), after_gap=first)
                        reader, first = ChangeReader(self._left_out), False
                        yield
                    await asyncio.sleep(0)  # a large model leaves the others their turns
            finally:
                call.cancel()
        raise Unavailable("STREAM_ENDED", "metering ended the stream")

    async def _read(self, call: Any) -> Piece | None:
        try:
            async with asyncio.timeout(self._silence):
                piece: Any = await call.read()  # a message, or EOF
        except TimeoutError:
            raise Unavailable(
                "SITE_MODEL_SILENT", f"no heartbeat for {self._silence:g} s"
            ) from None
        if piece is grpc.aio.EOF:
            return None
        said: Piece = piece
        return said

    async def _take(self, change: SiteModelChange, *, after_gap: bool) -> None:
        """Take a change; one that the model already holds brings its publications and no more.

        What changed since nothing is everything: nobody else's memory is added to it.
        """
        model = self._view.model
        if after_gap and not self._heard_revision:
            change = replace(change, snapshot=True)
        elif not change.snapshot and change.revision <= model.revision:
            change = SiteModelChange(revision=model.revision, published=change.published)
        await self._view.take(change, after_gap=after_gap)
        self._heard_revision = self._view.model.revision

    async def _keep(self, file: SiteModelFile) -> None:
        """Keep the newest model on disk. What came from there is not written back."""
        kept = self._view.model if self._view.confirmed is None else None
        async for update in self._view.updates():
            if update.model is not kept:
                await file.store(update.model)
                kept = update.model
                await asyncio.sleep(STORE_EVERY_SECONDS)


class _LeftOutLog:
    """Names what cannot be understood, each once."""

    def __init__(self) -> None:
        self._named = set[str]()

    def __call__(self, name: str, error: InvalidArgument) -> None:
        if name not in self._named:
            self._named.add(name)
            log.warning("%s cannot be understood and is left out: %s", name, error)
