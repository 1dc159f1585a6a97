"""Which process of control looks after which devices.

A shard is the devices of one gateway. Whoever holds the gateway's stream leases its shard; shards
without a stream are shared evenly, so that leases and proposals end in time everywhere.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.ports import Notice, Notices, Observations
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_runtime.aio.leased_work import LeasedWork
from wattmesh_runtime.aio.leases import Lease, Leases

log = logging.getLogger(__name__)

ORPHANS = "gateways/-"
"""The shard of devices that the site model does not have (any more), and of what is done once."""

_ASK_AGAIN_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 0.05
_HANDS_OFF_SECONDS = 5.0
"""How long a shard that another process wants is not taken here."""


class _Work(Protocol):
    def want(self, names: Iterable[str]) -> None: ...

    async def run(self) -> None: ...


class Shards:
    """The shards that this process holds, and getting those whose gateways dial in here."""

    def __init__(
        self,
        *,
        clock: Clock,
        leases: Leases,
        devices: Devices,
        notices: Notices,
        observations: Observations,
        poll_seconds: float = 2.0,
    ) -> None:
        self._clock = clock
        self._leases = leases
        self._devices = devices
        self._notices = notices
        self._observations = observations
        self._shared: _Work = LeasedWork(leases, self._keep, poll_seconds=poll_seconds)
        self._held: dict[str, Lease] = {}
        self._since: dict[str, datetime] = {}
        self._streamed: set[str] = set()
        self._hands_off: dict[str, float] = {}
        self.taken: Callable[[str], None] = lambda shard: None
        """Told of every shard that is held from now on."""

    async def run(self) -> None:
        """Share the shards without a stream, for ever."""
        self.look_again()
        await self._shared.run()

    def look_again(self) -> None:
        """Take note that the gateways of the site model may have changed, or time has passed."""
        now = asyncio.get_running_loop().time()
        self._hands_off = {name: end for name, end in self._hands_off.items() if end > now}
        model = self._devices.model
        gateways = {device.gateway.name for device in model.devices.values()}
        self._shared.want({ORPHANS, *gateways} - self._streamed - self._hands_off.keys())

    def shard_of(self, device: DeviceId) -> str:
        """Return the shard that a device is in."""
        gateway = self._devices.gateway_of(device)
        return ORPHANS if gateway is None else gateway.name

    def holds(self, device: DeviceId) -> bool:
        """Return whether this process looks after a device."""
        return self.shard_of(device) in self._held

    def holds_orphans(self) -> bool:
        """Return whether this process does what is done once for all."""
        return ORPHANS in self._held

    def since(self, device: DeviceId) -> datetime:
        """Return since when this process looks after a device; now when it does not."""
        return self._since.get(self.shard_of(device)) or self._clock.now()

    def leases_of(self, devices: Iterable[DeviceId]) -> tuple[Lease, ...]:
        """Return the leases under which something is done for devices."""
        names = {self.shard_of(device) for device in devices}
        return tuple(self._held[name] for name in sorted(names) if name in self._held)

    def devices_of(self, shards: Collection[str]) -> list[DeviceId]:
        """Return the devices of the site model that are in these shards."""
        model = self._devices.model
        return [
            device.id
            for name in shards
            if name != ORPHANS
            for device in model.devices_of_gateway(GatewayId.parse(name))
        ]

    @asynccontextmanager
    async def streamed(self, gateway: GatewayId) -> AsyncIterator[Lease]:
        """Hold the shard of a gateway that dialled in here, whoever held it before."""
        name = gateway.name
        self._streamed.add(name)
        self.look_again()
        try:
            lease = await self._take(gateway)
            try:
                self._hold(lease)
                yield lease
            finally:
                self._let_go(lease)
                await lease.release()
        finally:
            self._streamed.discard(name)
            self.look_again()

    def give_way(self, gateway: GatewayId) -> None:
        """Let another process have a shard, whose gateway has dialled in there."""
        end = asyncio.get_running_loop().time() + _HANDS_OFF_SECONDS
        self._hands_off[gateway.name] = end
        asyncio.get_running_loop().call_at(end + 0.01, self.look_again)
        self.look_again()

    async def _take(self, gateway: GatewayId) -> Lease:
        """Return the lease, asking whoever has it. Error: Unavailable."""
        loop = asyncio.get_running_loop()
        ask = loop.time()
        while True:
            lease = await self._leases.try_acquire(gateway.name)
            if lease is not None:
                return lease
            if loop.time() >= ask and gateway.name not in self._leases.held:
                self._notices.tell(Notice(wanted=gateway))
                ask = loop.time() + _ASK_AGAIN_SECONDS
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _keep(self, lease: Lease) -> None:
        """Hold a shard that is shared, until it is lost or another process gets it."""
        self._hold(lease)
        try:
            await asyncio.Event().wait()
        finally:
            self._let_go(lease)

    def _hold(self, lease: Lease) -> None:
        self._held[lease.name] = lease
        self._since[lease.name] = self._clock.now()
        self._observations.shards_held(len(self._held))
        self.taken(lease.name)

    def _let_go(self, lease: Lease) -> None:
        if self._held.get(lease.name) is lease:
            del self._held[lease.name], self._since[lease.name]
            self._observations.shards_held(len(self._held))
