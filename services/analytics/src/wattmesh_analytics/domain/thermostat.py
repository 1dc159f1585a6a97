"""Zones that a thermostat keeps by its schedule, from what was metered and how they answer.

What warmed a zone beside its machine is worked out from its metered temperature (the gains that
make the model show exactly what the sensor showed); with the same gains the model is run again with
a thermostat. So an error of the model moves both sides alike, and control is held against the
weather, the sun and the people that there were.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_analytics.domain.energy import Bools, Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import CopPoint, ZoneThermalModel


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonePlant:
    """How a zone answers, and its machines: most power [W] and heat or cold per energy."""

    model: ZoneThermalModel
    heating_w: float = 0.0
    cooling_w: float = 0.0
    heating_cop: tuple[CopPoint, ...] = ()
    cooling_cop: tuple[CopPoint, ...] = ()

    def heats(self, record: "ZoneRecord") -> Bools:
        """Return in which intervals the machine heats, shape (n,).

        Where there are both, it heats while it is colder outside than the middle of the band.
        """
        if not (self.heating_w and self.cooling_w):
            return np.full(len(record.outdoor_celsius), bool(self.heating_w))
        middle = (record.low_celsius + record.high_celsius) / 2
        return np.asarray(record.outdoor_celsius < middle)

    def ratios(self, record: "ZoneRecord") -> Floats:
        """Return heat per energy in each interval, shape (n,); cold is negative."""
        return np.where(
            self.heats(record),
            cop_ratios(self.heating_cop, record.outdoor_celsius),
            -cop_ratios(self.cooling_cop, record.outdoor_celsius),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneRecord:
    """A zone over n intervals: electric energy [Wh], temperatures at their ends and outside [°C],
    and the band that was wanted, (n,) each; `first_celsius` when they begin. NaN: not metered.
    """

    energy_wh: Series
    air_celsius: Floats
    outdoor_celsius: Floats
    low_celsius: Floats
    high_celsius: Floats
    first_celsius: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneRun:
    """What a thermostat would have taken, how much more heat control left, and comfort of both.

    `stored_wh`: electric energy that the warmth which control left more at the end is worth [Wh];
    negative: less. Discomfort in K h, of the intervals that are known.
    """

    moved: Moved
    stored_wh: float
    metered_kelvin_hours: float
    ruled_kelvin_hours: float


def keep_schedule(
    record: ZoneRecord, plant: ZonePlant, wanted: ZoneRecord | None = None
) -> ZoneRun:
    """Return what a thermostat would have taken that keeps the edge of the band by least energy.

    It heats to the lower edge and cools to the upper, as far as its machine can. Where something
    was not metered nothing is known, and the run begins anew from the metered temperature. Comfort
    is told by the band of `wanted`, where another is kept.
    """
    step, comfort = Step.of(plant.model, hours_of(record.energy_wh)), wanted or record
    heats, cop = plant.heats(record), plant.ratios(record)
    most_w = np.where(heats, plant.heating_w, plant.cooling_w)
    ruled = np.full(len(record.air_celsius), np.nan)
    seen, kept = step.still(record.first_celsius), step.still(record.first_celsius)
    ends = np.full(len(ruled), np.nan)
    for index in range(len(ruled)):
        air, outdoor = record.air_celsius[index], record.outdoor_celsius[index]
        used = record.energy_wh.values[index] / step.hours
        if not np.isfinite(air + outdoor + used + seen[0]):
            seen = kept = step.still(air)
            continue
        # The heat that the air got, from all that warms it, and of it what the machine gave.
        whole = step.heat_for(seen, outdoor, air)
        gains = whole - cop[index] * used
        edge = record.low_celsius[index] if heats[index] else record.high_celsius[index]
        lacking = step.heat_for(kept, outdoor, edge) - gains
        power = min(max(lacking / cop[index], 0.0), most_w[index]) if cop[index] else 0.0
        seen = step.after(seen, outdoor, whole)
        kept = step.after(kept, outdoor, gains + cop[index] * power)
        ruled[index], ends[index] = power * step.hours, kept[0]
    moved = Moved(metered=record.energy_wh, ruled=record.energy_wh.with_values(ruled))
    return ZoneRun(
        moved=moved,
        stored_wh=stored_wh(plant.model, seen - kept, cop),
        metered_kelvin_hours=discomfort(
            np.where(np.isfinite(ends), record.air_celsius, np.nan), comfort, step.hours
        ),
        ruled_kelvin_hours=discomfort(ends, comfort, step.hours),
    )


def discomfort(air_celsius: Floats, record: ZoneRecord, hours: float) -> float:
    """Return by how much temperatures are outside of the band, and for how long [K h].

    2 K too cold for half an hour are 1 K h.
    """
    below = np.maximum(record.low_celsius - air_celsius, 0.0)
    above = np.maximum(air_celsius - record.high_celsius, 0.0)
    return float(np.nansum(below + above) * hours)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The model over one interval, exact for inputs that are constant in it.

    x' = A x + B u with x air and mass [°C], u outdoor temperature and heat to the air [W]; over an
    interval x1 = e^(A h) x0 + A^-1 (e^(A h) - I) B u. Source: e.g. Åström, Wittenmark,
    "Computer-Controlled Systems", chapter 2.
    """

    state: Floats
    inputs: Floats
    hours: float

    @classmethod
    def of(cls, model: ZoneThermalModel, hours: float) -> "Step":
        """Return the step of a model over so many hours."""
        air, outside = model.air_capacity_wh_per_k, model.air_outdoor_resistance_k_per_w
        loss = 1.0 / (air * outside)
        if model.mass_capacity_wh_per_k is None or model.air_mass_resistance_k_per_w is None:
            rates = np.array([[-loss]])
            drives = np.array([[loss, 1.0 / air]])
        else:
            exchange = 1.0 / (air * model.air_mass_resistance_k_per_w)
            back = 1.0 / (model.mass_capacity_wh_per_k * model.air_mass_resistance_k_per_w)
            rates = np.array([[-loss - exchange, exchange], [back, -back]])
            drives = np.array([[loss, 1.0 / air], [0.0, 0.0]])
        values, vectors = np.linalg.eig(rates * hours)
        grown = np.real(vectors @ np.diag(np.exp(values)) @ np.linalg.inv(vectors))
        driven = np.linalg.solve(rates, grown - np.eye(len(rates))) @ drives
        return cls(state=grown, inputs=driven, hours=hours)

    def still(self, celsius: float) -> Floats:
        """Return the state of a zone whose mass is as warm as its air."""
        return np.full(len(self.state), celsius)

    def after(self, state: Floats, outdoor: float, heat_w: float) -> Floats:
        """Return the state an interval later."""
        return np.asarray(self.state @ state + self.inputs @ np.array([outdoor, heat_w]))

    def heat_for(self, state: Floats, outdoor: float, celsius: float) -> float:
        """Return the heat by which the air is so warm an interval later [W]; negative: cold."""
        free = float((self.state @ state)[0] + self.inputs[0, 0] * outdoor)
        return (celsius - free) / float(self.inputs[0, 1])


def cop_ratios(points: tuple[CopPoint, ...], outdoor: Floats) -> Floats:
    """Return heat or cold per energy: linear between the points, constant outside; 0: none."""
    if not points:
        return np.zeros(len(outdoor))
    return np.interp(
        outdoor,
        [each.outdoor_temperature_celsius for each in points],
        [each.cop_ratio for each in points],
    )


def stored_wh(model: ZoneThermalModel, warmer: Floats, cop: Floats) -> float:
    """Return the electric energy that makes air and mass so much warmer [Wh], by the last COP."""
    known = cop[np.isfinite(cop) & (cop != 0)]
    if not known.size or not np.isfinite(warmer).all():
        return 0.0
    heat = model.air_capacity_wh_per_k * float(warmer[0])
    if len(warmer) > 1:
        heat += (model.mass_capacity_wh_per_k or 0.0) * float(warmer[1])
    return heat / float(known[-1])


def hours_of(series: Series) -> float:
    """Return how long an interval is [h]."""
    return series.resolution.total_seconds() / 3600
