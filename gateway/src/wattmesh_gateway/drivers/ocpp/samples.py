"""Meter values: the measurands of OCPP as quantities."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.drivers.ocpp.heard import Measured, Nonsense
from wattmesh_kernel.quantities import QUANTITIES

_FURTHEST_AHEAD = timedelta(days=1)
"""How far a charge point's clock may be ahead: a reading of next year would look like new."""

_UNITS = {
    "Wh": 1.0,
    "kWh": 1000.0,
    "W": 1.0,
    "kW": 1000.0,
    "A": 1.0,
    "V": 1.0,
    "Percent": 0.01,
    "Celsius": 1.0,
    "Celcius": 1.0,
    "Hertz": 1.0,
    "Hz": 1.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sampled value; an empty `unit` is the measurand's own, an empty `phase` is all."""

    value: float
    measurand: str
    phase: str = ""
    location: str = "Outlet"
    unit: str = ""

    @property
    def scaled(self) -> float:
        """The value in the unit of the quantity; Nonsense when its unit is not known."""
        unit = self.unit or ("Percent" if self.measurand == "SoC" else "W")
        if unit not in _UNITS:
            raise Nonsense(f"{self.measurand} in {unit[:20]!r}, which is no known unit")
        return self.value * _UNITS[unit]


Combine = Callable[[Sequence[float]], float]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_QUANTITIES: dict[str, tuple[str, float, Combine]] = {
    "Energy.Active.Import.Register": ("import_energy_wh", 1.0, sum),
    "Energy.Active.Export.Register": ("export_energy_wh", 1.0, sum),
    "Power.Active.Import": ("active_power_w", 1.0, sum),
    "Power.Active.Export": ("active_power_w", -1.0, sum),
    "Current.Import": ("current_a", 1.0, max),
    "Voltage": ("voltage_v", 1.0, _mean),
    "Frequency": ("frequency_hz", 1.0, _mean),
    "SoC": ("soc_ratio", 1.0, max),
    "Temperature": ("temperature_celsius", 1.0, max),
}
"""Per measurand its quantity, its sign, and how phases become one value."""


def moment_of(text: object, arrival: datetime) -> datetime:
    """Return a time that a charge point says, in UTC; Nonsense when it is none or yet to come."""
    try:
        moment = datetime.fromisoformat(str(text))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Nonsense(f"{str(text)[:40]!r} is no time") from error
    if moment - arrival > _FURTHEST_AHEAD:
        raise Nonsense(f"it is dated {moment.isoformat()}, which is yet to come")
    return moment


def measured_at(time: datetime, samples: Iterable[Sample]) -> tuple[Measured, Sequence[str]]:
    """Return what samples of one moment mean, and what of them makes no sense.

    A value over all phases goes before those of single phases, which are put together.
    """
    by_measurand: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.measurand in _QUANTITIES and sample.location in ("Outlet", "EV", "Body"):
            by_measurand.setdefault(sample.measurand, []).append(sample)
    values: dict[str, float] = {}
    problems: list[str] = []
    for measurand, group in by_measurand.items():
        quantity, sign, combine = _QUANTITIES[measurand]
        try:
            value = sign * _combined(group, combine)
            if not QUANTITIES[quantity].accepts(values.get(quantity, 0.0) + value):
                raise Nonsense(f"{measurand} is {value:g}, which is not possible")
        except Nonsense as error:
            problems.append(str(error))
        else:
            values[quantity] = values.get(quantity, 0.0) + value
            for phase, of_phase in _by_phase(quantity, sign, group).items():
                values[phase] = values.get(phase, 0.0) + of_phase
    return Measured(time=time, values=values), problems


def finite(raw: object) -> float:
    """Return a number that a charge point says, as text or not; Nonsense when it is none."""
    try:
        value = float(str(raw)) if not isinstance(raw, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise Nonsense(f"{str(raw)[:40]!r} is no number")
    return value


def _by_phase(quantity: str, sign: float, group: Sequence[Sample]) -> dict[str, float]:
    """Return power by its phase, where it is told so."""
    if quantity != "active_power_w":
        return {}
    found = {
        f"active_power_{sample.phase[:2].lower()}_w": sign * sample.scaled
        for sample in group
        if sample.phase in _PHASES
    }
    return {name: value for name, value in found.items() if QUANTITIES[name].accepts(value)}


def _combined(group: Sequence[Sample], combine: Combine) -> float:
    whole = [sample for sample in group if not sample.phase]
    if whole:
        return whole[-1].scaled
    phases = [sample for sample in group if sample.phase in _PHASES]
    if not phases:
        raise Nonsense(f"{group[0].measurand} of {group[0].phase[:10]} alone")
    return combine([sample.scaled for sample in phases])


_PHASES = ("L1", "L2", "L3", "L1-N", "L2-N", "L3-N")
