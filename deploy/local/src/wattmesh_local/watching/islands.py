"""What became of sites without the grid, and of their generator sets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh.control.v1 import device_event_pb2 as events_pb2
from wattmesh.control.v1 import execution_pb2, execution_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.ledger import lines_of
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors

_TYPES = {
    events_pb2.DEVICE_EVENT_TYPE_LOOP_ISLANDED: "islanded",
    events_pb2.DEVICE_EVENT_TYPE_LOOP_RECONNECTED: "reconnected",
    events_pb2.DEVICE_EVENT_TYPE_LOOP_SHED: "shed",
    events_pb2.DEVICE_EVENT_TYPE_LOOP_RESTORED: "restored",
}


def generators_content(folder: Path, span: TimeRange) -> dict[str, Any]:
    """Return what generator sets burnt [l] over a span, and how often they were started."""
    found = [_passed(lines, span) for lines in _by_site(folder).values()]
    return {
        "fuel_l": round(sum(each["burnt_l"] for each in found), 2),
        "starts": round(sum(each["starts"] for each in found)),
    }


async def islands_content(
    clients: MeshClients, sites: Sequence[WatchedSite], span: TimeRange, folder: Path
) -> dict[str, Any]:
    """Return, by site that can do without the grid, what it went through without it.

    Times and energies are the site's own count; what was switched off, and when the grid was with
    it again, is control's. Error: WattmeshError when control is away.
    """
    ledgers = _by_site(folder)
    return {
        site.id.segment: _counted(_passed(ledgers[site.id.name], span))
        | await _events(clients, site, span)
        for site in sites
        if site.can_island and site.id.name in ledgers
    }


def _counted(passed: Mapping[str, float]) -> dict[str, Any]:
    hours, critical = passed["seconds"] / 3600.0, passed["critical_wanted_wh"]
    served = passed["critical_served_wh"] / critical if critical else 1.0
    return {
        "hours": round(hours, 2),
        "critical_hours_served": round(hours * served, 2),
        "load_kwh": {
            "wanted": round(passed["wanted_wh"] / 1e3, 3),
            "served": round(passed["served_wh"] / 1e3, 3),
        },
        "curtailed_kwh": round(passed["curtailed_wh"] / 1e3, 3),
    }


async def _events(clients: MeshClients, site: WatchedSite, span: TimeRange) -> dict[str, Any]:
    stub = execution_pb2_grpc.ExecutionServiceStub(clients.channel("control"))
    request = execution_pb2.ListDeviceEventsRequest(
        parent=f"{site.id.name}/devices/-", page_size=1000, types=list(_TYPES)
    )
    with rpc_errors():
        told = list((await stub.ListDeviceEvents(request)).events)
    found: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for each in reversed(told):
        moment = datetime_from_proto(each.event_time, "event_time")
        if span.contains(moment):
            found[_TYPES[each.type]].append((moment, each.device.rpartition("/")[2]))
    return {
        "islanded": [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment, _ in found["islanded"]],
        "reconnected": [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment, _ in found["reconnected"]],
        "shed": [device for _, device in found["shed"]],
        "restored": [device for _, device in found["restored"]],
    }


def _by_site(folder: Path) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines_of(folder / "islands.jsonl"):
        rows[line["site"]].append(line)
    return rows


def _passed(lines: Sequence[Mapping[str, Any]], span: TimeRange) -> dict[str, float]:
    """Return by how much each count rose over a span, interpolated in time."""
    times_s = [datetime.fromisoformat(line["time"]).timestamp() for line in lines]
    ends = [span.start.timestamp(), span.end.timestamp()]
    names = [name for name in lines[0] if name not in ("site", "time", "islanded")]
    found = {}
    for name in names:
        before, after = np.interp(ends, times_s, [float(line[name]) for line in lines])
        found[name] = float(after - before)
    return found
