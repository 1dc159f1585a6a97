"""Tells what the gateway counted, holds and talks to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wattmesh_gateway.app.ports import Spool
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.reading import SpoolStatus
from wattmesh_kernel.ids import GatewayId


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStatus:
    """The gateway's state."""

    gateway: GatewayId
    spool: SpoolStatus
    devices: Sequence[DeviceStatus]
    listening: bool
    """Whether nothing that the devices publish is missed."""
    telegrams_dropped: int = 0
    """Messages that had no room, since the gateway started."""


class TellStatus:
    """Reads the spool and what was heard of the devices; `dropped` tells what had no room.

    `listening` says whether nothing that the known devices publish is missed.
    """

    def __init__(
        self,
        gateway: GatewayId,
        spool: Spool,
        reachability: Reachability,
        listening: Callable[[], Awaitable[bool]],
        dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._gateway = gateway
        self._dropped = dropped
        self._listening = listening
        self._spool = spool
        self._reachability = reachability

    async def tell(self) -> GatewayStatus:
        """Return the state."""
        spool = await self._spool.status()
        devices = sorted(self._reachability.all.values(), key=lambda each: each.device)
        return GatewayStatus(
            gateway=self._gateway,
            spool=spool,
            devices=devices,
            # Not before: it is said of those devices, and of none that became known meanwhile.
            listening=await self._listening(),
            telegrams_dropped=self._dropped(),
        )
