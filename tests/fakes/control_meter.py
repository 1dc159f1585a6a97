"""Commands to be metered, and a meter, in memory."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from wattmesh_control.app.ports import CommandQuery, Statistics
from wattmesh_control.domain.command import Command
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, CommandId, GatewayId
from wattmesh_kernel.time import TimeRange


class FakeEnergyMeter:
    """EnergyMeter; like metering, it fails as a whole when one asset is not there."""

    def __init__(self, powers_w: Mapping[AssetId, float]) -> None:
        self._powers_w = powers_w

    async def mean_power_w(
        self, assets: Sequence[AssetId], span: TimeRange
    ) -> dict[AssetId, float]:
        for asset in assets:
            if asset not in self._powers_w:
                raise NotFound("ASSET_NOT_FOUND", f"there is no {asset}")
        return {asset: self._powers_w[asset] for asset in assets}


class FakeCommandArchive:
    """CommandArchive over a list."""

    def __init__(self, *commands: Command) -> None:
        self._commands = commands
        self.metered_w = dict[CommandId, float]()
        self.unsent_commands = list[Command]()

    async def get(self, command: CommandId) -> Command | None:
        return next((each for each in self._commands if each.command == command), None)

    async def find(self, commands: Collection[CommandId]) -> list[Command]:
        return [each for each in self._commands if each.command in commands]

    async def unsent(self, gateways: Collection[GatewayId], now: datetime) -> list[Command]:
        return list(self.unsent_commands)

    async def page(self, query: CommandQuery, before: int | None, size: int) -> list[Command]:
        return [each for each in self._commands if query.devices.admits(each.device)][:size]

    async def statistics(self, start_range: TimeRange | None) -> Statistics:
        return Statistics(issued=len(self._commands), applied=0, verified=0, failed=0)

    async def unfinished(self, gateway: GatewayId, now: datetime) -> list[Command]:
        return []

    async def recalled(self, gateway: GatewayId, now: datetime) -> list[Command]:
        return []

    async def unmetered(self, after: datetime, until: datetime, limit: int) -> list[Command]:
        return [
            each
            for each in self._commands
            if after < each.span.end <= until and each.command not in self.metered_w
        ]

    async def set_metered(self, powers_w: Mapping[CommandId, float]) -> None:
        self.metered_w.update(powers_w)
