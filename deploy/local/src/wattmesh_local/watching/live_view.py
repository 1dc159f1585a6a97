"""The mesh as a picture in the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rich.box import ASCII as ASCII_BOX
from rich.box import ROUNDED
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wattmesh_local.running.process import ProcessEvent
from wattmesh_local.watching.accounts import Accounts
from wattmesh_local.watching.cells import (
    UTF8,
    Glyphs,
    charged,
    kw,
    leaves,
    or_dash,
    planned,
    saved,
    soc,
    total_kw,
)
from wattmesh_local.watching.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What is to be seen: the mesh, what goes on beside it, and what happened last."""

    snapshot: Snapshot
    zone: ZoneInfo
    rate: float
    events: Sequence[ProcessEvent] = ()
    doing: str = ""
    web: str = ""
    """Where a browser shows more; empty: nowhere."""


_WIDE = 110
"""From this width on there is room for whole words and bars [columns]."""
_HOUR_WIDTH = 6
"""Columns of one planned hour."""
_KW_WIDTH = 7
"""Columns of one more power."""
_NOTICES = 2
"""So many lines for what the grid does and asks."""
_VEHICLE_REST = 48
_NARROW_REST = 46
_WIDE_REST = 66
"""Columns of everything but the planned hours, frame included."""


def render(picture: Picture, size: tuple[int, int], glyphs: Glyphs = UTF8) -> RenderableType:
    """Return the whole picture, fitted to `size` (columns, rows); 80 by 24 is enough."""
    width, height = size
    snapshot, wide = picture.snapshot, width >= _WIDE
    local = snapshot.time.astimezone(picture.zone)
    pace = "live" if picture.rate == 1 else f"1 s shows {picture.rate / 60:.0f} min"
    separator = f" {glyphs.idle} "
    title = separator.join(("Wattmesh", f"{local:%a %d %b %Y %H:%M %Z}", pace))
    below = [*_lines(picture, glyphs, wide)]
    accounts = _accounts(snapshot.accounts, glyphs)
    room = height - len(below) - accounts.row_count - 5
    charging = _has_charge_points(snapshot)
    vehicles = min(len(snapshot.vehicles), max(room - len(snapshot.sites) - 1, 0))
    room -= 1 + max(vehicles, 1) if charging else 0
    parts: list[RenderableType] = [
        _sites_table(snapshot, glyphs, width, max(room, 1)),
        *([_vehicles_table(picture, glyphs, width, vehicles)] if charging else ()),
        Columns([_now(snapshot, glyphs), accounts], padding=(0, 3 if wide else 1)),
        *below,
    ]
    box = ROUNDED if glyphs is UTF8 else ASCII_BOX
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=picture.web or None,
        subtitle_align="right",
        border_style="cyan",
        box=box,
    )


def _lines(picture: Picture, glyphs: Glyphs, wide: bool) -> Iterator[Text]:
    """Give what stands below the figures, a line each."""
    snapshot = picture.snapshot
    for notice in snapshot.notices[:_NOTICES]:
        yield Text(notice, style="bold yellow", overflow="ellipsis", no_wrap=True)
    if snapshot.plan:
        yield Text(snapshot.plan, style="dim", overflow="ellipsis", no_wrap=True)
    if snapshot.degradations:
        words = f"degraded {_degradations(snapshot)}"
        yield Text(words, style="yellow", overflow="ellipsis", no_wrap=True)
    if picture.doing:
        yield Text(picture.doing, style="cyan", overflow="ellipsis", no_wrap=True)
    yield _health(snapshot, glyphs, wide)
    for event in picture.events[-3:]:
        words = f"{event.name} {event.text}"
        yield Text(words, style="yellow", overflow="ellipsis", no_wrap=True)


