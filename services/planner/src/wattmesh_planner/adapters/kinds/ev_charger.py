"""Charge points: the vehicle that is there, with when it may leave; a power or current out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh_contracts.sites import phase_to_proto
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import EvChargerRating, Phase
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto, schedule
from wattmesh_planner.domain.charging import Stay
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule

SHORTFALL_PRICE_PER_KWH = 10.0
"""What a kWh counts that is missing at the end [currency/kWh]: more than any energy costs, and less
than breaking a limit, which the optimizer counts at 50 and more."""
ACCEPTED_RISK_RATIO = 0.1
"""Waiting from the dearest price to the cheapest is worth it while no more leave meanwhile."""
_LEAST_RISK_PRICE_PER_KWH = 0.1
_FURTHER_RISK_RATIO = 0.2
"""How likely it is that a vehicle leaves, until which more than is expected is offered to it."""
_ABOVE_SELLING_PER_KWH = 1e-3


class EvChargerPart:
    """Charges the vehicle that is there; nothing is planned for vehicles that nobody knows of."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add its rating as far as the vehicle goes along, and what is left of the session."""
        stay: Stay | None = asset.state
        message = new_asset(problem, asset)
        message.phase = phase_to_proto(_phase(asset, stay))
        message.ev_charger.rating.CopyFrom(rating_proto(_rating(asset, stay)))
        if stay is not None:
            message.ev_charger.sessions.append(_session(stay, site))

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return its power in every interval, or its current where it is told that.

        It is never above what was planned: limits hold for the sum of many. A charge point divides
        a power by all its conductors: of a vehicle that draws from fewer it is told the current.
        """
        kinds = asset.asset.setpoint_kinds or _ALL_KINDS
        phase = _phase(asset, asset.state)
        fewer = phase is not asset.asset.asset.phase
        gives = any(power < -_ROUNDING_W for power in plan.powers_w)
        by_current = SetpointKind.CURRENT_A in kinds and fewer and not gives
        if by_current or SetpointKind.ACTIVE_POWER_W not in kinds:
            kind, values = SetpointKind.CURRENT_A, _currents_a(asset, plan.powers_w)
        else:
            kind = SetpointKind.ACTIVE_POWER_W
            values = [float(math.floor(power + _ROUNDING_W)) for power in plan.powers_w]
        told = schedule(asset, kind, values, start, resolution)
        return [replace(each, phase=phase) for each in told]


_ALL_KINDS = frozenset({SetpointKind.ACTIVE_POWER_W, SetpointKind.CURRENT_A})
"""What a charge point takes of which nobody said anything else."""
_ROUNDING_W = 1e-3


def _session(stay: Stay, site: SiteInputs) -> asset_pb2.EvSession:
    return asset_pb2.EvSession(
        id=stay.id,
        arrival_time=timestamp_to_proto(stay.early_departures[0].departure_time),
        departure_time=timestamp_to_proto(stay.departure_time),
        capacity_wh=stay.capacity_wh,
        initial_soc_ratio=stay.soc_ratio,
        target_energy_wh=stay.required_wh,
        shortfall_price_per_kwh=_shortfall_price_per_kwh(stay, site),
        early_departure_price_per_kwh=_risk_price_per_kwh(stay, site),
        min_soc_ratio=stay.min_soc_ratio if stay.discharge else 0.0,
        terminal_value_per_kwh=_further_value_per_kwh(stay, site),
        early_departures=[
            asset_pb2.EarlyDeparture(
                departure_time=timestamp_to_proto(each.departure_time), ratio=each.ratio
            )
            for each in stay.early_departures
        ],
    )


def _shortfall_price_per_kwh(stay: Stay, site: SiteInputs) -> float:
    """Return what a missing kWh counts; of surplus alone just more than selling it brings."""
    if not stay.surplus_only:
        return SHORTFALL_PRICE_PER_KWH * stay.weight
    sold = 0.0 if site.price is None else max(site.price.highest_export_price_per_kwh, 0.0)
    return sold + _ABOVE_SELLING_PER_KWH


def _further_value_per_kwh(stay: Stay, site: SiteInputs) -> float:
    """Return what a kWh counts beyond what is expected of a vehicle that stops by itself.

    It is half way from the cheapest price to the dearest, and some of what waiting may cost: more
    is offered, rather while energy is cheap, since it costs nothing where it is not taken.
    """
    if not stay.fills or site.price is None:
        return 0.0
    price = site.price
    half_way = (price.lowest_import_price_per_kwh + price.highest_import_price_per_kwh) / 2
    return max(half_way, 0.0) + _FURTHER_RISK_RATIO * _risk_price_per_kwh(stay, site)


def _risk_price_per_kwh(stay: Stay, site: SiteInputs) -> float:
    """Return what a kWh counts that is missed when the vehicle leaves early [currency/kWh].

    With prices from 0.09 to 0.27 and an accepted risk of 10 % it is 1.8: waiting saves 0.18, as
    much as is lost when 1 of 10 leaves meanwhile. So few wait that far less is missed in the end.
    """
    if stay.surplus_only or site.price is None:
        return _LEAST_RISK_PRICE_PER_KWH
    saved = site.price.highest_import_price_per_kwh - site.price.lowest_import_price_per_kwh
    return max(saved / ACCEPTED_RISK_RATIO, _LEAST_RISK_PRICE_PER_KWH) * stay.weight


def _rating(asset: AssetInputs, stay: Stay | None) -> EvChargerRating:
    """Return what charge point and vehicle can do together."""
    rating = asset.asset.rating
    assert isinstance(rating, EvChargerRating)
    if stay is None:
        return rating
    most_a = rating.max_current_a
    if stay.max_current_a:
        most_a = max(min(most_a, stay.max_current_a), rating.min_current_a)
    gives_w = rating.max_discharge_power_w if stay.discharge else 0.0
    return replace(rating, max_current_a=most_a, max_discharge_power_w=gives_w)


def _phase(asset: AssetInputs, stay: Stay | None) -> Phase:
    """Return the conductors that the vehicle draws from, of those that the charge point has."""
    own = asset.asset.asset.phase
    if stay is None or stay.phase is None or own is not Phase.THREE:
        return own
    return stay.phase


def _currents_a(asset: AssetInputs, powers_w: Sequence[float]) -> list[float]:
    """Return the whole current per phase of each power [A]; 0 where it is below the least."""
    rating = asset.asset.rating
    assert isinstance(rating, EvChargerRating)
    volts = rating.voltage_v * _phase(asset, asset.state).count
    whole = (math.floor(max(power, 0.0) / volts + 1e-6) for power in powers_w)
    return [float(each) if each >= rating.min_current_a else 0.0 for each in whole]
