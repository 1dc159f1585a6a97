"""What each kind of asset can do, by its parameters: the limits nothing may exceed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId

Envelopes = Mapping[SetpointKind, "Envelope"]

_ALL_POWER = 1.0
_GIVEN_OUT = -1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """The values a device can take of one kind: [low, high] without the open interval `gap`.

    `watts_per_unit` turns a value into power into the device [W]: 1 for active power, -1 for a
    generation limit, 690 for the current of a three-phase charger at 230 V; None where power does
    not follow from the setpoint. Error: InvalidArgument when the range is empty or not finite.
    """

    low: float
    high: float
    gap: tuple[float, float] | None = None
    watts_per_unit: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InvalidArgument("INVALID_ENVELOPE", f"[{self.low}, {self.high}] is no range")
        if self.watts_per_unit == 0:
            raise InvalidArgument("INVALID_ENVELOPE", "a unit without power bounds nothing")

    @property
    def span(self) -> float:
        """The largest magnitude inside."""
        return max(abs(self.low), abs(self.high))


@dataclass(frozen=True, kw_only=True, slots=True)
class ControllableDevice:
    """A device of the site model, as control sees it: what it steers, by whom, within what."""

    device: DeviceId
    asset: AssetId
    gateway: GatewayId
    envelopes: Envelopes
    """Empty for a device that cannot be steered, such as a meter."""


def battery_envelopes(charge_limit_w: float, discharge_limit_w: float) -> Envelopes:
    """Return what a battery can do; powers on the AC side [W], neither negative."""
    return {
        SetpointKind.ACTIVE_POWER: Envelope(
            low=-discharge_limit_w, high=charge_limit_w, watts_per_unit=_ALL_POWER
        )
    }


def generation_envelopes(rated_power_w: float) -> Envelopes:
    """Return what a curtailable PV array or wind turbine can do."""
    return {
        SetpointKind.GENERATION_LIMIT: Envelope(
            low=0.0, high=rated_power_w, watts_per_unit=_GIVEN_OUT
        )
    }


def charger_envelopes(
    *, min_current_a: float, max_current_a: float, phases: int, voltage_v: float, reversible: bool
) -> Envelopes:
    """Return what a charging point can do: nothing, or at least its lowest current [A]."""
    watts_per_ampere = phases * voltage_v
    most_w = max_current_a * watts_per_ampere
    pause = (0.0, min_current_a) if min_current_a > 0 else None
    pause_w = (0.0, min_current_a * watts_per_ampere) if min_current_a > 0 else None
    return {
        SetpointKind.CURRENT: Envelope(
            low=0.0, high=max_current_a, gap=pause, watts_per_unit=watts_per_ampere
        ),
        SetpointKind.ACTIVE_POWER: Envelope(
            low=-most_w if reversible else 0.0, high=most_w, gap=pause_w, watts_per_unit=_ALL_POWER
        ),
    }


def consumer_envelopes(power_limit_w: float) -> Envelopes:
    """Return what a heater, a tank or deferrable work can do: be on, or draw up to its limit."""
    envelopes = {
        SetpointKind.ACTIVE_POWER: Envelope(low=0.0, high=power_limit_w, watts_per_unit=_ALL_POWER)
    }
    return envelopes | _switch(power_limit_w)


def zone_envelopes(
    power_limit_w: float, comfort_min_celsius: float, comfort_max_celsius: float
) -> Envelopes:
    """Return what a heated or cooled zone can do: temperatures stay in the comfort band."""
    band = Envelope(low=comfort_min_celsius, high=comfort_max_celsius)
    return {SetpointKind.TEMPERATURE: band, **consumer_envelopes(power_limit_w)}


def generator_envelopes(min_output_w: float, rated_output_w: float) -> Envelopes:
    """Return what a generator set can do: stand still, or give out at least its stable minimum."""
    gap = (-min_output_w, 0.0) if min_output_w > 0 else None
    envelopes = {
        SetpointKind.ACTIVE_POWER: Envelope(
            low=-rated_output_w, high=0.0, gap=gap, watts_per_unit=_ALL_POWER
        )
    }
    return envelopes | _switch(-rated_output_w)


def _switch(power_w: float) -> dict[SetpointKind, Envelope]:
    if power_w == 0:
        return {}
    envelope = Envelope(low=0.0, high=1.0, gap=(0.0, 1.0), watts_per_unit=power_w)
    return {SetpointKind.ON_OFF: envelope}
