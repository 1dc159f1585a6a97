"""What each table of the terminal shows: its columns at a width, and its rows by key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.text import Text

from wattmesh.alert.v1 import alert_pb2
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_local.watching.accounts import Accounts
from wattmesh_local.watching.cells import (
    Glyphs,
    charged,
    kw,
    leaves,
    planned,
    saved,
    soc,
)
from wattmesh_local.watching.snapshot import Snapshot

WIDE = 110
"""From this width on there is room for the hours that are planned, and bars [columns]."""
_REST, _HOUR, _KW = 62, 6, 9
_SEVERITIES = {
    alert_pb2.ALERT_SEVERITY_CRITICAL: "red",
    alert_pb2.ALERT_SEVERITY_WARNING: "yellow",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """The heads of a table, the left-hand one first."""

    heads: tuple[str, ...]


Rows = Iterator[tuple[str, tuple[Text, ...]]]
"""Key and cells of each row."""


def site_columns(snapshot: Snapshot, width: int) -> Columns:
    """Return what is told of sites."""
    charging, heated = _has(snapshot)
    heads = ["site", "load", "PV", "battery", *["EVs"] * charging, *["heat"] * heated]
    heads += ["net kW", "charge"]
    return Columns(heads=(*heads, *["battery, next hours kW"] * (width >= WIDE)))


def site_rows(snapshot: Snapshot, width: int, glyphs: Glyphs) -> Rows:
    """Give a row for each site."""
    charging, heated = _has(snapshot)
    wide = width >= WIDE
    hours = max((width - _REST - _KW * (charging + heated)) // _HOUR, 0)
    for site in snapshot.sites:
        powers = [
            kw(site.load_w, glyphs),
            kw(site.generation_w, glyphs, "yellow"),
            kw(site.battery_w, glyphs, "green"),
            *([kw(site.charging_w, glyphs, "blue")] if charging else ()),
            *([kw(site.heat_w, glyphs, "magenta")] if heated else ()),
            kw(site.net_w, glyphs, "bold"),
        ]
        for power in powers:
            power.justify = "right"
        yield (
            site.name,
            (
                Text(site.name),
                *powers,
                soc(site.soc_ratio, glyphs, 10 if wide else 0),
                *([planned(site.planned_battery_w, glyphs, hours)] if wide else ()),
            ),
        )


def _has(snapshot: Snapshot) -> tuple[bool, bool]:
    return (
        any(site.charging_w is not None for site in snapshot.sites),
        any(site.heat_w is not None for site in snapshot.sites),
    )


PLAN_COLUMNS = "steered"


def plan_columns(snapshot: Snapshot, zone: ZoneInfo, width: int) -> Columns:
    """Return the hours that are planned, as many as there is room for."""
    first = snapshot.time.astimezone(zone)
    hours = range(max(min((width - 26) // 8, 8), 1))
    times = (f"{first + timedelta(hours=hour):%H} h" for hour in hours)
    return Columns(heads=(PLAN_COLUMNS, *times))


def plan_rows(snapshot: Snapshot, width: int, glyphs: Glyphs) -> Rows:
    """Give a row for each asset that is steered: what it will take (+) and give (-) [kW]."""
    hours = max(min((width - 26) // 8, 8), 1)
    for asset, powers_w in sorted(snapshot.planned_w.items()):
        name = asset.removeprefix("sites/").replace("/assets/", " ")
        cells = [planned([power], glyphs, 1) for power in powers_w[:hours]]
        yield asset, (Text(name), *cells, *[Text(glyphs.dash)] * (hours - len(cells)))


VEHICLE_COLUMNS = Columns(heads=("vehicle at", "kW", "kWh of wanted", "leaves", "next hours kW"))


def vehicle_rows(snapshot: Snapshot, zone: ZoneInfo, width: int, glyphs: Glyphs) -> Rows:
    """Give a row for each vehicle that is plugged in."""
    hours = max((width - 52) // _HOUR, 0)
    for each in snapshot.vehicles:
        yield (
            each.asset,
            (
                Text(each.charge_point),
                kw(snapshot.powers_w.get(each.asset), glyphs, "blue"),
                charged(each, glyphs),
                leaves(each, zone, glyphs),
                planned(snapshot.planned_w.get(each.asset, ()), glyphs, hours),
            ),
        )


ACCOUNT_COLUMNS = Columns(heads=("so far", "with control", "without", "saved"))


def account_rows(accounts: Accounts | None, glyphs: Glyphs) -> Rows:
    """Give cost, peak and emissions beside what they would have been."""
    if accounts is None:
        return
    with_, without = accounts.achieved, accounts.no_control
    for name, achieved, baseline, form in (
        (f"cost {accounts.currency_code}", float(with_.cost), float(without.cost), ".2f"),
        ("peak kW", with_.peak_kw, without.peak_kw, ".2f"),
        ("carbon kg", with_.carbon_kg, without.carbon_kg, ".1f"),
    ):
        both = (Text(f"{value:{form}}", justify="right") for value in (achieved, baseline))
        yield name, (Text(name), *both, saved(achieved, baseline, glyphs))


ALERT_COLUMNS = Columns(heads=("since", "what is the matter", "taken on by"))


def alert_rows(alerts: Sequence[alert_pb2.Alert], zone: ZoneInfo, width: int) -> Rows:
    """Give the alerts that are not over, the urgent first."""
    room = max(width - 34, 20)
    for alert in sorted(alerts, key=lambda each: (-each.severity, each.name)):
        since: datetime = datetime_from_proto(alert.fire_time).astimezone(zone)
        summary = Text(alert.summary, style=_SEVERITIES.get(alert.severity, ""))
        summary.truncate(room, overflow="ellipsis")
        taken = Text(alert.acknowledgement.owner, style="dim")
        yield alert.name, (Text(f"{since:%a %H:%M}"), summary, taken)


PROCESS_COLUMNS = Columns(heads=("process", "state"))


def process_rows(snapshot: Snapshot, glyphs: Glyphs) -> Rows:
    """Give each process, those that are not well first."""
    order = sorted(snapshot.health.items(), key=lambda each: (each[1] == "SERVING", each[0]))
    for name, state in order:
        colour = "green" if state == "SERVING" else "red"
        said = Text(f"{glyphs.dot} {state.lower().replace('_', ' ')}", style=colour)
        yield name, (Text(name), said)
