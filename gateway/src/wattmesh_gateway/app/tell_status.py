"""Tells what the gateway counted, holds and talks to."""

from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_gateway.app.ports import Spool
from wattmesh_gateway.app.presence import Presences
from wattmesh_gateway.domain.device import Presence
from wattmesh_gateway.domain.reading import SpoolStatus
from wattmesh_kernel.ids import GatewayId


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStatus:
    """The gateway's state."""

    gateway: GatewayId
    spool: SpoolStatus
    devices: Sequence[Presence]


class TellStatus:
    """Reads the spool and the presences."""

    def __init__(self, gateway: GatewayId, spool: Spool, presences: Presences) -> None:
        self._gateway = gateway
        self._spool = spool
        self._presences = presences

    async def tell(self) -> GatewayStatus:
        """Return the state."""
        return GatewayStatus(
            gateway=self._gateway,
            spool=await self._spool.status(),
            devices=sorted(self._presences.all.values(), key=lambda each: each.device),
        )
