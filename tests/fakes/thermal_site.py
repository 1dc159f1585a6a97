"""A home with a heat pump and a tank as forecast sees it, and what its meters showed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.fakes.thermal_zone import PLANT
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import ComfortBand, HvacZoneRating, TankRating
from wattmesh_kernel.time import TimeRange

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=30)
ZONE = AssetId.parse("sites/home-1/assets/zone")
TANK = AssetId.parse("sites/home-1/assets/tank")
LOAD = AssetId.parse("sites/home-1/assets/load")
assert PLANT.heating is not None
RATING = HvacZoneRating(
    occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
    heating=PLANT.heating,
)
TANK_RATING = TankRating(
    capacity_wh_per_k=230.0,
    min_temperature_celsius=45,
    max_temperature_celsius=60,
    loss_w_per_k=2.0,
    heater=PLANT.heating,
)


def _point(asset: AssetId, quantity: str) -> PointId:
    return PointId(DeviceId(asset.site, f"{asset.segment}-meter"), quantity)


def subject(asset: AssetId) -> ThermalSubject:
    rating = RATING if asset == ZONE else TANK_RATING
    return ThermalSubject(
        asset=asset,
        zone=ZoneInfo("UTC"),
        rating=rating,
        temperature=_point(asset, "temperature_celsius"),
        outdoor=_point(ZONE, "outdoor_temperature_celsius"),
        sun=_point(ZONE, "irradiance_w_per_m2"),
        occupancy=None,
        resolution=STEP,
    )


class ThermalSite:
    """The places and the history in one: `asked` counts the intervals that were read.

    `values` are by point, from START on; what is not there was not measured. `away`: metering does
    not answer.
    """

    def __init__(self, record: ZoneRecord) -> None:
        self.values: dict[PointId, Floats] = {
            _point(ZONE, "temperature_celsius"): record.temperature_celsius,
            _point(ZONE, "outdoor_temperature_celsius"): record.outdoor_celsius,
        }
        if record.sun is not None:
            self.values[_point(ZONE, "irradiance_w_per_m2")] = record.sun * 800.0
        self.powers: dict[AssetId, Floats] = {ZONE: record.heating_w}
        self.asked = 0
        self.away = False

    def fans(self, ratio: float) -> None:
        """The site's load is half a kilowatt, and so much of what the zone's plant draws."""
        self.powers[LOAD] = 500.0 + ratio * self.powers[ZONE]

    def tank(self, temperature: Floats, power_w: Floats) -> None:
        self.values[_point(TANK, "temperature_celsius")] = temperature
        self.powers[TANK] = power_w

    def silent(self, asset: AssetId, since: datetime) -> None:
        """Nothing was heard of an asset's temperature since then."""
        point = _point(asset, "temperature_celsius")
        values = self.values[point].copy()
        values[round((since - START) / STEP) :] = np.nan
        self.values[point] = values

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        if asset in (ZONE, TANK):
            loads = (LOAD,) if LOAD in self.powers else ()
            return replace(subject(asset), loads=loads, plants=(ZONE,) if loads else ())
        return NotForecast(asset=asset, reason=Reason.UNKNOWN_ASSET, message="there is none")

    async def mean(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        return self._series(self.values.get(point), span, 0)

    async def last(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        return self._series(self.values.get(point), span, -1)

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        return {each: self._series(self.powers.get(each), span, 0) for each in assets}

    def _series(self, values: Floats | None, span: TimeRange, shift: int) -> Series:
        if self.away:
            raise Unavailable("AWAY", "metering does not answer")
        count = span.count(STEP)
        self.asked += count
        found = np.full(count, np.nan)
        first = round((span.start - START) / STEP) + shift
        for index in range(count):
            if values is not None and 0 <= first + index < len(values):
                found[index] = values[first + index]
        return Series(span.start, STEP, found)
