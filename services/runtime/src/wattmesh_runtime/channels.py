"""Channels to other services: round-robin, retries, deadlines, request id and trace.

A unary call waits for its server to be there and is retried while it is UNAVAILABLE, both within
its deadline: the order in which services start does not matter, and a restart goes unnoticed.
A stream has no deadline and fails at once when its server is away: its owner dials again.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from wattmesh_runtime.dialling import Dialled
from wattmesh_runtime.outgoing import OutgoingCalls
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tls import certificates


def open_channel(target: str, settings: ServiceSettings, telemetry: Telemetry) -> "MeshChannel":
    """Return a channel to `target` (host:port or a gRPC name), with TLS when settings say so."""
    plaintext = {each.strip() for each in settings.plaintext_targets.split(",")}
    files = None if target in plaintext else certificates(settings)
    return MeshChannel(Dialled(target, files), OutgoingCalls(telemetry))


class MeshChannel(grpc.aio.Channel):
    """A channel whose calls carry the current request id and trace; unary ones a deadline.

    It wraps the callables rather than using grpc.aio's client interceptors, which put a task
    around every call and a queue between a stream's writer and the wire.
    """

    def __init__(self, dialled: Dialled, calls: OutgoingCalls) -> None:
        self._dialled = dialled
        self._calls = calls

    @property
    def plain(self) -> grpc.aio.Channel:
        """The channel without what calls are given: for probes, which are nobody's request."""
        return self._dialled.channel()

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        return self._calls.unary(method, self._start("unary_unary", method, args, kwargs))

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed answers."""
        return self._calls.stream(self._start("unary_stream", method, args, kwargs))

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed requests."""
        return self._calls.stream(self._start("stream_unary", method, args, kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a bidirectional method."""
        return self._calls.stream(self._start("stream_stream", method, args, kwargs))

    def _start(self, kind: str, method: str, args: Any, kwargs: Any) -> Callable[..., Any]:
        """Return what starts a call on the channel of that moment."""
        made: list[Any] = [None, None]
        is_stream = kind != "unary_unary"

        def start(*call_args: Any, **call_kwargs: Any) -> Any:
            channel = self._dialled.channel()
            if made[0] is not channel:
                made[:] = channel, getattr(channel, kind)(method, *args, **kwargs)
            call = made[1](*call_args, **call_kwargs)
            if is_stream:
                self._dialled.began(call)
            return call

        return start

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls in flight get `grace` seconds."""
        await self._dialled.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the connectivity."""
        return self.plain.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connectivity is another."""
        await self.plain.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until a server answers."""
        await self.plain.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
