"""Channels to other services: round-robin, retries, deadlines, request id and trace.

A unary call waits for its server to be there and is retried while it is UNAVAILABLE, both within
its deadline: the order in which services start does not matter, and a restart goes unnoticed.
A stream has no deadline and fails at once when its server is away: its owner dials again.
"""

import json
from types import TracebackType
from typing import Any, Self

import grpc

from wattmesh_runtime.outgoing import OutgoingCalls
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tls import channel_credentials

MAX_MESSAGE_BYTES = 64 * 2**20

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
    credentials = channel_credentials(settings)
    plain = (
        grpc.aio.insecure_channel(target, options=_OPTIONS)
        if credentials is None
        else grpc.aio.secure_channel(target, credentials, options=_OPTIONS)
    )
    return MeshChannel(plain, OutgoingCalls(telemetry))


class MeshChannel(grpc.aio.Channel):
    """A channel whose calls carry the current request id and trace; unary ones a deadline.

    It wraps the callables rather than using grpc.aio's client interceptors, which put a task
    around every call and a queue between a stream's writer and the wire.
    """

    def __init__(self, channel: grpc.aio.Channel, calls: OutgoingCalls) -> None:
        self._channel = channel
        self._calls = calls

    @property
    def plain(self) -> grpc.aio.Channel:
        """The channel without what calls are given: for probes, which are nobody's request."""
        return self._channel

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        return self._calls.unary(method, self._channel.unary_unary(method, *args, **kwargs))

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed answers."""
        return self._calls.stream(self._channel.unary_stream(method, *args, **kwargs))

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed requests."""
        return self._calls.stream(self._channel.stream_unary(method, *args, **kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a bidirectional method."""
        return self._calls.stream(self._channel.stream_stream(method, *args, **kwargs))

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls in flight get `grace` seconds."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the connectivity."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connectivity is another."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until a server answers."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
