"""Metered energies, asked for together."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.batch import LARGEST_CALL, Batch
from wattmesh_planner.app.ports import EnergyMeter
from wattmesh_planner.domain.billing import MeteredEnergy
from wattmesh_runtime.aio.tasks import BackgroundTasks

_MOST_VALUES = 200_000
"""Values in one answer, so that a month of many sites comes in several."""


class Energies:
    """Asks metering for the energies of all who want them over the same span at once."""

    def __init__(
        self, meter: EnergyMeter, resolution: timedelta, background: BackgroundTasks
    ) -> None:
        self._meter = meter
        self._resolution = resolution
        self._batch: Batch[TimeRange, AssetId, MeteredEnergy] = Batch(
            self._ask, background, most=self._most
        )

    async def over(
        self, span: TimeRange, assets: Collection[AssetId]
    ) -> Mapping[AssetId, MeteredEnergy]:
        """Return the energy of each asset per interval of a span."""
        return await self._batch.ask(span, assets)

    def _most(self, span: TimeRange) -> int:
        values = 2 * span.count(self._resolution)
        return min(max(_MOST_VALUES // values, 1), LARGEST_CALL)

    async def _ask(
        self, span: TimeRange, assets: Sequence[AssetId]
    ) -> Mapping[AssetId, MeteredEnergy]:
        return await self._meter.energy(assets, span, self._resolution)
