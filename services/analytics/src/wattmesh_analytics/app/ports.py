"""What analytics needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_analytics.domain.energy import Energy
from wattmesh_kernel.ids import AssetId, PointId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange


class Meter(Protocol):
    """What was metered. Errors: Unavailable while metering is away."""

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Energy]:
        """Return the energy of each asset per interval; `span` is on the raster."""

    async def value_at(self, point: PointId, moment: datetime) -> float | None:
        """Return the last value before a moment; None when there is none within a day."""


class Tariffs(Protocol):
    """Tariffs with their published prices."""

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices of `span`. Error: NotFound."""


class Emissions(Protocol):
    """What imported energy emitted."""

    async def emissions_kg(self, zone: ZoneId, import_wh: Series) -> float | None:
        """Return location-based emissions [kgCO2e]; None when no intensity is known."""
