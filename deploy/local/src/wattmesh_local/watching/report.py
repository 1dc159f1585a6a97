"""The report of a run: what was planned, commanded, metered and saved, and whether it was sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh.control.v1 import control_pb2
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh.gateway.v1 import gateway_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import INTERVAL, Accounts, compute_accounts
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.daily_events import events_content
from wattmesh_local.watching.effects import effects_in
from wattmesh_local.watching.islands import islands_content
from wattmesh_local.watching.kinds import kinds_content
from wattmesh_local.watching.ledger import battery_ledgers, published_readings
from wattmesh_local.watching.plans import count_degradations, plans_in
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.aio.tasks import together
from wattmesh_runtime.errors import rpc_errors

LARGEST_LATE_RATIO = 0.01
LARGEST_LEDGER_ERROR_RATIO = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything the report says, ready for JSON; `faults` is empty when the run was sound."""

    content: Mapping[str, Any]
    faults: tuple[str, ...]


async def make_report(
    clients: MeshClients,
    sites: list[WatchedSite],
    span: TimeRange,
    *,
    gateway: str,
    ledger_folder: Path,
    wall_s: float,
    clock: Mapping[str, float] | None = None,
    events: bool = False,
) -> Report:
    """Return the report of `span`, whose ends are local midnights, of a run that has come to rest.

    All comes from what metering, control, planner and forecast stored; what only the devices know
    (what they published, what their batteries did) from their own ledger.
    """
    with rpc_errors():
        (plans, commands, readings), (accounts, forecast, ledger_error) = await together(
            together(
                _plans(clients, span),
                _commands(clients, span),
                _readings(clients, gateway, ledger_folder),
            ),
            together(
                compute_accounts(clients, sites, span),
                _forecast(clients, sites, span),
                _ledger_error_ratio(clients, sites, span, ledger_folder),
            ),
        )
        effects = await effects_in(clients, span)
        kinds = await kinds_content(clients, sites, span, ledger_folder)
    called = (
        {"events": await events_content(clients, sites, ledger_folder, span.end)} if events else {}
    )
    if any(site.can_island for site in sites):
        called["outages"] = await islands_content(clients, sites, span, ledger_folder)
    stored = _stored_kwh(sites, span, ledger_folder)
    content = {
        "homes": len(sites),
        "days": round(span.duration / timedelta(days=1), 3),
        "intervals": span.count(INTERVAL),
        **plans,
        "readings": readings,
        "commands": commands,
        "effects": dict(effects),
        **_accounts_content(accounts),
        "missing_intervals": accounts.missing_intervals,
        "kinds": kinds,
        "forecast": forecast,
        "stored_kwh": stored,
        "ledger_error_ratio": ledger_error,
        "wall_s": round(wall_s, 1),
        "clock": dict(clock or {}),
        **called,
    }
    return Report(content=content, faults=tuple(find_faults(content)))


def find_faults(content: Mapping[str, Any]) -> list[str]:
    """Return what makes a run unsound, in words."""
    plans, readings, commands = content["plans"], content["readings"], content["commands"]
    faults = []
    if readings["published"] != readings["stored"]:
        faults.append(f"{readings['published']} readings published, {readings['stored']} stored")
    if readings["rejected"]:
        faults.append(f"{readings['rejected']} readings rejected")
    if plans["failed"]:
        faults.append(f"{plans['failed']} plans failed")
    if plans["made"] < content["intervals"]:
        faults.append(f"{plans['made']} plans for {content['intervals']} intervals")
    if plans["late"] > LARGEST_LATE_RATIO * plans["made"]:
        faults.append(f"{plans['late']} of {plans['made']} plans late")
    if not commands["issued"]:
        faults.append("no command was issued")
    due = commands["issued"] - commands.get("superseded", 0)
    faults += [
        f"{due} commands issued, {commands[word]} {word}"
        for word in ("applied", "verified")
        if commands[word] != due
    ]
    if commands["failed"]:
        faults.append(f"{commands['failed']} commands failed")
    if charging := content.get("kinds", {}).get("ev_charger"):
        left, stored = charging["sessions"], charging["stored_sessions"]
        if left != stored:
            faults.append(f"{left} vehicles left, {stored} of their sessions stored")
    faults += _event_faults(content)
    error = content["ledger_error_ratio"]
    if error is None or error > LARGEST_LEDGER_ERROR_RATIO:
        faults.append(f"the batteries' meters are off their own ledger by {error}")
    return faults


def _event_faults(content: Mapping[str, Any]) -> list[str]:
    events = content.get("events")
    if events is None:
        return []
    faults = []
    if events["called"] < content["days"]:
        faults.append(f"{events['called']} events in {content['days']:g} days")
    if events["settled"] < events["participations"]:
        faults.append(f"{events['settled']} of {events['participations']} participations settled")
    return faults


def _accounts_content(accounts: Accounts) -> dict[str, Any]:
    achieved, no_control = accounts.achieved, accounts.no_control
    return {
        "cost": {
            "currency": accounts.currency_code,
            "no_control": float(no_control.cost),
            "achieved": float(achieved.cost),
        },
        "carbon_kg": {
            "no_control": round(no_control.carbon_kg, 3),
            "achieved": round(achieved.carbon_kg, 3),
        },
        "peak_kw": {
            "no_control": round(no_control.peak_kw, 3),
            "achieved": round(achieved.peak_kw, 3),
        },
    }


