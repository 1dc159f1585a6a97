"""The mesh as a picture in the terminal."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wattmesh_local.running.process import ProcessEvent
from wattmesh_local.watching.accounts import Accounts
from wattmesh_local.watching.snapshot import SiteSnapshot, Snapshot


def render(
    snapshot: Snapshot, zone: ZoneInfo, rate: float, events: Iterable[ProcessEvent]
) -> RenderableType:
    """Return the whole picture."""
    local = snapshot.time.astimezone(zone)
    title = f"Wattmesh · {local:%a %d %b %Y %H:%M %Z} · 1 s shows {rate / 60:.0f} min"
    parts: list[RenderableType] = [_sites_table(snapshot)]
    parts.append(Columns([_now(snapshot), _accounts(snapshot.accounts)], padding=(0, 3)))
    if snapshot.plan:
        parts.append(Text(snapshot.plan, style="dim", overflow="ellipsis", no_wrap=True))
    if snapshot.degradations:
        words = f"degraded {_degradations(snapshot)}"
        parts.append(Text(words, style="yellow", overflow="ellipsis", no_wrap=True))
    parts.append(_health(snapshot))
    parts += [Text(f"{event.name} {event.text}", style="yellow") for event in list(events)[-3:]]
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan")


def summary_line(snapshot: Snapshot, zone: ZoneInfo) -> str:
    """Return the picture as one line, for logs."""
    local = snapshot.time.astimezone(zone)
    net = _total_kw(site.net_w for site in snapshot.sites)
    battery = _total_kw(site.battery_w for site in snapshot.sites)
    parts = [f"{local:%Y-%m-%d %H:%M}", f"net {_or_dash(net, '.2f', ' kW')}"]
    parts.append(f"battery {_or_dash(battery, '+.2f', ' kW')}")
    if snapshot.price_per_kwh is not None:
        parts.append(f"price {snapshot.price_per_kwh:.2f}")
    if (accounts := snapshot.accounts) is not None:
        parts.append(f"cost {accounts.achieved.cost} (without control {accounts.no_control.cost})")
        peaks = accounts.achieved.peak_kw, accounts.no_control.peak_kw
        parts.append(f"peak {peaks[0]:.2f} kW (without {peaks[1]:.2f})")
        if accounts.missing_intervals:
            parts.append(f"{accounts.missing_intervals} site hours not metered")
    if snapshot.degradations:
        parts.append(f"degraded {_degradations(snapshot)}")
    down = [name for name, state in snapshot.health.items() if state != "SERVING"]
    parts.append(f"down: {', '.join(down)}" if down else "all services up")
    return "  ".join(parts)


def _sites_table(snapshot: Snapshot) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1), expand=True)
    table.add_column("site", no_wrap=True)
    for name in ("load", "PV", "battery", "net"):
        table.add_column(f"{name} kW", justify="right", no_wrap=True)
    table.add_column("state of charge", no_wrap=True)
    table.add_column("battery, next hours (↑ charge ↓ discharge) kW", no_wrap=True)
    for site in snapshot.sites:
        table.add_row(
            site.name,
            _kw(site.load_w),
            _kw(site.generation_w, "yellow"),
            _kw(site.battery_w, "green"),
            _kw(site.net_w, "bold"),
            _soc(site.soc_ratio),
            _planned(site),
        )
    return table


def _now(snapshot: Snapshot) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_row(
        "price", _or_dash(snapshot.price_per_kwh, ".3f", f" {snapshot.currency_code}/kWh")
    )
    table.add_row("carbon", _or_dash(snapshot.carbon_gco2e_per_kwh, ".0f", " g/kWh"))
    net = _total_kw(site.net_w for site in snapshot.sites)
    table.add_row("net", _or_dash(net, ".2f", " kW"))
    return table


def _accounts(accounts: Accounts | None) -> Table:
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
        table.add_row(name, f"{achieved:{form}}", f"{baseline:{form}}", _saved(achieved, baseline))
    if accounts.missing_intervals:
        table.add_row(f"site hours not metered: {accounts.missing_intervals}", "", "", "")
    return table


def _saved(achieved: float, baseline: float) -> Text:
    if not baseline:
        return Text("–")
    ratio = (baseline - achieved) / abs(baseline)
    return Text(f"{ratio:+.1%}", style="green" if ratio >= 0 else "red")


def _health(snapshot: Snapshot) -> Text:
    text = Text()
    for name, state in snapshot.health.items():
        text.append("● ", style="green" if state == "SERVING" else "red")
        text.append(f"{name}  ")
    return text


def _degradations(snapshot: Snapshot) -> str:
    """Return what the newest plans had to do without, and how often."""
    return ", ".join(f"{kind} {count}" for kind, count in snapshot.degradations.items())


def _total_kw(powers_w: Iterable[float | None]) -> float | None:
    """Return the sum of what is known [kW]; None when nothing is."""
    known = [power_w for power_w in powers_w if power_w is not None]
    return sum(known) / 1000 if known else None


def _kw(power_w: float | None, style: str = "") -> Text:
    if power_w is None:
        return Text("–", style="dim")
    return Text(f"{power_w / 1000:.2f}", style=style if abs(power_w) >= 1 else "dim")


def _soc(ratio: float | None) -> Text:
    if ratio is None:
        return Text("–", style="dim")
    full = round(ratio * 10)
    bar = Text("█" * full, style="green")
    bar.append("░" * (10 - full), style="dim")
    bar.append(f" {ratio:4.0%}")
    return bar


def _planned(site: SiteSnapshot) -> Text:
    text = Text()
    for power_w in site.planned_battery_w:
        if abs(power_w) < 1:
            text.append("   ·  ", style="dim")
        elif power_w > 0:
            text.append(f"{power_w / 1000:5.1f}↑", style="green")
        else:
            text.append(f"{-power_w / 1000:5.1f}↓", style="magenta")
    return text


def _or_dash(value: float | None, form: str, unit: str) -> str:
    return "–" if value is None else f"{value:{form}}{unit}"
