"""What each kind of asset can do, by its rating: the limits nothing may exceed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HvacZoneRating,
    LoadRating,
    Phase,
    PvRating,
    TankRating,
    WindRating,
    rated_power,
)

Envelopes = Mapping[SetpointKind, "Envelope"]

_ALL_POWER = 1.0
_GIVEN_OUT = -1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The values a device can take of one kind: [low, high] without the open interval `gap`.

    `watts_per_unit` turns a value into power into the device [W]: 1 for active power, -1 for a
    generation limit, 690 for the current of a three-phase charger at 230 V; None where power does
    not follow from the setpoint. `conductors`: in how many a current flows, each alike; None where
    a value is of all together. Error: InvalidArgument when the range is empty or not finite.
    """

    low: float
    high: float
    gap: tuple[float, float] | None = None
    watts_per_unit: float | None = None
    conductors: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InvalidArgument("INVALID_ENVELOPE", f"[{self.low}, {self.high}] is no range")
        if self.watts_per_unit == 0:
            raise InvalidArgument("INVALID_ENVELOPE", "a unit without power bounds nothing")

    def admits(self, value: float) -> bool:
        """Return whether the device can take a value as it is."""
        inside = self.low <= value <= self.high
        return inside and (self.gap is None or not self.gap[0] < value < self.gap[1])

    def on(self, phase: Phase) -> "Envelope":
        """Return it for what flows in fewer of its conductors; all of them: itself.

        16 A of a charge point on three are 11,040 W, of a vehicle that takes one of them 3,680 W.
        """
        if self.conductors is None or phase.count >= self.conductors:
            return self
        assert self.watts_per_unit is not None, "a current has a voltage"
        part = phase.count / self.conductors
        return replace(self, watts_per_unit=self.watts_per_unit * part, conductors=phase.count)

    @property
    def span(self) -> float:
        """The largest magnitude inside."""
        return max(abs(self.low), abs(self.high))


def envelopes_of(asset: Asset) -> Envelopes:
    """Return what an asset can be told, by kind; nothing for one that nobody steers."""
    most = rated_power(asset)
    match asset.rating:
        case BatteryRating(max_apparent_power_va=most_va):
            power = _power(-(most.max_export_w or 0.0), most.max_import_w or 0.0)
            return power | _reactive(most_va)
        case PvRating(curtailable=True, max_apparent_power_va=most_va):
            return _generation(most.max_export_w or 0.0) | _reactive(most_va)
        case WindRating(curtailable=True):
            return _generation(most.max_export_w or 0.0)
        case PvRating(max_apparent_power_va=most_va):
            return _reactive(most_va)
        case EvChargerRating():
            return _charger(asset.rating, asset.phase.count)
        case HvacZoneRating(occupied_band=band, unoccupied_band=away):
            bands = (band,) if away is None else (band, away)
            inside = _temperature(
                min(each.min_temperature_celsius for each in bands),
                max(each.max_temperature_celsius for each in bands),
            )
            return inside | _consumer(most.max_import_w or 0.0)
        case TankRating(min_temperature_celsius=low, max_temperature_celsius=high):
            return _temperature(low, high) | _consumer(most.max_import_w or 0.0)
        case DeferrableRating():
            return _consumer(most.max_import_w or 0.0)
        case GeneratorRating(min_output_power_w=least, max_output_power_w=rated):
            gap = (-least, 0.0) if least > 0 else None
            return _power(-rated, 0.0, gap) | _switch(-rated)
        case GridConnectionRating():
            return {SetpointKind.ON_OFF: Envelope(low=0.0, high=1.0, gap=(0.0, 1.0))}
        case LoadRating(critical_ratio=critical) if critical == 0:
            return {SetpointKind.ON_OFF: Envelope(low=0.0, high=1.0, gap=(0.0, 1.0))}
        case WindRating() | LoadRating():
            return {}


def _power(
    low: float, high: float, gap: tuple[float, float] | None = None
) -> dict[SetpointKind, Envelope]:
    envelope = Envelope(low=low, high=high, gap=gap, watts_per_unit=_ALL_POWER)
    return {SetpointKind.ACTIVE_POWER_W: envelope}


def _reactive(most_va: float | None) -> dict[SetpointKind, Envelope]:
    """What its inverter can at most; beside active power it is less, which the inverter sees to."""
    if not most_va:
        return {}
    return {SetpointKind.REACTIVE_POWER_VAR: Envelope(low=-most_va, high=most_va)}


def _generation(rated_power_w: float) -> dict[SetpointKind, Envelope]:
    envelope = Envelope(low=0.0, high=rated_power_w, watts_per_unit=_GIVEN_OUT)
    return {SetpointKind.GENERATION_LIMIT_W: envelope}


def _charger(rating: EvChargerRating, phases: int) -> dict[SetpointKind, Envelope]:
    """A charging point stands still, or draws at least its lowest current [A]."""
    watts_per_ampere = phases * rating.voltage_v
    least, most = rating.min_current_a, rating.max_current_a
    pause = (0.0, least) if least > 0 else None
    pause_w = (0.0, least * watts_per_ampere) if least > 0 else None
    current = Envelope(
        low=0.0, high=most, gap=pause, watts_per_unit=watts_per_ampere, conductors=phases
    )
    power = _power(-rating.max_discharge_power_w, most * watts_per_ampere, pause_w)
    return {SetpointKind.CURRENT_A: current, **power}


def _temperature(low_celsius: float, high_celsius: float) -> dict[SetpointKind, Envelope]:
    return {SetpointKind.TEMPERATURE_CELSIUS: Envelope(low=low_celsius, high=high_celsius)}


def _consumer(power_limit_w: float) -> dict[SetpointKind, Envelope]:
    """A heater, a tank or deferrable work is on, or draws up to its limit."""
    return _power(0.0, power_limit_w) | _switch(power_limit_w)


def _switch(power_w: float) -> dict[SetpointKind, Envelope]:
    if power_w == 0:
        return {}
    envelope = Envelope(low=0.0, high=1.0, gap=(0.0, 1.0), watts_per_unit=power_w)
    return {SetpointKind.ON_OFF: envelope}
