"""Tells what the gateway counted, holds and talks to."""

from collections.abc import Callable, Sequence
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
    telegrams_dropped: int = 0
    """Messages that had no room, since the gateway started."""


class TellStatus:
    """Reads the spool and what was heard of the devices; `dropped` tells what had no room."""

    def __init__(
        self,
        gateway: GatewayId,
        spool: Spool,
        reachability: Reachability,
        dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._gateway = gateway
        self._dropped = dropped
        self._spool = spool
        self._reachability = reachability

    async def tell(self) -> GatewayStatus:
        """Return the state."""
        return GatewayStatus(
            gateway=self._gateway,
            spool=await self._spool.status(),
            devices=sorted(self._reachability.all.values(), key=lambda each: each.device),
            telegrams_dropped=self._dropped(),
        )