async def _plans(clients: MeshClients, span: TimeRange) -> dict[str, Any]:
    found = await clients.planner.GetPlanStatistics(
        planner_pb2.GetPlanStatisticsRequest(start_range=time_range_to_proto(span))
    )
    solved = found.HasField("solve_duration_p50_ms")
    listed = [plan async for plan in plans_in(clients, span)]
    return {
        "plans": {"made": found.made, "late": found.late, "failed": found.failed},
        "solve_ms": {
            "p50": round(found.solve_duration_p50_ms, 3) if solved else None,
            "p99": round(found.solve_duration_p99_ms, 3) if solved else None,
        },
        "degradations": count_degradations(listed),
    }


async def _commands(clients: MeshClients, span: TimeRange) -> dict[str, int]:
    found = await clients.control.GetCommandStatistics(
        control_pb2.GetCommandStatisticsRequest(start_range=time_range_to_proto(span))
    )
    return {
        "issued": found.issued,
        "applied": found.applied,
        "verified": found.verified,
        "failed": found.failed,
        "superseded": found.superseded,
    }


async def _readings(clients: MeshClients, gateway: str, ledger_folder: Path) -> dict[str, int]:
    """Count what devices published (their ledger) and the gateway polled, and what was stored."""
    stored = await clients.metering.GetIngestStatistics(
        metering_pb2.GetIngestStatisticsRequest(source=gateway)
    )
    status = await clients.gateway.GetGatewayStatus(gateway_pb2.GetGatewayStatusRequest())
    return {
        "published": published_readings(ledger_folder) + status.readings_polled,
        "stored": stored.stored,
        "rejected": stored.rejected + status.readings_rejected,
        "duplicates": stored.duplicates,
    }


async def _forecast(
    clients: MeshClients, sites: list[WatchedSite], span: TimeRange
) -> dict[str, float | None]:
    loads = [asset for site in sites for asset in site.loads]
    winds = [asset for site in sites for asset in site.turbines]
    suns = [asset for site in sites for asset in site.generation if asset not in winds]
    load, sun = await together(_evaluate(clients, loads, span), _evaluate(clients, suns, span))
    wind = await _evaluate(clients, winds, span)
    blown = {"wind_wape": wind[0], "wind_wape_naive": wind[1]} if winds else {}
    return {
        **blown,
        "load_wape": load[0],
        "load_wape_naive": load[1],
        "pv_wape": sun[0],
        "pv_wape_naive": sun[1],
    }


async def _evaluate(
    clients: MeshClients, assets: list[AssetId], span: TimeRange
) -> tuple[float | None, float | None]:
    if not assets:
        return None, None
    found = await clients.forecast.EvaluateForecasts(
        forecast_pb2.EvaluateForecastsRequest(
            assets=[asset.name for asset in assets],
            issue_range=time_range_to_proto(span),
            measured_by_time=timestamp_to_proto(span.end),
        )
    )
    return (
        round(found.wape_ratio, 4) if found.HasField("wape_ratio") else None,
        round(found.naive_wape_ratio, 4) if found.HasField("naive_wape_ratio") else None,
    )


async def _ledger_error_ratio(
    clients: MeshClients, sites: list[WatchedSite], span: TimeRange, folder: Path
) -> float | None:
    """Return how far the meters' battery energy is from the batteries' own, in both directions."""
    ledgers, off, total = battery_ledgers(folder), 0.0, 0.0
    for site in sites:
        for battery in site.batteries:
            ledger = ledgers.get(site.id.name) or ledgers.get(site.id.segment)
            if ledger is None:
                return None
            metered = await _metered_throughput_wh(clients, battery, span)
            own = ledger.throughput_wh(span)
            off += sum(abs(left - right) for left, right in zip(metered, own, strict=True))
            total += sum(own)
    return round(off / total, 6) if total else None


async def _metered_throughput_wh(
    clients: MeshClients, battery: AssetId, span: TimeRange
) -> tuple[float, float]:
    """Return what the battery's registers gained over the span [Wh]: charged, discharged."""
    answer = await clients.metering.QueryEnergy(
        metering_pb2.QueryEnergyRequest(
            assets=[battery.name],
            range=time_range_to_proto(span),
            resolution=duration_to_proto(INTERVAL),
        )
    )
    energy = answer.energies[0]
    return (
        float(np.nansum(energy.import_energy_wh.values)),
        float(np.nansum(energy.export_energy_wh.values)),
    )


def _stored_kwh(sites: list[WatchedSite], span: TimeRange, folder: Path) -> dict[str, float]:
    """Return what the batteries held at both ends: cost alone would hide an emptied store."""
    ledgers = battery_ledgers(folder)
    held = {"start": 0.0, "end": 0.0}
    for site in sites:
        ledger = ledgers.get(site.id.name) or ledgers.get(site.id.segment)
        if ledger is not None:
            held["start"] += ledger.soc_ratio(span.start) * site.battery_capacity_wh / 1000
            held["end"] += ledger.soc_ratio(span.end) * site.battery_capacity_wh / 1000
    return {name: round(value, 3) for name, value in held.items()}
