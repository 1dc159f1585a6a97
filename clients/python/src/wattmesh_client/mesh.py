"""The client for threads: calls return answers, watches are iterators."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import grpc

from wattmesh.status.v1.status_pb2 import GetCatalogueRequest
from wattmesh_client.connection import Connection, items_of, made_repeatable, resumed
from wattmesh_client.errors import Aborted, Unavailable, WattmeshError, error_of
from wattmesh_client.services import Services
from wattmesh_client.values import moment

_LONGEST_WAIT_SECONDS = 10.0


class Wattmesh(Services):
    """A mesh, by its contracts; a context manager that closes its channels."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channels: dict[str, grpc.Channel] = {}

    def channel(self, service: str) -> grpc.Channel:
        """Return the one channel to a service."""
        if service not in self._channels:
            self._channels[service] = self._dialled(self._connection.target(service))
        return self._channels[service]

    def now(self) -> datetime:
        """Return what the mesh's clock shows, in UTC."""
        return moment(self.status("metering").GetCatalogue(GetCatalogueRequest()).mesh_time)

    def each(self, method: Any, request: Any) -> Iterator[Any]:
        """Give the items of a list, page by page: `mesh.each(mesh.sites.ListSites, …)`."""
        while True:
            page = method(request)
            yield from items_of(page)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def watch(
        self, method: Any, request: Any, *, lost: Callable[[WattmeshError], None] | None = None
    ) -> Iterator[Any]:
        """Give what a stream says, for ever; one that breaks is opened again.

        It then goes on behind what was heard where the stream can (`known_revision`), and
        otherwise tells all there is first. `lost` hears of each break. Raises what another try
        would not help.
        """
        last: Any = None
        failures = 0
        while True:
            stream = method(resumed(request, last))
            try:
                for last in stream:
                    failures = 0
                    yield last
                error: WattmeshError = Unavailable(
                    code=grpc.StatusCode.UNAVAILABLE, reason="STREAM_ENDED", message="it ended"
                )
            except grpc.RpcError as broken:
                error = error_of(broken)
                if not isinstance(error, Unavailable | Aborted):
                    raise error from None
            finally:
                stream.cancel()
            if lost is not None:
                lost(error)
            failures += 1
            time.sleep(wait_after(failures))

    def close(self) -> None:
        """Close all channels."""
        for channel in self._channels.values():
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _dialled(self, target: str) -> grpc.Channel:
        credentials, options = self._connection.credentials(), self._connection.channel_options
        channel = (
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
        )
        return grpc.intercept_channel(channel, _Calls(self._connection))


def wait_after(failures: int) -> float:
    """Return how long to wait after so many failures in a row [s]."""
    longest = min(_LONGEST_WAIT_SECONDS, 0.1 * 2.0**failures)
    return longest * random.uniform(0.5, 1.0)


class _Details(grpc.ClientCallDetails):
    """A call's details with a deadline and who calls."""

    def __init__(self, given: Any, connection: Connection, *, stream: bool) -> None:
        self.method = given.method
        self.timeout = given.timeout
        if self.timeout is None and not stream:
            self.timeout = connection.deadline_seconds
        self.metadata = tuple(connection.metadata(given.metadata))
        self.credentials = given.credentials
        self.wait_for_ready = given.wait_for_ready
        if self.wait_for_ready is None and not stream:
            self.wait_for_ready = True
        self.compression = given.compression


class _Calls(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """What is added to every call, and what becomes of its failure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        """Call, with a deadline; an error has its class."""
        made_repeatable(request)
        call = continuation(_Details(client_call_details, self._connection, stream=False), request)
        try:
            call.result()
        except grpc.RpcError as error:
            raise error_of(error) from None
        return call

    def intercept_unary_stream(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        """Open a stream, without a deadline."""
        return continuation(_Details(client_call_details, self._connection, stream=True), request)
