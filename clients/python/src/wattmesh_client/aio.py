"""The client for asyncio: calls are awaited, watches are asynchronous iterators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import grpc

from wattmesh.status.v1.status_pb2 import GetCatalogueRequest
from wattmesh_client.connection import Connection, items_of, made_repeatable, resumed
from wattmesh_client.errors import Aborted, Unavailable, WattmeshError, error_of
from wattmesh_client.mesh import wait_after
from wattmesh_client.services import Services
from wattmesh_client.values import moment


class AsyncWattmesh(Services):
    """A mesh, by its contracts; an asynchronous context manager that closes its channels.

    Stubs are typed as those of threads are: `await` what a call returns.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channels: dict[str, grpc.aio.Channel] = {}

    def channel(self, service: str) -> Any:
        """Return the one channel to a service."""
        if service not in self._channels:
            self._channels[service] = self._dialled(self._connection.target(service))
        return _Calls(self._channels[service], self._connection)

    async def now(self) -> datetime:
        """Return what the mesh's clock shows, in UTC."""
        answer: Any = self.status("metering").GetCatalogue(GetCatalogueRequest())
        return moment((await answer).mesh_time)

    async def each(self, method: Any, request: Any) -> AsyncIterator[Any]:
        """Give the items of a list, page by page."""
        while True:
            page = await method(request)
            for item in items_of(page):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch(
        self, method: Any, request: Any, *, lost: Callable[[WattmeshError], None] | None = None
    ) -> AsyncIterator[Any]:
        """Give what a stream says, for ever; one that breaks is opened again (`Wattmesh.watch`)."""
        last: Any = None
        failures = 0
        while True:
            stream = method(resumed(request, last))
            try:
                async for last in stream:
                    failures = 0
                    yield last
                error: WattmeshError = Unavailable(
                    code=grpc.StatusCode.UNAVAILABLE, reason="STREAM_ENDED", message="it ended"
                )
            except grpc.aio.AioRpcError as broken:
                error = error_of(broken)
                if not isinstance(error, Unavailable | Aborted):
                    raise error from None
            finally:
                stream.cancel()
            if lost is not None:
                lost(error)
            failures += 1
            await asyncio.sleep(wait_after(failures))

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _dialled(self, target: str) -> grpc.aio.Channel:
        credentials, options = self._connection.credentials(), self._connection.channel_options
        if credentials is None:
            return grpc.aio.insecure_channel(target, options)
        return grpc.aio.secure_channel(target, credentials, options)


class _Calls:
    """A channel as stubs use it: what is added to every call, and what becomes of its failure.

    It wraps callables, since a client interceptor of grpc.aio may raise no errors of its own.
    """

    def __init__(self, channel: grpc.aio.Channel, connection: Connection) -> None:
        self._channel = channel
        self._connection = connection
        self.stream_unary = channel.stream_unary
        self.stream_stream = channel.stream_stream

    def unary_unary(self, *args: Any, **kwargs: Any) -> Callable[..., Awaitable[Any]]:
        """Return what calls, with a deadline; an error has its class."""
        start: Any = self._channel.unary_unary(*args, **kwargs)

        async def call(request: Any, **options: Any) -> Any:
            made_repeatable(request)
            given = {
                "timeout": self._connection.deadline_seconds,
                "wait_for_ready": True,
                **options,
                "metadata": self._connection.metadata(options.get("metadata")),
            }
            try:
                return await start(request, **given)
            except grpc.aio.AioRpcError as error:
                raise error_of(error) from None

        return call

    def unary_stream(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Return what opens a stream, without a deadline."""
        start: Any = self._channel.unary_stream(*args, **kwargs)

        def call(request: Any, **options: Any) -> Any:
            metadata = self._connection.metadata(options.get("metadata"))
            return start(request, **{**options, "metadata": metadata})

        return call
