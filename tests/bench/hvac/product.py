"""The product runs a zone: outlook, kind, problem, plan, schedule, envelope."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.bench.hvac.houses import START
from tests.bench.hvac.identification import Zone
from tests.bench.hvac.operation import rating, record_of
from tests.bench.hvac.wanted import TARIFF, Comfort
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_solving import SolvingOptimizer
from tests.fakes.thermal_site import ThermalSite
from tests.fakes.thermal_site import subject as subject_of
from wattmesh_control.domain.envelope import envelopes_of
from wattmesh_control.domain.limits import Accepted, Clamped, LimitSet
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.api.convert_thermal import outlook_to_proto
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.ids import AssetId, DeviceId, PointId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Asset, GridConnectionRating, HvacZoneRating, Site
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.outlooks import answer_from_proto
from wattmesh_planner.domain.facts import Known, Missing, value_of
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import MeteredPoint, Scope, ScopeSite, ScopeState, SiteAsset
from wattmesh_planner.domain.prices import priced
from wattmesh_planner.domain.thermal import ZoneOutlook, with_after
from wattmesh_twin.domain.zone import ZoneState, as_shown

HOUR, HALF_HOUR = timedelta(hours=1), timedelta(minutes=30)
HORIZON = timedelta(hours=24)
UTC = ZoneInfo("UTC")
ZONE = AssetId.parse("sites/home-1/assets/zone")


class _Meters(ThermalSite):
    """What was metered of the zone, growing; its rating is the zone's own."""

    def __init__(self, found: Zone, rated: HvacZoneRating) -> None:
        self._rated = rated
        climate, log = found.climate, found.log
        record = record_of(log, climate, 0, len(log.temperature))
        super().__init__(record)
        self.powers[ZONE] = record.heating_w + record.cooling_w
        known = subject_of(ZONE)
        self._random = np.random.default_rng(found.seed + 17)
        self._climate = climate
        self._temperature, self._outdoor, self._sun = known.temperature, known.outdoor, known.sun
        self._occupied = PointId(DeviceId(ZONE.site, "zone-meter"), "occupancy_ratio")
        assert record.occupancy_ratio is not None
        self.values[self._occupied] = record.occupancy_ratio

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        known = subject_of(ZONE)
        return ThermalSubject(
            asset=ZONE,
            zone=UTC,
            rating=self._rated,
            temperature=known.temperature,
            outdoor=known.outdoor,
            sun=known.sun,
            occupancy=self._occupied,
            resolution=HALF_HOUR,
        )

    def add(self, at: datetime, celsius: float, power_w: float) -> None:
        """Take in a half hour that is over."""
        quarter = round((at - START) / timedelta(minutes=15))
        halves = slice(quarter, quarter + 2)
        climate = self._climate
        outdoor = float(climate.outdoor[halves].mean()) + self._random.normal(0, 0.2)
        sun = float(climate.sun[halves].mean()) * (1 + self._random.normal(0, 0.05))
        assert isinstance(self._sun, PointId)
        assert self._outdoor is not None
        for point, value in (
            (self._temperature, celsius),
            (self._outdoor, round(outdoor, 1)),
            (self._sun, max(sun, 0.0)),
            (self._occupied, float(climate.occupied[halves].mean())),
        ):
            self.values[point] = np.append(self.values[point], value)
        self.powers[ZONE] = np.append(self.powers[ZONE], power_w)


class Product:
    """Plans anew every hour with what is known then."""

    def __init__(self, found: Zone, comfort: Comfort) -> None:
        plant = rating(found.house)
        rated = HvacZoneRating(
            occupied_band=comfort.occupied,
            unoccupied_band=comfort.away,
            heating=plant.heating,
            cooling=plant.cooling,
        )
        self._meters = _Meters(found, rated)
        self._clock = ManualClock(START)
        history = ThermalHistory(self._meters, self._meters)
        self._issue = IssueThermalOutlooks(self._meters, history, self._clock, Holidays())
        self._wishes = ZoneWishes(schedules=(comfort.schedule,))
        self._random = np.random.default_rng(found.seed + 5)
        self._optimizer = SolvingOptimizer()
        point = MeteredPoint(id=subject_of(ZONE).temperature, reporting_interval=5 * HOUR / 60)
        self._asset = SiteAsset(
            asset=Asset(id=ZONE, rating=rated),
            controller=DeviceId(ZONE.site, "heat-pump"),
            setpoint_kinds=frozenset({SetpointKind.TEMPERATURE_CELSIUS}),
            points={"temperature_celsius": point},
        )
        grid = SiteAsset(
            asset=Asset(id=AssetId(ZONE.site, "grid"), rating=GridConnectionRating()), points={}
        )
        site = Site(id=ZONE.site, time_zone="UTC", currency_code="EUR", tariff=TARIFF.id)
        self._site = ScopeSite(site=site, grid_connection=grid.id, assets=(grid, self._asset))
        self._scope = Scope(id=ZONE.site, state=ScopeState.PLANNED, sites=(self._site,))
        envelope = envelopes_of(self._asset.asset)[SetpointKind.TEMPERATURE_CELSIUS]
        self._limits = LimitSet(SetpointKind.TEMPERATURE_CELSIUS, envelope)

    def metered(self, at: datetime, celsius: float, power_w: float) -> None:
        """Take in what meters showed of a half hour."""
        self._meters.add(at, celsius, power_w)

    def decide(self, at: datetime, state: ZoneState) -> float:
        """Return the temperature that the device is told for the hour [°C]."""
        shown = as_shown(state.interior_celsius + self._random.normal(0, 0.1))
        return asyncio.run(self._decide(at, shown))

    async def _decide(self, at: datetime, shown: float) -> float:
        self._clock.set(at)
        target = TimeRange.of(at, HORIZON)
        looked_at = with_after(target)
        wanted = Wanted(assets=(ZONE,), span=looked_at, resolution=HOUR, ratios=())
        (said,) = await self._issue(wanted)
        outlook = answer_from_proto(outlook_to_proto(said))
        fact = Known(value=outlook) if isinstance(outlook, ZoneOutlook) else Missing(why=outlook)  # type: ignore[arg-type]
        beginning = Beginning(
            now=at,
            start=at,
            limits=AgeLimits(),
            readings={"temperature_celsius": Reading(measure_time=at, value=shown)},
            outlook=fact,
            wishes=Known(value=self._wishes),
            zone=UTC,
            intervals=[at + index * HOUR for index in range(24)],
            later=[at + index * HOUR for index in range(24, looked_at.count(HOUR))],
        )
        standing = value_of(KINDS[HvacZoneRating].begin(self._asset, beginning))
        inputs = PlanInputs(
            scope=self._scope,
            issue_time=at,
            target=target,
            resolution=HOUR,
            sites=(
                SiteInputs(
                    site=self._site,
                    assets=(
                        AssetInputs(asset=self._site.assets[0]),
                        AssetInputs(asset=self._asset, state=standing),
                    ),
                    price=value_of(priced(TARIFF, target, HOUR, UTC, at)),
                ),
            ),
        )
        solution = await self._optimizer.solve(inputs)
        self._optimizer.asked.clear()
        (schedule,) = solution.schedules
        return self._allowed(schedule.values[0] or 0.0)

    def _allowed(self, celsius: float) -> float:
        """Return what control lets a setpoint be."""
        match self._limits.clamp(celsius):
            case Accepted(value=value) | Clamped(value=value):
                return float(value)
            case refused:
                raise AssertionError(f"refused: {refused}")
