"""What a measure saved, as the use case tells it of a heated site that saves a fifth."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_analytics.app.ports import Reading
from wattmesh_analytics.app.query_measure import QueryMeasureSavings
from wattmesh_analytics.domain.energy import Energy
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId, SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MeterRole,
    MqttConnection,
    Site,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.tariff import EnergyRates, Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

START = datetime(2023, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INSTALLED = START + 59 * DAY
HOME, METER = SiteId("home-1"), DeviceId(SiteId("home-1"), "meter")
GRID = AssetId(HOME, "grid")
FLAT = Tariff(id=TariffId("flat"), currency_code="EUR", import_rates=EnergyRates(base_per_kwh=0.5))
MODEL = SiteModel().apply(
    SiteModelChange(
        revision=1,
        changed=(
            Site(id=HOME, time_zone="UTC", currency_code="EUR", tariff=FLAT.id),
            Asset(id=GRID, rating=GridConnectionRating()),
            FLAT,
            Device(
                id=METER,
                profile="meter",
                gateway=GatewayId("g"),
                connection=MqttConnection(address="meter"),
                reporting_interval=timedelta(minutes=1),
                points=frozenset({"outdoor_temperature_celsius", "import_energy_wh"}),
                functions=(DeviceFunction(asset=GRID, meter_role=MeterRole.MAIN),),
            ),
        ),
    )
)


def celsius(span: TimeRange) -> Series:
    hour = np.arange(span.count(HOUR)) + (span.start - START) // HOUR
    return Series(span.start, HOUR, 5 + 5 * np.sin(hour / 24 * 2 * np.pi) + hour % 7)


class Winter:
    """Meter and tariffs of the site."""

    async def energy(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> Mapping[AssetId, Energy]:
        saved = 0.8 if span.start >= INSTALLED else 1.0
        warmth = celsius(span)
        used = warmth.with_values((2_000 + 100 * np.maximum(15 - warmth.values, 0)) * saved)
        return {GRID: Energy.of_net(used)}

    async def readings(
        self, point: PointId, span: TimeRange, resolution: timedelta, reading: Reading
    ) -> Series:
        assert point.name.endswith("meter/points/outdoor_temperature_celsius")
        assert reading is Reading.MEAN
        return celsius(span)

    async def hourly(self, point: PointId, span: TimeRange, reading: Reading) -> Series:
        return await self.readings(point, span, HOUR, reading)

    async def value_at(self, point: PointId, moment: datetime) -> float | None:
        return None

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        return FLAT


async def test_a_measure_is_worth_what_it_saved_in_the_months_that_have_a_baseline() -> None:
    """A fifth of January's and February's use, at 0.50; of March nobody knows the year before."""
    clock, winter = ManualClock(START + 500 * DAY), Winter()
    query = QueryMeasureSavings(
        clock=clock, view=SiteModelView(clock, MODEL), meter=winter, tariffs=winter
    )
    after = TimeRange(START + 365 * DAY, START + (365 + 90) * DAY)
    found = await query(HOME, TimeRange(START, INSTALLED), after)
    saved_wh = found.baseline_wh - found.metered_wh

    assert found.missing_months == tuple(range(3, 13))
    assert found.covered_ratio == pytest.approx(60 / 90)
    assert saved_wh / found.baseline_wh == pytest.approx(0.2, abs=0.01)
    assert found.saved is not None
    assert float(found.saved.amount) == pytest.approx(saved_wh / 1000 * 0.5, rel=1e-6)
    assert np.isnan(found.baseline.values).sum() == 30 * 24
