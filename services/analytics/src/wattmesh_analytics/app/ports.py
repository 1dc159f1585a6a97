"""What analytics needs from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol, TypeVar

from wattmesh_analytics.domain.day_totals import DayTotals
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.portfolio import ZoneEnergy
from wattmesh_kernel.ids import AssetId, GroupId, PointId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange


class Reading(Enum):
    """How an hour of a point is read."""

    MEAN = "mean"
    LAST = "last"
    INCREASE = "increase"


class Meter(Protocol):
    """What was metered. Errors: Unavailable while metering is away."""

    async def energy(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> Mapping[AssetId, Energy]:
        """Return the energy of each asset per interval, or as it was known at a time.

        `span` is on the raster. `substitutes`: what validation put in the place of what is missing
        or not believed counts, and is said to be estimated.
        """

    async def hourly(self, point: PointId, span: TimeRange, reading: Reading) -> Series:
        """Return a point's hours; `span` is on their raster."""

    async def readings(
        self, point: PointId, span: TimeRange, resolution: timedelta, reading: Reading
    ) -> Series:
        """Return a point's intervals; `span` is on their raster."""

    async def value_at(self, point: PointId, moment: datetime) -> float | None:
        """Return the last value before a moment; None when there is none within a day."""


class DayMeter(Protocol):
    """What days came to. Errors: Unavailable while metering is away."""

    async def days(
        self, assets: Sequence[AssetId], days: Sequence[TimeRange]
    ) -> Mapping[datetime, DayTotals]:
        """Return what went in and out of assets together in each local day, by its start."""


class Tariffs(Protocol):
    """Tariffs with their published prices."""

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices of `span`. Error: NotFound."""


class KnownTariffs(Protocol):
    """Tariffs, and by which sites pay, as they are and as they were known."""

    async def tariff(
        self, tariff: TariffId, span: TimeRange, known_by: datetime | None = None
    ) -> Tariff:
        """Return a tariff with the prices of `span`, as known by then. Error: NotFound."""

    async def site(self, site: SiteId, known_by: datetime) -> Site:
        """Return a site as it was known at a time, or first. Error: NotFound."""


class Emissions(Protocol):
    """What imported energy emitted."""

    async def emissions_kg(self, zone: ZoneId, import_wh: Series) -> float | None:
        """Return location-based emissions [kgCO2e]; None when no intensity is known."""

    async def avoided_gco2e(self, zone: ZoneId, avoided_wh: Series) -> float | None:
        """Return what less import avoided by the margin; None when that is not known."""


Accounts = TypeVar("Accounts")


class Accountant(Protocol[Accounts]):
    """Keeps account of emissions: carbon. What it answers is handed on as it is."""

    async def accounts(
        self, energy: ZoneEnergy, subjects: Sequence[SiteId | GroupId], as_of: datetime | None
    ) -> Accounts:
        """Return footprint and matching of an energy, with what was retired for the subjects."""

    async def together(
        self,
        zones: Sequence[ZoneEnergy],
        subjects: Sequence[SiteId | GroupId],
        as_of: datetime | None,
        parts: Sequence[tuple[ZoneEnergy, Accounts]],
    ) -> Accounts:
        """Return all zones as one; `parts` are the sites, of which the coverage is reckoned."""
