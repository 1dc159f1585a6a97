"""What each kind of asset came to, beside nobody in control and beside a plain rule.

One kind at a time is replaced by what it would have drawn, everything else stays as metered: what
the difference costs is what control of that kind is worth. Analytics says what anything costs; of
what only simulated devices know (what they would have drawn, in their ledgers) it is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import RULE, Accounts, accounts_beside, compute_accounts
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.islands import generators_content
from wattmesh_local.watching.ledger import Floats, VisitLedger
from wattmesh_local.watching.machines import MachineLedger
from wattmesh_local.watching.rooms import Outside, outside_of
from wattmesh_local.watching.site_hours import Ledgers, SiteHours, site_hours
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_local.watching.vehicles import kept_sessions
from wattmesh_runtime.aio.tasks import together


async def kinds_content(
    clients: MeshClients, sites: Sequence[WatchedSite], span: TimeRange, ledger_folder: Path
) -> Mapping[str, Any]:
    """Return, by kind, energy, money and what vehicles miss, with control and without.

    Error: WattmeshError when somebody who has to be asked is away.
    """
    ledgers = Ledgers.read(ledger_folder, span.end)
    hours = [await site_hours(clients, site, span, ledgers) for site in sites]
    content = {
        "load": {"energy_kwh": _kwh(each.load_wh for each in hours)},
        "pv": {"energy_kwh": _kwh(-each.sun_wh for each in hours)},
    }
    if any(site.batteries for site in sites):
        content["battery"] = await _battery(clients, hours, span)
    if any(site.turbines for site in sites):
        content["wind_turbine"] = {"energy_kwh": _kwh(-each.wind_wh for each in hours)}
    if any(site.generators for site in sites):
        generated = {"energy_kwh": _kwh(-each.generators_wh for each in hours)}
        content["generator"] = generated | generators_content(ledger_folder, span)
    if any(site.charge_points for site in sites):
        kept = await kept_sessions(clients, sites, span)
        content["ev_charger"] = await _ev_charger(clients, hours, ledgers.visits, span) | {
            "stored_sessions": kept.sessions,
            "needs": {"met": kept.met, "missed": kept.missed},
        }
    if any(site.zones for site in sites):
        outside = [
            await outside_of(clients, each, each.zones, span, ledgers.rooms) for each in sites
        ]
        own = [each for each in hours if each.site.zones]
        drawn = [(each.zones_wh, each.zones_at_rest_wh, each.zones_rule_wh) for each in own]
        content["hvac_zone"] = await _thermal(clients, own, drawn, sum(outside, Outside()), span)
    if any(site.tanks for site in sites):
        outside = [
            await outside_of(clients, each, each.tanks, span, ledgers.rooms) for each in sites
        ]
        own = [each for each in hours if each.site.tanks]
        drawn = [(each.tanks_wh, each.tanks_at_rest_wh, each.tanks_rule_wh) for each in own]
        content["thermal_tank"] = await _thermal(clients, own, drawn, sum(outside, Outside()), span)
    if any(site.machines for site in sites):
        content["deferrable_load"] = await _deferrable(clients, hours, span, ledgers.machines)
    return content


async def _deferrable(
    clients: MeshClients,
    hours: Sequence[SiteHours],
    span: TimeRange,
    ledgers: Mapping[str, MachineLedger],
) -> dict[str, Any]:
    """Return what runs came to; by the plain rule, which begins at once, as without control.

    Runs that the span has whole are compared. Of those that it has in part (`open`), as a
    dishwasher's that is loaded in the evening and to be done by the morning, what was metered
    stands on both sides: begun at once they would have drawn energy that is still to be drawn.
    """
    own = [each for each in hours if each.site.machines]
    known = [
        ledgers[machine.name]
        for each in own
        for machine in each.site.machines
        if machine.name in ledgers
    ]
    at_once = await _beside(
        clients, own, span, lambda each: each.machines_at_once_wh - each.machines_wh
    )
    energy_at_once = _kwh(each.machines_at_once_wh for each in own)
    return {
        "runs": {
            "wanted": sum(len(each.whole(span)) for each in known),
            "done": sum(each.done(span) for each in known),
            "open": sum(each.open(span) for each in known),
        },
        "energy_kwh": {
            "achieved": _kwh(each.machines_wh for each in own),
            "no_control": energy_at_once,
            "rule": energy_at_once,
        },
        "cost": _cost(at_once, at_once),
    }


async def _thermal(
    clients: MeshClients,
    own: Sequence[SiteHours],
    drawn: Sequence[tuple[Floats, Floats, Floats]],
    outside: Outside,
    span: TimeRange,
) -> dict[str, Any]:
    """Return what zones or tanks came to: as metered, with nobody in control, by the plain rule."""
    no_control, rule = await together(
        *(
            accounts_beside(
                clients,
                [each.site for each in own],
                span,
                {
                    hours.site.id: each[index] - each[0]
                    for hours, each in zip(own, drawn, strict=True)
                },
            )
            for index in (1, 2)
        )
    )
    names = ("achieved", "no_control", "rule")
    return {
        "energy_kwh": {
            name: _kwh(each[index] for each in drawn) for index, name in enumerate(names)
        },
        "outside_kh": {name: round(value, 2) for name, value in asdict(outside).items()},
        "cost": _cost(no_control, rule),
    }


async def _battery(
    clients: MeshClients, hours: Sequence[SiteHours], span: TimeRange
) -> dict[str, Any]:
    own = [each for each in hours if each.site.batteries]
    sites = [each.site for each in own]
    idle, rule = await together(
        compute_accounts(clients, sites, span), compute_accounts(clients, sites, span, RULE)
    )
    return {
        "energy_kwh": {
            "charged": _kwh(np.maximum(each.battery_wh, 0) for each in own),
            "discharged": _kwh(np.maximum(-each.battery_wh, 0) for each in own),
        },
        "cost": _cost(idle, rule),
    }


async def _ev_charger(
    clients: MeshClients,
    hours: Sequence[SiteHours],
    seen: Sequence[VisitLedger],
    span: TimeRange,
) -> dict[str, Any]:
    """Return what vehicles came to; by the plain rule, which charges at once, as without control.

    Missed is what vehicles wanted that left in the span and did not have; at once some is missed
    too, where a stay is too short. What is charged at once keeps to no fuse.
    """
    own = [each for each in hours if each.site.charge_points]
    left = [each for each in seen if span.contains(each.departure)]
    at_once = await _beside(clients, own, span, lambda each: each.at_once_wh - each.charging_wh)
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
        "cost": _cost(at_once, at_once),
    }


def _missed_kwh(left: Iterable[VisitLedger]) -> float:
    missed_wh = sum((max(each.wanted_wh - each.charged_wh, 0.0) for each in left), 0.0)
    return round(missed_wh / 1000, 3)


async def _beside(
    clients: MeshClients,
    own: Sequence[SiteHours],
    span: TimeRange,
    change_wh: Callable[[SiteHours], Floats],
) -> Accounts:
    changes = {each.site.id: change_wh(each) for each in own}
    return await accounts_beside(clients, [each.site for each in own], span, changes)


def _cost(no_control: Accounts, rule: Accounts) -> dict[str, float]:
    """Return costs before what events paid: what they paid is of no kind by itself."""
    return {
        "achieved": float(no_control.achieved.by_tariff),
        "no_control": float(no_control.no_control.by_tariff),
        "rule": float(rule.no_control.by_tariff),
    }


def _kwh(energies_wh: Iterable[Floats]) -> float:
    return round(sum((float(np.nansum(each)) for each in energies_wh), 0.0) / 1000, 3)


def _peak_kw(energies_wh: Iterable[Floats]) -> float:
    """Return the highest mean power of an hour, of any one site [kW]."""
    return round(max(float(np.nanmax(each, initial=0.0)) for each in energies_wh) / 1000, 3)
