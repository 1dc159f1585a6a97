"""Two weeks of hot water: the product against a thermostat, and one that knows the price."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from tests.bench.hvac.houses import START, MadeClimate
from tests.bench.hvac.wanted import NIGHT_PRICE, TARIFF, price_per_kwh
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_solving import SolvingOptimizer
from tests.fakes.thermal_site import TANK, ThermalSite
from tests.fakes.thermal_site import subject as subject_of
from wattmesh_forecast.adapters.holidays import Holidays
from wattmesh_forecast.api.convert_thermal import outlook_to_proto
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.domain.thermal.record import ZoneRecord
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    CopPoint,
    GridConnectionRating,
    HeatPumpRating,
    Site,
    TankRating,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.outlooks import answer_from_proto
from wattmesh_planner.domain.facts import Known, Missing, Why, value_of
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning, Reading
from wattmesh_planner.domain.model import MeteredPoint, Scope, ScopeSite, ScopeState, SiteAsset
from wattmesh_planner.domain.prices import priced
from wattmesh_twin.domain.tank import TankSpec, TankState, advance, drawn_w
from wattmesh_twin.domain.zone import as_shown

LEARNT_DAYS, JUDGED_DAYS = 14, 14
HOUR, HALF_HOUR = timedelta(hours=1), timedelta(minutes=30)
LOW, HIGH = 45.0, 60.0
SPEC = TankSpec()
RATING = TankRating(
    capacity_wh_per_k=SPEC.capacity_wh_per_k,
    min_temperature_celsius=LOW,
    max_temperature_celsius=HIGH,
    loss_w_per_k=SPEC.loss_w_per_k,
    heater=HeatPumpRating(
        max_power_w=SPEC.heater_w,
        cop_points=(
            CopPoint(outdoor_temperature_celsius=-7, cop_ratio=2.0),
            CopPoint(outdoor_temperature_celsius=7, cop_ratio=2.8),
        ),
    ),
)
Decide = Callable[[datetime, float], float]


class _Meters(ThermalSite):
    """What was metered of the tank, growing."""

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject:
        known = subject_of(TANK)
        return ThermalSubject(
            asset=TANK,
            zone=known.zone,
            rating=RATING,
            temperature=known.temperature,
            outdoor=known.outdoor,
            sun=None,
            occupancy=None,
            resolution=HALF_HOUR,
        )


class _Product:
    """Plans anew every hour with what is known then."""

    def __init__(self) -> None:
        nothing = np.zeros(0)
        record = ZoneRecord(
            hours=0.5,
            temperature_celsius=nothing,
            outdoor_celsius=nothing,
            heating_w=nothing,
            cooling_w=nothing,
            hour_of_day=nothing,
        )
        self.meters = _Meters(record)
        self.meters.tank(nothing, nothing)
        self._clock = ManualClock(START)
        history = ThermalHistory(self.meters, self.meters)
        self._issue = IssueThermalOutlooks(self.meters, history, self._clock, Holidays())
        self._optimizer = SolvingOptimizer()
        point = MeteredPoint(id=subject_of(TANK).temperature, reporting_interval=HOUR / 12)
        tank = SiteAsset(
            asset=Asset(id=TANK, rating=RATING),
            controller=DeviceId(TANK.site, "tank"),
            setpoint_kinds=frozenset({SetpointKind.TEMPERATURE_CELSIUS}),
            points={"temperature_celsius": point},
        )
        grid = Asset(id=AssetId(TANK.site, "grid"), rating=GridConnectionRating())
        site = Site(id=TANK.site, time_zone="UTC", currency_code="EUR", tariff=TARIFF.id)
        assets = (SiteAsset(asset=grid, points={}), tank)
        self._site = ScopeSite(site=site, grid_connection=grid.id, assets=assets)
        self._scope = Scope(id=TANK.site, state=ScopeState.PLANNED, sites=(self._site,))

    def metered(self, celsius: float, power_w: float, outdoor_celsius: float) -> None:
        known = subject_of(TANK)
        assert known.outdoor is not None
        for point, value in ((known.temperature, celsius), (known.outdoor, outdoor_celsius)):
            self.meters.values[point] = np.append(self.meters.values[point], value)
        self.meters.powers[TANK] = np.append(self.meters.powers[TANK], power_w)

    def decide(self, at: datetime, shown: float) -> float:
        return asyncio.run(self._decide(at, shown))

    async def _decide(self, at: datetime, shown: float) -> float:
        self._clock.set(at)
        target = TimeRange.of(at, 24 * HOUR)
        (said,) = await self._issue(Wanted(assets=(TANK,), span=target, resolution=HOUR, ratios=()))
        outlook = answer_from_proto(outlook_to_proto(said))
        beginning = Beginning(
            now=at,
            start=at,
            limits=AgeLimits(),
            readings={"temperature_celsius": Reading(measure_time=at, value=shown)},
            outlook=Missing(why=outlook) if isinstance(outlook, Why) else Known(value=outlook),
            intervals=[at + index * HOUR for index in range(24)],
        )
        grid, tank = self._site.assets
        standing = value_of(KINDS[TankRating].begin(tank, beginning))
        inputs = PlanInputs(
            scope=self._scope,
            issue_time=at,
            target=target,
            resolution=HOUR,
            sites=(
                SiteInputs(
                    site=self._site,
                    assets=(AssetInputs(asset=grid), AssetInputs(asset=tank, state=standing)),
                    price=value_of(priced(TARIFF, target, HOUR, self._site.site.zone, at)),
                ),
            ),
        )
        (schedule,) = (await self._optimizer.solve(inputs)).schedules
        self._optimizer.asked.clear()
        return float(schedule.values[0] or 0.0)


def by_price(at: datetime, shown: float) -> float:
    """Return what a clock with two temperatures is set to: hot while energy is cheap."""
    return HIGH - 1.0 if price_per_kwh(at) == NIGHT_PRICE else LOW + 4.0


def compared(seed: int = 1) -> dict[str, object]:
    """Return cost and cold hours of each way, over two weeks after two of a plain thermostat."""
    climate = MadeClimate(seed, LEARNT_DAYS + JUDGED_DAYS)
    product = _Product()
    found: dict[str, object] = {
        "thermostat": _lived(climate, lambda at, shown: 53.0),
        "clock": _lived(climate, by_price),
        "product": _lived(climate, product.decide, product),
    }
    return {"judged_days": JUDGED_DAYS, **found}


def _lived(
    climate: MadeClimate, decide: Decide, product: _Product | None = None
) -> dict[str, float]:
    random = np.random.default_rng(climate.seed + 31)
    sizes = np.clip(random.normal(1.0, 0.25, LEARNT_DAYS + JUDGED_DAYS), 0.4, 1.6)
    state = TankState(time=START)
    cost = energy = cold = 0.0
    for half in range((LEARNT_DAYS + JUDGED_DAYS) * 48):
        at = START + half * HALF_HOUR
        judged = half >= LEARNT_DAYS * 48
        if half % 2 == 0:
            shown = as_shown(state.celsius + random.normal(0, 0.2))
            told = decide(at, shown) if judged else 53.0
        before, outside = state.import_wh, climate.at(at).outdoor_celsius
        for _ in range(30):
            draw_w = drawn_w(state.time, float(sizes[half // 48]))
            state = advance(SPEC, state, told, outside, draw_w)
            if judged:
                cold += max(LOW - state.celsius, 0.0) / 60.0
        used_kwh = (state.import_wh - before) / 1000.0
        if judged:
            energy += used_kwh
            cost += used_kwh * price_per_kwh(at)
        if product is not None:
            metered = as_shown(state.celsius + random.normal(0, 0.2))
            product.metered(metered, used_kwh * 2000.0, round(outside, 1))
    return {
        "cost": round(cost, 2),
        "energy_kwh": round(energy, 1),
        "kelvin_hours_cold": round(cold, 2),
    }
