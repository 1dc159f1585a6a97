"""A house whose past is told: wallboxes, a heated room, a tank, a washer, beside a flat demand."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tests.fakes.manual_clock import ManualClock
from wattmesh_analytics.adapters.optimizer import GrpcSolver
from wattmesh_analytics.app.play_scenario import PlayScenario
from wattmesh_analytics.app.ports import Reading
from wattmesh_analytics.app.read_rules import ReadRules
from wattmesh_analytics.app.read_shiftable import ReadShiftable
from wattmesh_analytics.app.rule_ports import ZoneAnswer
from wattmesh_analytics.domain.charge_at_once import Stay
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.work import PastRun
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    Device,
    DeviceFunction,
    EvChargerRating,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    MeterRole,
    MqttConnection,
    Resource,
    Site,
    SiteModel,
    SiteModelChange,
    TankRating,
    ZoneThermalModel,
)
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_optimizer.wiring import wire
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test
from wattmesh_sitemodel.view import SiteModelView

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOUSE = SiteId("house")
GRID, BOX, SECOND_BOX, ROOM, TANK, WASHER = (
    AssetId(HOUSE, name) for name in ("grid", "wallbox", "wallbox-2", "room", "tank", "washer")
)
INSIDE, OUTSIDE = "temperature_celsius", "outdoor_temperature_celsius"
TARIFF = Tariff(
    id=TariffId("evening"),
    currency_code="EUR",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="dear",
                price_per_kwh=0.50,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
            TouPeriod(name="cheap", price_per_kwh=0.20, window=Window()),
        )
    ),
)
MODEL = ZoneThermalModel(
    air_capacity_wh_per_k=1_000,
    air_outdoor_resistance_k_per_w=0.01,
    mass_capacity_wh_per_k=8_000,
    air_mass_resistance_k_per_w=0.002,
)
COP = (CopPoint(outdoor_temperature_celsius=0, cop_ratio=3.0),)

Floats = NDArray[np.float64]


@dataclass
class PastHouse:
    """What was metered by the hour [kWh, °C], who was there, and how its room answers."""

    demand: Floats
    boxes: Mapping[AssetId, Floats] = field(default_factory=dict)
    stays_of: Mapping[AssetId, Sequence[Stay]] = field(default_factory=dict)
    heating: Floats | None = None
    air: Floats | None = None
    outdoor: float = 0.0
    discharge_w: float = 0.0
    tank_kwh: Floats | None = None
    tank_celsius: Floats | None = None
    tank_loss_w_per_k: float = 0.0
    tank_sensor: bool = True
    washer_kwh: Floats | None = None
    runs_of: Mapping[AssetId, Sequence[PastRun]] = field(default_factory=dict)
    interruptible: bool = False
    answer: ZoneAnswer | str = field(
        default_factory=lambda: ZoneAnswer(model=MODEL, heating_cop=COP, cooling_cop=())
    )

    @property
    def span(self) -> TimeRange:
        return TimeRange.of(START, len(self.demand) * HOUR)

    def _net_kwh(self) -> dict[AssetId, Floats]:
        found = dict(self.boxes)
        if self.heating is not None:
            found[ROOM] = self.heating
        if self.tank_kwh is not None:
            found[TANK] = self.tank_kwh
        if self.washer_kwh is not None:
            found[WASHER] = self.washer_kwh
        return {**found, GRID: self.demand + sum(found.values(), np.zeros(len(self.demand)))}

    async def energy(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> Mapping[AssetId, Energy]:
        known = self._net_kwh()
        series = {name: Series(START, HOUR, known[name] * 1000) for name in assets}
        return {name: Energy.of_net(each.window(span)) for name, each in series.items()}

    async def readings(
        self, point: PointId, span: TimeRange, resolution: timedelta, reading: Reading
    ) -> Series:
        if point.device.segment == "tank":
            assert self.tank_celsius is not None
            return Series(START, HOUR, self.tank_celsius).window(span)
        assert self.air is not None
        outside = point.segment == OUTSIDE
        values = np.full(len(self.air), self.outdoor) if outside else self.air
        return Series(START, HOUR, values).window(span)

    async def hourly(self, point: PointId, span: TimeRange, reading: Reading) -> Series:
        return await self.readings(point, span, HOUR, reading)

    async def value_at(self, point: PointId, moment: datetime) -> float | None:
        return 50.0 if point.device.segment == "tank" else 20.0

    async def runs(
        self, machines: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[PastRun]]:
        return self.runs_of

    async def stays(
        self, chargers: Sequence[Asset], span: TimeRange
    ) -> Mapping[AssetId, Sequence[Stay]]:
        return self.stays_of

    async def wishes(self, site: SiteId, span: TimeRange) -> Mapping[AssetId, ZoneWishes]:
        return {}

    async def answers(self, zones: Sequence[AssetId]) -> Mapping[AssetId, ZoneAnswer | str]:
        return dict.fromkeys(zones, self.answer)

    async def tariff(
        self, tariff: TariffId, span: TimeRange, known_by: datetime | None = None
    ) -> Tariff:
        return TARIFF

    async def site(self, site: SiteId, known_by: datetime) -> Site:
        return self.model().sites[site]

    async def emissions_kg(self, zone: ZoneId, import_wh: Series) -> float | None:
        return None

    async def avoided_gco2e(self, zone: ZoneId, avoided_wh: Series) -> float | None:
        return None

    def model(self) -> SiteModel:
        """The site model with as much of it as it has."""
        rating = EvChargerRating(
            max_current_a=16,
            max_discharge_power_w=self.discharge_w,
            charge_efficiency_ratio=0.95,
            discharge_efficiency_ratio=0.95,
        )
        boxes = [Asset(id=name, rating=rating) for name in self.boxes]
        room = HvacZoneRating(
            occupied_band=ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24),
            heating=HeatPumpRating(max_power_w=3_000, cop_points=COP),
        )
        sensor = _sensor("room", ROOM, frozenset({INSIDE, OUTSIDE}))
        heated = () if self.heating is None else (Asset(id=ROOM, rating=room), sensor)
        changed = (
            Site(id=HOUSE, time_zone="UTC", currency_code="EUR", tariff=TARIFF.id),
            TARIFF,
            Asset(id=GRID, rating=GridConnectionRating(max_import_power_w=12_000)),
            *boxes,
            *heated,
            *self._shiftable(),
        )
        return SiteModel().apply(SiteModelChange(revision=1, changed=changed))

    def _shiftable(self) -> Sequence[Resource]:
        """A tank of 300 Wh/K between 50 and 70 °C, and a washer of at most 2 kW."""
        found = list[Resource]()
        if self.tank_kwh is not None:
            rating = TankRating(
                capacity_wh_per_k=300,
                min_temperature_celsius=50,
                max_temperature_celsius=70,
                loss_w_per_k=self.tank_loss_w_per_k,
                heater=HeatPumpRating(max_power_w=3_000, cop_points=COP),
            )
            found.append(Asset(id=TANK, rating=rating))
            if self.tank_sensor:
                found.append(_sensor("tank", TANK, frozenset({INSIDE})))
        if self.washer_kwh is not None:
            deferrable = DeferrableRating(max_power_w=2_000, interruptible=self.interruptible)
            found.append(Asset(id=WASHER, rating=deferrable))
        return found


def _sensor(segment: str, asset: AssetId, points: frozenset[str]) -> Device:
    return Device(
        id=DeviceId(HOUSE, segment),
        profile="room",
        gateway=GatewayId("one"),
        connection=MqttConnection(address=segment),
        reporting_interval=timedelta(minutes=5),
        points=points,
        functions=(DeviceFunction(asset=asset, meter_role=MeterRole.MAIN),),
    )


@contextlib.asynccontextmanager
async def playing(house: PastHouse) -> AsyncIterator[PlayScenario]:
    """Play scenarios of a house by the optimizer itself."""
    settings, clock = OptimizerSettings(solve_processes=1, solve_long_processes=1), ManualClock()
    async with (
        Runtime(settings, clock, Telemetry("test")) as runtime,
        wire(settings, runtime) as service,
        serve_for_test(*service.register) as target,
        channel_for_test(target) as channel,
    ):
        yield PlayScenario(
            view=SiteModelView(clock, house.model()),
            meter=house,
            tariffs=house,
            emissions=house,
            solver=GrpcSolver(channel),
            rules=ReadRules(meter=house, stays=house, wishes=house, models=house),
            shiftable=ReadShiftable(meter=house, runs=house),
        )
