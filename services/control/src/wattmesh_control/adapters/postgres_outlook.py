"""What stands for devices, now and later, read without locks."""

from collections.abc import Collection
from datetime import datetime

from wattmesh_control.adapters import postgres_holds as holds
from wattmesh_control.adapters import postgres_limits as limits
from wattmesh_control.adapters import postgres_proposals as proposals
from wattmesh_control.app.dry_run import Outlook
from wattmesh_control.domain.proposal import Proposal
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.database import Database


class PostgresOutlook:
    """OutlookReader."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, devices: Collection[DeviceId], now: datetime) -> Outlook:
        """Return what stands for devices and has not ended at `now`."""
        names = [device.name for device in devices]
        async with self._database.connection() as connection:
            standing = await proposals.select_standing(connection, names, now)
            limited = await limits.select_standing(connection, names, now)
            held = await holds.select_in_force(connection, now)
            return Outlook(
                proposals=await proposals.fetch(standing),
                limits=await limits.fetch(limited),
                holds=await holds.fetch(held),
            )

    async def of_source(self, source: str, now: datetime) -> list[Proposal]:
        """Return the proposals of a source that have not ended at `now`, by device and time."""
        async with self._database.connection() as connection:
            found = await proposals.fetch(await proposals.select_source(connection, source, now))
        return sorted(found, key=lambda each: (each.device, each.span.start))
