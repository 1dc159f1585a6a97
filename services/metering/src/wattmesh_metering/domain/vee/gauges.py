"""What is wrong with values that go up and down."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from wattmesh_metering.domain.readings import Floats, Ints, Mask
from wattmesh_metering.domain.vee.flags import Evidence, Flag, FlagKind

_OVERRATED = 3.0
_NOTED = 1.1

JUMPS: Mapping[str, float] = MappingProxyType(
    {
        "temperature_celsius": 15.0,
        "frequency_hz": 5.0,
        "soc_ratio": 0.5,
        "humidity_ratio": 0.6,
        "voltage_v": 100.0,
    }
)
"""By how much one reading of these stands out when both beside it agree, in the quantity's unit."""

HOUR_US = 3_600_000_000
_STUCK: Mapping[str, int] = MappingProxyType(
    {
        "voltage_v": 3 * HOUR_US,
        "frequency_hz": 3 * HOUR_US,
        "active_power_w": 12 * HOUR_US,
        "irradiance_w_per_m2": 3 * HOUR_US,
        "import_energy_wh": 96 * HOUR_US,
    }
)
"""For how long these do not stay the same, a power or irradiance of 0 aside [us]."""
_STUCK_READINGS = 12
_IDLE_AT_ZERO = frozenset({"active_power_w", "irradiance_w_per_m2"})


def judge_gauge(quantity: str, evidence: Evidence) -> list[Flag]:
    """Return values that are more than rated, or stand out of those beside them."""
    flags = list(_rates(evidence)) if quantity in ("active_power_w", "apparent_power_va") else []
    if quantity in JUMPS:
        flags += _spikes(evidence, JUMPS[quantity])
    return flags


def gaps(evidence: Evidence) -> Iterator[Flag]:
    """Yield where readings are missing: more than two in a row."""
    interval_us = evidence.limits.interval_us
    if interval_us is None or len(evidence) < 2:
        return
    for place in (np.diff(evidence.times_us) > 2.5 * interval_us).nonzero()[0].tolist():
        first, last = int(evidence.times_us[place]), int(evidence.times_us[place + 1])
        missing = (last - first) // interval_us - 1
        yield Flag(
            kind=FlagKind.GAP, first_us=first, last_us=last, message=f"{missing} readings missing"
        )


def stuck(quantity: str, evidence: Evidence) -> Iterator[Flag]:
    """Yield where a value stayed the same for longer than is likely."""
    longest = _STUCK.get(quantity)
    if longest is None or not len(evidence):
        return
    values, times_us = evidence.values, evidence.times_us
    firsts: Ints = np.append(0, np.diff(values).nonzero()[0] + 1)
    lasts: Ints = np.append(firsts[1:], len(values)) - 1
    long: Mask = (times_us[lasts] - times_us[firsts] >= longest) & (
        lasts - firsts + 1 >= _STUCK_READINGS
    )
    if quantity in _IDLE_AT_ZERO:
        long &= values[firsts] != 0
    for first, last in zip(firsts[long].tolist(), lasts[long].tolist(), strict=True):
        hours = (times_us[last] - times_us[first]) / HOUR_US
        yield Flag(
            kind=FlagKind.STUCK,
            first_us=int(times_us[first]),
            last_us=int(times_us[last]),
            message=f"{values[first]:.6g} for {hours:.1f} h",
        )


def _rates(evidence: Evidence) -> Iterator[Flag]:
    rated = evidence.limits.rated
    if rated is None:
        return
    sizes: Floats = np.abs(evidence.values)
    for place in (sizes > _NOTED * rated).nonzero()[0].tolist():
        moment, impossible = int(evidence.times_us[place]), sizes[place] > _OVERRATED * rated
        yield Flag(
            kind=FlagKind.SPIKE if impossible else FlagKind.RATE,
            first_us=moment,
            last_us=moment,
            message=f"{evidence.values[place]:.6g} is more than the {rated:g} rated",
            excludes=bool(impossible),
        )


def _spikes(evidence: Evidence, jump: float) -> Iterator[Flag]:
    values = evidence.values
    if len(values) < 3:
        return
    before, middle, after = values[:-2], values[1:-1], values[2:]
    out = (np.abs(middle - before) > jump) & (np.abs(middle - after) > jump)
    out &= np.abs(after - before) < jump / 4
    for place in (out.nonzero()[0] + 1).tolist():
        moment = int(evidence.times_us[place])
        yield Flag(
            kind=FlagKind.SPIKE,
            first_us=moment,
            last_us=moment,
            message=f"{values[place]:.6g} stands out of those beside it",
            excludes=True,
        )
