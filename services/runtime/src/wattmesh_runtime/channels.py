"""Channels to other services: round-robin, retries, deadlines, request id and trace.

A unary call waits for its server to be there and is retried while it is UNAVAILABLE, both within
its deadline: the order in which services start does not matter, and a restart goes unnoticed.
A stream has no deadline and fails at once when its server is away: its owner dials again.
"""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.outgoing import OutgoingCalls
from wattmesh_runtime.settings import ServiceSettings, is_loopback
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tls import Certificates, certificates, channel_credentials

MAX_MESSAGE_BYTES = 64 * 2**20
LEAVE_SECONDS = 60.0
"""How long calls go on over a connection whose certificate was replaced [s]."""

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                # In short order: a call that does not wait for its server fails within 0.4 s.
                "maxAttempts": 4,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A service that was killed is found again within a second of its restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # in spite of its name: time to connect
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    # A peer that vanished without a word is noticed, even while a stream is silent.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Calls inside of the mesh never go through a proxy of the machine.
    ("grpc.enable_http_proxy", 0),
)


def open_channel(target: str, settings: ServiceSettings, telemetry: Telemetry) -> "MeshChannel":
    """Return a channel to `target` (host:port or a gRPC name), with TLS when settings say so."""
    plaintext = {each.strip() for each in settings.plaintext_targets.split(",")}
    files = None if target in plaintext else certificates(settings)
    return MeshChannel(Dialled(target, files), OutgoingCalls(telemetry))


class Dialled:
    """A channel to one target that is dialled anew when the certificates have changed.

    Calls on the one before go on for a while: a long stream ends then, and its owner dials again.
    """

    def __init__(self, target: str, files: Reloaded[Certificates] | None) -> None:
        self._target = target
        self._files = files
        self._version = 0 if files is None else files.version
        self._channel = self._dial()
        self._leaving: set[asyncio.Task[None]] = set()

    def channel(self) -> grpc.aio.Channel:
        """Return the channel for a call that begins now."""
        if self._files is not None:
            self._files.current()
            if self._version != self._files.version:
                self._version = self._files.version
                self._leave(self._channel)
                self._channel = self._dial()
        return self._channel

    async def close(self, grace: float | None) -> None:
        """Close all of them."""
        for task in self._leaving:
            task.cancel()
        await self._channel.close(grace)

    def _leave(self, channel: grpc.aio.Channel) -> None:
        task = asyncio.get_running_loop().create_task(_close_later(channel))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _dial(self) -> grpc.aio.Channel:
        if self._files is None:
            return grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        credentials = channel_credentials(self._files.value)
        options = (*_OPTIONS, *_named(self._target))
        return grpc.aio.secure_channel(self._target, credentials, options=options)


def _named(target: str) -> tuple[tuple[str, str], ...]:
    """Return whose certificate is expected where a target is a list of this machine's addresses."""
    addresses = target.removeprefix("ipv4:").split(",")
    if len(addresses) > 1 and all(is_loopback(address) for address in addresses):
        return (("grpc.default_authority", "localhost"),)
    return ()


async def _close_later(channel: grpc.aio.Channel) -> None:
    try:
        await asyncio.sleep(LEAVE_SECONDS)
    finally:
        await channel.close()


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

        def start(*call_args: Any, **call_kwargs: Any) -> Any:
            channel = self._dialled.channel()
            if made[0] is not channel:
                made[:] = channel, getattr(channel, kind)(method, *args, **kwargs)
            return made[1](*call_args, **call_kwargs)

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
