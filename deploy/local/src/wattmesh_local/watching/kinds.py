"""What each kind of asset came to, beside nobody in control and beside a plain rule.

One kind at a time is replaced by what it would have drawn, everything else stays as metered: what
the difference costs, by the site's own tariff, is what control of that kind is worth.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.tariff import LoweredTariff, evaluate, lower_tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import INTERVAL
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.islands import generators_content
from wattmesh_local.watching.ledger import (
    BatteryLedger,
    MachineLedger,
    RoomLedger,
    VisitLedger,
    battery_ledgers,
    machine_ledgers,
    room_ledgers,
    visits,
)
from wattmesh_local.watching.rooms import NO_CONTROL, RULE, Outside, by_rule_wh, outside_of
from wattmesh_local.watching.rules import Floats, self_consumption_wh
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_local.watching.vehicles import kept_sessions
from wattmesh_runtime.errors import rpc_errors


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledgers:
    """What devices wrote down themselves, by the names of sites and assets."""

    visits: Sequence[VisitLedger]
    batteries: Mapping[str, BatteryLedger]
    rooms: Mapping[str, RoomLedger]
    machines: Mapping[str, MachineLedger]

    @classmethod
    def read(cls, folder: Path, before: datetime) -> "Ledgers":
        """Read a run's folder; of visits those that began before a moment."""
        return cls(
            visits=[each for each in visits(folder) if each.arrival < before],
            batteries=battery_ledgers(folder),
            rooms=room_ledgers(folder),
            machines=machine_ledgers(folder),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SiteHours:
    """A site's metered energies per hour [Wh], into the component positive, NaN where not known.

    `battery_rule_wh` and `at_once_wh` are what the batteries would have done by the plain rule, and
    the vehicles with nobody in control; `zones_…` and `tanks_…` what those drew, and would have by
    the rules; `machines_…` what work drew that can wait, and would have begun at once.
    """

    site: WatchedSite
    tariff: LoweredTariff
    net_wh: Floats
    load_wh: Floats
    sun_wh: Floats
    wind_wh: Floats
    generators_wh: Floats
    battery_wh: Floats
    charging_wh: Floats
    battery_rule_wh: Floats
    at_once_wh: Floats
    zones_wh: Floats
    zones_at_rest_wh: Floats
    zones_rule_wh: Floats
    tanks_wh: Floats
    tanks_at_rest_wh: Floats
    tanks_rule_wh: Floats
    machines_wh: Floats
    machines_at_once_wh: Floats

    def cost(self, net_wh: Floats) -> float:
        """Return what an exchange with the grid costs [currency]; unknown hours count nothing."""
        known = np.nan_to_num(net_wh) / 1000.0
        cost = evaluate(self.tariff, np.maximum(known, 0), np.maximum(-known, 0))
        return sum(line.amount for line in cost.lines)


async def kinds_content(
    clients: MeshClients, sites: Sequence[WatchedSite], span: TimeRange, ledger_folder: Path
) -> Mapping[str, Any]:
    """Return, by kind, energy, money and what vehicles miss, with control and without.

    Error: WattmeshError when somebody who has to be asked is away.
    """
    ledgers = Ledgers.read(ledger_folder, span.end)
    hours = [await _site_hours(clients, site, span, ledgers) for site in sites]
    content = {
        "load": {"energy_kwh": _kwh(each.load_wh for each in hours)},
        "pv": {"energy_kwh": _kwh(-each.sun_wh for each in hours)},
        "battery": _battery(hours),
    }
    if any(site.turbines for site in sites):
        content["wind_turbine"] = {"energy_kwh": _kwh(-each.wind_wh for each in hours)}
    if any(site.generators for site in sites):
        generated = {"energy_kwh": _kwh(-each.generators_wh for each in hours)}
        content["generator"] = generated | generators_content(ledger_folder, span)
    if any(site.charge_points for site in sites):
        kept = await kept_sessions(clients, sites, span)
        content["ev_charger"] = _ev_charger(hours, ledgers.visits, span) | {
            "stored_sessions": kept.sessions,
            "needs": {"met": kept.met, "missed": kept.missed},
        }
    if any(site.zones for site in sites):
        outside = [
            await outside_of(clients, each, each.zones, span, ledgers.rooms) for each in sites
        ]
        own = [each for each in hours if each.site.zones]
        drawn = [(each.zones_wh, each.zones_at_rest_wh, each.zones_rule_wh) for each in own]
        content["hvac_zone"] = _thermal(own, drawn, sum(outside, Outside()))
    if any(site.tanks for site in sites):
        outside = [
            await outside_of(clients, each, each.tanks, span, ledgers.rooms) for each in sites
        ]
        own = [each for each in hours if each.site.tanks]
        drawn = [(each.tanks_wh, each.tanks_at_rest_wh, each.tanks_rule_wh) for each in own]
        content["thermal_tank"] = _thermal(own, drawn, sum(outside, Outside()))
    if any(site.machines for site in sites):
        content["deferrable_load"] = _deferrable(hours, span, ledgers.machines)
    return content


def _deferrable(
    hours: Sequence[SiteHours], span: TimeRange, ledgers: Mapping[str, MachineLedger]
) -> dict[str, Any]:
    """Return what runs came to; by the plain rule, which begins at once, as without control."""
    own = [each for each in hours if each.site.machines]
    runs = [
        ledgers[machine.name].runs(span)
        for each in own
        for machine in each.site.machines
        if machine.name in ledgers
    ]
    at_once = _money(own, lambda each: each.net_wh - each.machines_wh + each.machines_at_once_wh)
    energy_at_once = _kwh(each.machines_at_once_wh for each in own)
    return {
        "runs": {"wanted": sum(each[0] for each in runs), "done": sum(each[1] for each in runs)},
        "energy_kwh": {
            "achieved": _kwh(each.machines_wh for each in own),
            "no_control": energy_at_once,
            "rule": energy_at_once,
        },
        "cost": {
            "achieved": _money(own, lambda each: each.net_wh),
            "no_control": at_once,
            "rule": at_once,
        },
    }


def _thermal(
    own: Sequence[SiteHours], drawn: Sequence[tuple[Floats, Floats, Floats]], outside: Outside
) -> dict[str, Any]:
    """Return what zones or tanks came to: as metered, with nobody in control, by the plain rule."""
    energy, cost = dict[str, float](), dict[str, float]()
    for index, name in enumerate(("achieved", "no_control", "rule")):
        energy[name] = _kwh(each[index] for each in drawn)
        cost[name] = round(
            sum(
                (
                    hours.cost(hours.net_wh - each[0] + each[index])
                    for hours, each in zip(own, drawn, strict=True)
                ),
                0.0,
            ),
            2,
        )
    return {
        "energy_kwh": energy,
        "outside_kh": {name: round(value, 2) for name, value in asdict(outside).items()},
        "cost": cost,
    }


def _battery(hours: Sequence[SiteHours]) -> dict[str, Any]:
    own = [each for each in hours if each.site.batteries]
    return {
        "energy_kwh": {
            "charged": _kwh(np.maximum(each.battery_wh, 0) for each in own),
            "discharged": _kwh(np.maximum(-each.battery_wh, 0) for each in own),
        },
        "cost": {
            "achieved": _money(own, lambda each: each.net_wh),
            "no_control": _money(own, lambda each: each.net_wh - each.battery_wh),
            "rule": _money(own, lambda each: each.net_wh - each.battery_wh + each.battery_rule_wh),
        },
    }


def _ev_charger(
    hours: Sequence[SiteHours], seen: Sequence[VisitLedger], span: TimeRange
) -> dict[str, Any]:
    """Return what vehicles came to; by the plain rule, which charges at once, as without control.

    Missed is what vehicles wanted that left in the span and did not have; at once some is missed
    too, where a stay is too short. What is charged at once keeps to no fuse.
    """
    own = [each for each in hours if each.site.charge_points]
    left = [each for each in seen if span.contains(each.departure)]
    at_once = _money(own, lambda each: each.net_wh - each.charging_wh + each.at_once_wh)
    missed_at_once = _missed_kwh(
        replace(each, charged_wh=min(sum(each.at_once_wh), each.wanted_wh)) for each in left
    )
    energy_at_once = _kwh(each.at_once_wh for each in own)
    return {
        "sessions": len(left),
        "wanted_kwh": round(sum(each.wanted_wh for each in left) / 1000, 3),
        "missed_kwh": {
            "achieved": _missed_kwh(left),
            "no_control": missed_at_once,
            "rule": missed_at_once,
        },
        "energy_kwh": {
            "achieved": _kwh(each.charging_wh for each in own),
            "no_control": energy_at_once,
            "rule": energy_at_once,
        },
        "peak_kw": {
            "achieved": _peak_kw(each.charging_wh for each in own),
            "no_control": _peak_kw(each.at_once_wh for each in own),
        },
        "cost": {
            "achieved": _money(own, lambda each: each.net_wh),
            "no_control": at_once,
            "rule": at_once,
        },
    }


def _missed_kwh(left: Iterable[VisitLedger]) -> float:
    missed_wh = sum((max(each.wanted_wh - each.charged_wh, 0.0) for each in left), 0.0)
    return round(missed_wh / 1000, 3)


def _money(hours: Sequence[SiteHours], net_wh: Callable[[SiteHours], Floats]) -> float:
    return round(sum((each.cost(net_wh(each)) for each in hours), 0.0), 2)


def _kwh(energies_wh: Iterable[Floats]) -> float:
    return round(sum((float(np.nansum(each)) for each in energies_wh), 0.0) / 1000, 3)


def _peak_kw(energies_wh: Iterable[Floats]) -> float:
    """Return the highest mean power of an hour, of any one site [kW]."""
    return round(max(float(np.nanmax(each, initial=0.0)) for each in energies_wh) / 1000, 3)


async def _site_hours(
    clients: MeshClients,
    site: WatchedSite,
    span: TimeRange,
    ledgers: Ledgers,
) -> SiteHours:
    energies = await _energies(clients, site, span)

    def total(assets: Sequence[AssetId]) -> Floats:
        return np.asarray(sum((energies[each] for each in assets), np.zeros(span.count(INTERVAL))))

    net, battery = energies[site.grid], total(site.batteries)
    ledger = ledgers.batteries.get(site.id.name)
    soc = 0.0 if ledger is None else ledger.soc_ratio(span.start)
    rule, rest = np.zeros(net.shape), net - battery
    for rating in site.battery_ratings:
        taken = self_consumption_wh(rest, rating, soc)
        rule, rest = rule + taken, rest + taken
    own = {asset.name for asset in site.charge_points}
    rooms = ledgers.rooms
    return SiteHours(
        site=site,
        tariff=await _lowered(clients, site, span),
        net_wh=net,
        load_wh=total(site.loads),
        sun_wh=total(site.generation) - total(site.turbines),
        wind_wh=total(site.turbines),
        generators_wh=total(site.generators),
        battery_wh=battery,
        charging_wh=total(site.charge_points),
        battery_rule_wh=rule,
        at_once_wh=_at_once_wh([each for each in ledgers.visits if each.asset in own], span),
        zones_wh=total(site.zones),
        zones_at_rest_wh=by_rule_wh(rooms, site.zones, NO_CONTROL, span),
        zones_rule_wh=by_rule_wh(rooms, site.zones, RULE, span),
        tanks_wh=total(site.tanks),
        tanks_at_rest_wh=by_rule_wh(rooms, site.tanks, NO_CONTROL, span),
        tanks_rule_wh=by_rule_wh(rooms, site.tanks, RULE, span),
        machines_wh=total(site.machines),
        machines_at_once_wh=_machines_at_once_wh(ledgers.machines, site.machines, span),
    )


def _machines_at_once_wh(
    ledgers: Mapping[str, MachineLedger], machines: Sequence[AssetId], span: TimeRange
) -> Floats:
    """Return what work would have drawn in each hour of the span, begun at once [Wh]."""
    count = span.count(INTERVAL)
    known = [ledgers[each.name] for each in machines if each.name in ledgers]
    return np.asarray(sum((each.at_once_hours_wh(span, count) for each in known), np.zeros(count)))


def _at_once_wh(seen: Sequence[VisitLedger], span: TimeRange) -> Floats:
    """Return what vehicles would have drawn at once in each hour of the span [Wh]."""
    total = np.zeros(span.count(INTERVAL))
    for visit in seen:
        first = _hours(span.start, visit.at_once_start)
        for index, energy_wh in enumerate(visit.at_once_wh, start=first):
            if 0 <= index < total.size:
                total[index] += energy_wh
    return total


def _hours(start: datetime, moment: datetime) -> int:
    return round((moment - start) / timedelta(hours=1))


async def _energies(
    clients: MeshClients, site: WatchedSite, span: TimeRange
) -> Mapping[AssetId, Floats]:
    """Return the energy of each asset of a site's balance per hour [Wh], into it positive."""
    assets = (*site.balance, *site.loads)
    with rpc_errors():
        answer = await clients.metering.QueryEnergy(
            metering_pb2.QueryEnergyRequest(
                assets=[asset.name for asset in assets],
                range=time_range_to_proto(span),
                resolution=duration_to_proto(INTERVAL),
            )
        )
    return {
        asset: series_from_proto(energy.import_energy_wh).values
        - series_from_proto(energy.export_energy_wh).values
        for asset, energy in zip(assets, answer.energies, strict=True)
    }


async def _lowered(clients: MeshClients, site: WatchedSite, span: TimeRange) -> LoweredTariff:
    with rpc_errors():
        answer = await clients.sites.GetTariff(
            site_service_pb2.GetTariffRequest(
                name=site.tariff, price_range=time_range_to_proto(span)
            )
        )
    return lower_tariff(tariff_from_proto(answer.tariff), span, INTERVAL, site.zone)
