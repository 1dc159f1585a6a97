"""The gRPC channel behind a channel of the mesh: dialled, and dialled anew when that helps."""

import asyncio
import json
from ipaddress import ip_address
from typing import Any, TypeAlias
from weakref import WeakSet

import grpc

from wattmesh_runtime.access.files import Reloaded
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.settings import is_loopback
from wattmesh_runtime.tls import Certificates, channel_credentials

MAX_MESSAGE_BYTES = 64 * 2**20
LEAVE_SECONDS = 60.0
"""How long streams go on over a connection whose certificate was replaced [s]."""
LONGEST_CALL_SECONDS = 600.0
"""How long a unary call may go on over it after that [s]."""

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
                # CANCELLED by the server: it stopped as the call arrived, and nobody took it up.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
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
FAILING_SECONDS = 5.0
"""How long a channel to a name may be without any server until it is dialled anew [s].

gRPC waits longer and longer, up to two minutes, before it looks a name up again that had no
address (a headless service without a ready pod). No option shortens that: neither
`max_reconnect_backoff_ms`, which is about addresses, nor `dns_min_time_between_resolutions_ms`,
which is about look-ups that succeeded. A new channel looks up at once, then after 1, 2.6 and 5 s.
"""

Streams: TypeAlias = WeakSet[Any]
"""Calls of which somebody still wants to hear."""


class Dialled:
    """A channel to one target that is dialled anew when the certificates have changed.

    To a name also when it has been without any server for a while and calls are made. Calls on the
    one before go on for a while: a long stream ends then, and its owner dials again (`rpc_errors`
    says to him that the connection was closed).
    """

    def __init__(
        self,
        target: str,
        files: Reloaded[Certificates] | None,
        *,
        failing_seconds: float = FAILING_SECONDS,
    ) -> None:
        self._target = target
        self._files = files
        self._version = 0 if files is None else files.version
        self._channel = self._dial()
        self._streams = Streams()
        self._leaving: set[asyncio.Task[None]] = set()
        self._failing_seconds = failing_seconds
        self._looked_up = not _is_addresses(target)
        self._mending: asyncio.Task[None] | None = None
        self._called = 0.0

    def channel(self) -> grpc.aio.Channel:
        """Return the channel for a call that begins now."""
        if self._files is not None:
            self._files.current()
            if self._version != self._files.version:
                self._version = self._files.version
                self._redial()
        if self._looked_up:
            self._look_after()
        return self._channel

    def began(self, stream: Any) -> None:
        """Take note of a stream on the channel of this moment: it ends when that is left."""
        self._streams.add(stream)

    async def close(self, grace: float | None) -> None:
        """Close all of them."""
        if self._mending is not None:
            await cancel_until_ended(self._mending)
        for task in self._leaving:
            task.cancel()
        await self._channel.close(grace)

    def _look_after(self) -> None:
        """Have somebody look after a channel without a server while calls are made."""
        loop = asyncio.get_running_loop()
        self._called = loop.time()
        running = self._mending is not None and not self._mending.done()
        if not running and self._channel.get_state() is not grpc.ChannelConnectivity.READY:
            self._mending = loop.create_task(self._mend())

    async def _mend(self) -> None:
        """Dial anew every time the channel has failed for long, until it has a server.

        Calls that nobody has made for a minute are over.
        """
        loop = asyncio.get_running_loop()
        channel, failing_since = self._channel, loop.time()
        while loop.time() - self._called < LEAVE_SECONDS:
            await asyncio.sleep(self._failing_seconds / 10)
            state = self._channel.get_state()
            if state is grpc.ChannelConnectivity.READY:
                return
            failing = state is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            if not failing or channel is not self._channel:
                channel, failing_since = self._channel, loop.time()
            elif loop.time() - failing_since >= self._failing_seconds:
                self._redial()
                self._channel.get_state(try_to_connect=True)

    def _redial(self) -> None:
        task = asyncio.get_running_loop().create_task(_leave(self._channel, self._streams))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        self._channel, self._streams = self._dial(), Streams()

    def _dial(self) -> grpc.aio.Channel:
        if self._files is None:
            return grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        credentials = channel_credentials(self._files.value)
        options = (*_OPTIONS, *_named(self._target))
        return grpc.aio.secure_channel(self._target, credentials, options=options)


def _is_addresses(target: str) -> bool:
    """Whether a target says where it is, so that there is nothing to look up."""
    if target.startswith(("ipv4:", "ipv6:", "unix:")) or is_loopback(target):
        return True
    try:
        ip_address(target.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True


def _named(target: str) -> tuple[tuple[str, str], ...]:
    """Return whose certificate is expected where a target is a list of this machine's addresses."""
    addresses = target.removeprefix("ipv4:").split(",")
    if len(addresses) > 1 and all(is_loopback(address) for address in addresses):
        return (("grpc.default_authority", "localhost"),)
    return ()


async def _leave(channel: grpc.aio.Channel, streams: Streams) -> None:
    """Close a channel once its calls are over; streams never are, and are ended.

    Closing alone ends only those calls that gRPC finds somebody waiting for, and leaves the others
    running: over a connection that shows what is not to be trusted any more.
    """
    grace = None
    try:
        await asyncio.sleep(LEAVE_SECONDS)
        for stream in tuple(streams):
            stream.cancel()
        grace = LONGEST_CALL_SECONDS
    finally:
        await channel.close(grace)