def summary_line(snapshot: Snapshot, zone: ZoneInfo) -> str:
    """Return the picture as one line, for logs."""
    local = snapshot.time.astimezone(zone)
    net = total_kw(site.net_w for site in snapshot.sites)
    battery = total_kw(site.battery_w for site in snapshot.sites)
    parts = [f"{local:%Y-%m-%d %H:%M}", f"net {or_dash(net, '.2f', ' kW')}"]
    parts.append(f"battery {or_dash(battery, '+.2f', ' kW')}")
    if _has_charge_points(snapshot):
        charging = total_kw(site.charging_w for site in snapshot.sites)
        parts.append(f"EVs {len(snapshot.vehicles)}, {or_dash(charging, '.2f', ' kW')}")
    if _is_heated(snapshot):
        heat = total_kw(site.heat_w for site in snapshot.sites if site.heat_w is not None)
        parts.append(f"heat {or_dash(heat, '.2f', ' kW')}")
    if snapshot.price_per_kwh is not None:
        parts.append(f"price {snapshot.price_per_kwh:.2f}")
    if (accounts := snapshot.accounts) is not None:
        parts.append(f"cost {accounts.achieved.cost} (without control {accounts.no_control.cost})")
        peaks = accounts.achieved.peak_kw, accounts.no_control.peak_kw
        parts.append(f"peak {peaks[0]:.2f} kW (without {peaks[1]:.2f})")
        if accounts.missing_intervals:
            parts.append(f"{accounts.missing_intervals} site hours not metered")
    parts += snapshot.notices
    if snapshot.degradations:
        parts.append(f"degraded {_degradations(snapshot)}")
    down = [name for name, state in snapshot.health.items() if state != "SERVING"]
    parts.append(f"down: {', '.join(down)}" if down else "all services up")
    return "  ".join(parts)


