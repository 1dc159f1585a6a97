"""What stands in the cells of a table: powers, charge, hours that are planned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rich.text import Text

from wattmesh_local.watching.vehicles import Vehicle


@dataclass(frozen=True, kw_only=True, slots=True)
class Glyphs:
    """The signs of the picture: a terminal that shows no others has ASCII."""

    dash: str
    full: str
    empty: str
    charge: str
    discharge: str
    idle: str
    dot: str


UTF8 = Glyphs(dash="–", full="█", empty="░", charge="↑", discharge="↓", idle="·", dot="●")
ASCII = Glyphs(dash="-", full="#", empty=".", charge="^", discharge="v", idle=".", dot="*")


def charged(vehicle: Vehicle, glyphs: Glyphs) -> Text:
    """Return what it got of what its driver wants; `~`: of what is expected."""
    got = or_dash(None if vehicle.charged_wh is None else vehicle.charged_wh / 1000, ".1f", "")
    if not vehicle.takes:
        return Text(f"{got} full", style="green")
    if vehicle.required_wh is None:
        return Text(got)
    sign = "" if vehicle.declared else "~"
    return Text(f"{got} of {sign}{vehicle.required_wh / 1000:.1f}")


def leaves(vehicle: Vehicle, zone: ZoneInfo, glyphs: Glyphs) -> Text:
    """Return when it leaves by its driver's word; `~`: by what is expected."""
    if vehicle.leave_time is None:
        return Text(glyphs.dash, style="dim")
    sign = "" if vehicle.declared else "~"
    return Text(f"{sign}{vehicle.leave_time.astimezone(zone):%H:%M}")


def saved(achieved: float, baseline: float, glyphs: Glyphs) -> Text:
    """Return which share was saved."""
    if not baseline:
        return Text(glyphs.dash)
    ratio = (baseline - achieved) / abs(baseline)
    return Text(f"{ratio:+.1%}", style="green" if ratio >= 0 else "red")


def total_kw(powers_w: Iterable[float | None]) -> float | None:
    """Return the sum of what is known [kW]; None when nothing is."""
    known = [power_w for power_w in powers_w if power_w is not None]
    return sum(known) / 1000 if known else None


def kw(power_w: float | None, glyphs: Glyphs, style: str = "") -> Text:
    """Return a power in kW, faint where it is as good as none."""
    if power_w is None:
        return Text(glyphs.dash, style="dim")
    return Text(f"{power_w / 1000:.2f}", style=style if abs(power_w) >= 1 else "dim")


def soc(ratio: float | None, glyphs: Glyphs, bar_width: int) -> Text:
    """Return a state of charge, with a bar where there is room for one."""
    if ratio is None:
        return Text(glyphs.dash, style="dim")
    full = round(ratio * bar_width)
    bar = Text(glyphs.full * full, style="green")
    bar.append(glyphs.empty * (bar_width - full), style="dim")
    return bar.append(f" {ratio:4.0%}" if bar_width else f"{ratio:4.0%}")


def planned(powers_w: Sequence[float], glyphs: Glyphs, hours: int) -> Text:
    """Return planned powers, an hour each."""
    text = Text()
    for power_w in powers_w[:hours]:
        if abs(power_w) < 1:
            text.append(f"   {glyphs.idle}  ", style="dim")
        elif power_w > 0:
            text.append(f"{power_w / 1000:5.1f}{glyphs.charge}", style="green")
        else:
            text.append(f"{-power_w / 1000:5.1f}{glyphs.discharge}", style="magenta")
    return text


def or_dash(value: float | None, form: str, unit: str, dash: str = UTF8.dash) -> str:
    """Return a number with its unit, or a dash."""
    return dash if value is None else f"{value:{form}}{unit}"
