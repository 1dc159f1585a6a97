"""A reason for every interval of every asset that had a choice."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, ProfileRun
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator, RenewableSource
from wattmesh_optimizer.domain.ev import stays
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import AssetPlan, ReasonCode
from wattmesh_optimizer.domain.runs import window
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import Battery, EvCharger
from wattmesh_optimizer.domain.thermal import HvacZone, ThermalTank

ACTING_KW = 1e-4

Mask = NDArray[np.bool_]
Codes = tuple[ReasonCode, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Signals:
    """What a site's assets answer to, per interval.

    `energy_value_per_kwh` is the dual price of the balance; `peak`, `limit`, `export_limit`,
    `reserve`: where one binds; `event`: demand response; `surplus_kw`: own generation left over.
    """

    horizon: Horizon
    energy_value_per_kwh: Floats
    import_price_per_kwh: Floats
    import_kw: Floats
    export_kw: Floats
    surplus_kw: Floats
    islanded: Mask
    peak: Mask
    limit: Mask
    export_limit: Mask
    event: Mask
    reserve: Mask
    carbon_priced: bool

    def take(self, index: int) -> ReasonCode:
        """Return why something takes power."""
        price = float(self.import_price_per_kwh[index])
        if price < 0 and self.import_kw[index] > ACTING_KW:
            return ReasonCode.NEGATIVE_PRICE
        if self.surplus_kw[index] > ACTING_KW:
            return ReasonCode.STORE_SURPLUS
        flat = np.ptp(self.import_price_per_kwh) < 1e-9
        if self.carbon_priced and flat:
            return ReasonCode.LOW_CARBON
        return ReasonCode.BUY_CHEAP

    def give(self, index: int) -> ReasonCode:
        """Return why something gives power."""
        if self.event[index]:
            return ReasonCode.DEMAND_RESPONSE
        if self.limit[index]:
            return ReasonCode.KEEP_LIMIT
        if self.peak[index]:
            return ReasonCode.SHAVE_PEAK
        if self.export_kw[index] > ACTING_KW:
            return ReasonCode.SELL_DEAR
        return ReasonCode.AVOID_DEAR_IMPORT

    def wait(self, index: int) -> ReasonCode:
        """Return why something that could take power waits."""
        if self.event[index]:
            return ReasonCode.DEMAND_RESPONSE
        if self.limit[index]:
            return ReasonCode.KEEP_LIMIT
        if self.peak[index]:
            return ReasonCode.SHAVE_PEAK
        return ReasonCode.IDLE_NO_GAIN


def reasons(asset: Asset, plan: AssetPlan, signals: Signals) -> Codes | None:
    """Return one reason per interval; None for an asset that had no choice."""
    match asset.kind:
        case FixedLoad():
            return _load(plan, signals)
        case RenewableSource() as source:
            return _renewable(source, plan, signals)
        case Battery() as battery:
            return _battery(battery, plan, signals)
        case EvCharger() as charger:
            return _ev(asset, charger, plan, signals)
        case HvacZone() as zone:
            low, high = zone.bands_celsius
            return _climate(plan, signals, low, high)
        case ThermalTank() as tank:
            full = np.ones(signals.horizon.count)
            return _climate(
                plan,
                signals,
                tank.min_temperature_celsius * full,
                tank.max_temperature_celsius * full,
            )
        case DeferrableLoad() as load:
            return _deferrable(load, plan, signals)
        case Generator() as generator:
            return _generator(generator, plan, signals)


def _each(signals: Signals, reason: Callable[[int], ReasonCode]) -> Codes:
    return tuple(reason(index) for index in range(signals.horizon.count))


def _load(plan: AssetPlan, signals: Signals) -> Codes | None:
    shed = plan.shed_kw
    if shed is None or not (shed > ACTING_KW).any():
        return None
    return _each(
        signals,
        lambda k: ReasonCode.KEEP_LIMIT if shed[k] > ACTING_KW else ReasonCode.NOT_AVAILABLE,
    )


def _renewable(source: RenewableSource, plan: AssetPlan, signals: Signals) -> Codes:
    available = source.available_kw

    def reason(k: int) -> ReasonCode:
        if available[k] <= ACTING_KW:
            return ReasonCode.NOT_AVAILABLE
        if available[k] + plan.powers_kw[k] <= ACTING_KW:
            return ReasonCode.GENERATE_ALL
        if signals.export_limit[k]:
            return ReasonCode.CURTAIL_LIMIT
        return ReasonCode.CURTAIL_NO_VALUE

    return _each(signals, reason)


def _battery(battery: Battery, plan: AssetPlan, signals: Signals) -> Codes:
    socs = plan.soc_ratios if plan.soc_ratios is not None else np.zeros(signals.horizon.count + 1)

    def reason(k: int) -> ReasonCode:
        power, soc = float(plan.powers_kw[k]), float(socs[k])
        if power > ACTING_KW:
            if signals.reserve[k:].any() and signals.surplus_kw[k] <= ACTING_KW:
                return ReasonCode.HOLD_RESERVE
            return signals.take(k)
        if power < -ACTING_KW:
            return signals.give(k)
        if battery.max_charge_power_kw == 0 and battery.max_discharge_power_kw == 0:
            return ReasonCode.NOT_AVAILABLE
        if signals.reserve[k]:
            return ReasonCode.HOLD_RESERVE
        if soc >= battery.max_soc_ratio - 1e-6:
            return ReasonCode.FULL
        if soc <= battery.min_soc_ratio + 1e-6:
            return ReasonCode.EMPTY
        return ReasonCode.IDLE_NO_GAIN

    return _each(signals, reason)


def _ev(asset: Asset, charger: EvCharger, plan: AssetPlan, signals: Signals) -> Codes:
    found = [ReasonCode.NOT_AVAILABLE] * signals.horizon.count
    for stay in stays(charger, asset.phase, signals.horizon):
        inside = np.flatnonzero(stay.plugged_in)
        limits = stay.plugged_in * stay.max_power_kw
        at_max = plan.powers_kw >= limits - 1e-3
        socs = plan.session_soc_ratios.get(stay.session.id)
        for k in inside.tolist():
            power = float(plan.powers_kw[k])
            pressed = bool(at_max[inside[inside >= k]].all())
            if power > ACTING_KW:
                found[k] = ReasonCode.MEET_DEADLINE if pressed else signals.take(k)
            elif power < -ACTING_KW:
                found[k] = signals.give(k)
            elif socs is not None and socs[k] >= 1.0 - 1e-6:
                found[k] = ReasonCode.FULL
            else:
                found[k] = signals.wait(k)
    return tuple(found)


def _climate(plan: AssetPlan, signals: Signals, low: Floats, high: Floats) -> Codes:
    temperatures = plan.temperatures_celsius
    if temperatures is None:
        temperatures = np.zeros(signals.horizon.count + 1)
    ends = temperatures[1:]
    most = max(float(plan.powers_kw.max()), ACTING_KW)

    def reason(k: int) -> ReasonCode:
        if plan.powers_kw[k] <= ACTING_KW:
            return signals.wait(k)
        missed = ends[k] < low[k] - 1e-3 or ends[k] > high[k] + 1e-3
        if missed and plan.powers_kw[k] >= most - 1e-3:
            return ReasonCode.AT_MAX_POWER
        edge = ends[k] <= low[k] + 0.05 or ends[k] >= high[k] - 0.05
        return ReasonCode.KEEP_COMFORT if edge else ReasonCode.PRECONDITION

    return _each(signals, reason)


def _deferrable(load: DeferrableLoad, plan: AssetPlan, signals: Signals) -> Codes:
    first, last = window(load, signals.horizon)
    running = isinstance(load.run, ProfileRun) and load.run.elapsed_count > 0

    def reason(k: int) -> ReasonCode:
        if plan.powers_kw[k] > ACTING_KW:
            return ReasonCode.MUST_RUN if running else signals.take(k)
        return signals.wait(k) if first <= k < last else ReasonCode.NOT_AVAILABLE

    return _each(signals, reason)


def _generator(generator: Generator, plan: AssetPlan, signals: Signals) -> Codes:
    def reason(k: int) -> ReasonCode:
        if plan.powers_kw[k] >= -ACTING_KW:
            return ReasonCode.IDLE_NO_GAIN
        if signals.islanded[k]:
            return ReasonCode.GENERATE_CHEAPER
        if generator.fuel_cost_per_kwh > signals.energy_value_per_kwh[k] + 1e-6:
            return ReasonCode.MUST_RUN
        if signals.peak[k]:
            return ReasonCode.SHAVE_PEAK
        return ReasonCode.GENERATE_CHEAPER

    return _each(signals, reason)
