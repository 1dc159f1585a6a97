"""What events of demand response cost those who took part: comfort, and energy of vehicles."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.ledger import VisitLedger, room_ledgers, visits
from wattmesh_local.watching.rooms import Outside, outside_of
from wattmesh_local.watching.sites import WatchedSite

_AFTER = timedelta(hours=2)
"""How long after an event rooms may still be off what is wanted because of it."""


async def event_costs(
    clients: MeshClients,
    sites: Sequence[WatchedSite],
    events: Sequence[TimeRange],
    ledger_folder: Path,
    end: datetime,
) -> dict[str, Any]:
    """Return `outside_kh` around the events and `ev_lost_kwh`; neither where there is no such kind.

    Vehicles count that have left by `end`: what one still has to come is not lost.

    Rooms count from the start of an event to two hours after it, as they were, as they would have
    been at rest, and by the plain rule.
    """
    content: dict[str, Any] = {}
    if any(site.zones for site in sites) and events:
        rooms = room_ledgers(ledger_folder)
        outside = [
            await outside_of(clients, site, site.zones, replace(each, end=each.end + _AFTER), rooms)
            for site in sites
            for each in events
        ]
        total = sum(outside, Outside())
        content["outside_kh"] = {
            "achieved": round(total.achieved, 2),
            "no_control": round(total.no_control, 2),
            "rule": round(total.rule, 2),
        }
    if any(site.charge_points for site in sites):
        left = (each for each in visits(ledger_folder) if each.departure <= end)
        content["ev_lost_kwh"] = ev_lost_kwh(left, events)
    return content


def ev_lost_kwh(seen: Iterable[VisitLedger], events: Sequence[TimeRange]) -> float:
    """Return what vehicles missed that were there during an event [kWh].

    Of each visit no more than it would have had beyond that by charging at once: too short a stay
    is nobody's fault.
    """
    lost_wh = 0.0
    for visit in seen:
        stay = TimeRange(visit.arrival, visit.departure)
        if any(stay.intersect(each) for each in events):
            at_once_wh = min(sum(visit.at_once_wh), visit.wanted_wh)
            lost_wh += max(at_once_wh - visit.charged_wh, 0.0)
    return round(lost_wh / 1000, 3)
