"""Profiles of charge points: what they measure, and how much current they can be told."""

from dataclasses import dataclass
from enum import Enum

from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_kernel.setpoints import SetpointKind


class RateUnit(Enum):
    """In what a charge point takes limits."""

    AMPERE = "A"
    """Per phase."""

    WATT = "W"
    """Over all phases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OcppProfile(DeviceProfile):
    """A charge point on OCPP.

    `phases` and `voltage_v` (to neutral) turn power into current. Below `min_current_a` a vehicle
    does not charge: only 0 is less. `failsafe_current_a` is what the charge point allows while
    nobody leases it; None: as it was made. `stack_level` is that of the lease; the failsafe has 0.
    `verify`: whether it is asked what it holds.
    """

    points: frozenset[str]
    rate_unit: RateUnit = RateUnit.AMPERE
    phases: int = 3
    voltage_v: float = 230.0
    min_current_a: float = 6.0
    max_current_a: float = 32.0
    failsafe_current_a: float | None = None
    stack_level: int = 1
    verify: bool = True

    @property
    def quantities(self) -> frozenset[str]:
        """What such a device measures."""
        return self.points

    @property
    def setpoint_kinds(self) -> frozenset[SetpointKind]:
        """What can be set on it."""
        return frozenset({SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W})

    @property
    def watts_per_ampere(self) -> float:
        """Power of one ampere on every phase [W]: 690 for three at 230 V."""
        return self.phases * self.voltage_v