def _sites_table(snapshot: Snapshot, glyphs: Glyphs, width: int, rows: int) -> Table:
    wide = width >= _WIDE
    charging = _has_charge_points(snapshot)
    heated = _is_heated(snapshot)
    rest = (_WIDE_REST if wide else _NARROW_REST) + _KW_WIDTH * (charging + heated)
    hours = max((width - rest) // _HOUR_WIDTH, 0)
    table = Table(box=None, header_style="bold", padding=(0, 1), expand=True)
    table.add_column("site", no_wrap=True)
    for name in _columns(charging, heated, wide):
        unit = " kW" if wide else ""
        table.add_column(f"{name}{unit}", justify="right", no_wrap=True)
    table.add_column("state of charge" if wide else "SoC", no_wrap=True)
    signs = f"({glyphs.charge} charge {glyphs.discharge} discharge) kW" if wide else "kW"
    table.add_column(f"battery, next hours {signs}", no_wrap=True)
    shown = snapshot.sites if len(snapshot.sites) <= rows else snapshot.sites[: max(rows - 1, 0)]
    if not snapshot.sites:
        table.add_row(Text("none yet: wattmesh site apply FILE", style="dim", no_wrap=True))
    for site in shown:
        table.add_row(
            site.name,
            kw(site.load_w, glyphs),
            kw(site.generation_w, glyphs, "yellow"),
            kw(site.battery_w, glyphs, "green"),
            *([kw(site.charging_w, glyphs, "blue")] if charging else ()),
            *([kw(site.heat_w, glyphs, "magenta")] if heated else ()),
            kw(site.net_w, glyphs, "bold"),
            soc(site.soc_ratio, glyphs, 10 if wide else 0),
            planned(site.planned_battery_w, glyphs, hours),
        )
    if left := len(snapshot.sites) - len(shown):
        table.add_row(Text(f"and {left} more", style="dim"))
    return table


def _has_charge_points(snapshot: Snapshot) -> bool:
    return any(site.charging_w is not None for site in snapshot.sites)


def _is_heated(snapshot: Snapshot) -> bool:
    return any(site.heat_w is not None for site in snapshot.sites)


def _columns(charging: bool, heated: bool, wide: bool) -> list[str]:
    """Return the names of the columns that are powers."""
    battery = "battery" if wide else "batt."
    return [
        "load",
        "PV",
        battery,
        *(["EVs"] if charging else ()),
        *(["heat"] if heated else ()),
        "net",
    ]


def _vehicles_table(picture: Picture, glyphs: Glyphs, width: int, rows: int) -> Table:
    """Return who is at the charge points: how much of what is wanted, until when, and the plan."""
    snapshot, there = picture.snapshot, picture.snapshot.vehicles
    table = Table(box=None, header_style="bold", padding=(0, 1), expand=True)
    table.add_column("vehicle at", no_wrap=True)
    for name in ("kW", "kWh of wanted"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("leaves", no_wrap=True)
    table.add_column("next hours kW", no_wrap=True)
    if not there:
        table.add_row(Text("none plugged in", style="dim"))
    shown = there if len(there) <= rows else there[: max(rows - 1, 0)]
    for each in shown:
        table.add_row(
            each.charge_point,
            kw(snapshot.powers_w.get(each.asset), glyphs, "blue"),
            charged(each, glyphs),
            leaves(each, picture.zone, glyphs),
            planned(snapshot.planned_w.get(each.asset, ()), glyphs, _vehicle_hours(width)),
        )
    if left := len(there) - len(shown):
        table.add_row(Text(f"and {left} more", style="dim"))
    return table


def _vehicle_hours(width: int) -> int:
    return max((width - _VEHICLE_REST) // _HOUR_WIDTH, 0)


def _now(snapshot: Snapshot, glyphs: Glyphs) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    price = f" {snapshot.currency_code}/kWh"
    table.add_row("price", or_dash(snapshot.price_per_kwh, ".3f", price, glyphs.dash))
    table.add_row("carbon", or_dash(snapshot.carbon_gco2e_per_kwh, ".0f", " g/kWh", glyphs.dash))
    net = total_kw(site.net_w for site in snapshot.sites)
    table.add_row("net", or_dash(net, ".2f", " kW", glyphs.dash))
    return table


def _accounts(accounts: Accounts | None, glyphs: Glyphs) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("so far")
    for name in ("with control", "without", "saved"):
        table.add_column(name, justify="right")
    if accounts is None:
        table.add_row("cost, peak, carbon", "not known yet", "", "")
        return table
    with_, without = accounts.achieved, accounts.no_control
    rows = (
        (f"cost {accounts.currency_code}", float(with_.cost), float(without.cost), ".2f"),
        ("peak kW", with_.peak_kw, without.peak_kw, ".2f"),
        ("carbon kg", with_.carbon_kg, without.carbon_kg, ".1f"),
    )
    for name, achieved, baseline, form in rows:
        share = saved(achieved, baseline, glyphs)
        table.add_row(name, f"{achieved:{form}}", f"{baseline:{form}}", share)
    if accounts.missing_intervals:
        table.add_row(f"site hours not metered: {accounts.missing_intervals}", "", "", "")
    return table


def _health(snapshot: Snapshot, glyphs: Glyphs, wide: bool) -> Text:
    """Return how each process is; where there is little room, those that are not well."""
    text = Text(overflow="ellipsis", no_wrap=True)
    unwell = {name: state for name, state in snapshot.health.items() if state != "SERVING"}
    for name, state in (snapshot.health if wide else unwell).items():
        text.append(f"{glyphs.dot} ", style="green" if state == "SERVING" else "red")
        text.append(f"{name}  ")
    if not wide and not unwell and snapshot.health:
        text.append(f"{glyphs.dot} ", style="green")
        text.append(f"all {len(snapshot.health)} processes serve")
    return text


def _degradations(snapshot: Snapshot) -> str:
    """Return what the newest plans had to do without, and how often."""
    return ", ".join(f"{kind} {count}" for kind, count in snapshot.degradations.items())
