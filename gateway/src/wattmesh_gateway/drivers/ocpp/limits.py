"""Setpoints as limits of a charge point, and back."""

import math

from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.domain.tolerance import tolerance_of
from wattmesh_gateway.drivers.ocpp.dialect import Limit
from wattmesh_gateway.drivers.ocpp.profile import OcppProfile, RateUnit
from wattmesh_kernel.setpoints import SetpointKind

_STEPS_PER_AMPERE = 10
"""OCPP 1.6 knows one decimal."""

_HAIR = 1e-6


def limit_for(profile: OcppProfile, kind: SetpointKind, value: float) -> Limit:
    """Return the limit for a setpoint, rounded down to what can be written.

    DeviceRefused when the charge point cannot: a current below its least, 0 excepted, or above its
    most; power out of a vehicle. For 11 kW at three phases and 230 V: 15.9 A.
    """
    if kind not in profile.setpoint_kinds:
        raise DeviceRefused(f"a charge point has no setpoint {kind.value}")
    per_ampere = profile.watts_per_ampere if kind is SetpointKind.ACTIVE_POWER_W else 1.0
    current = value / per_ampere
    if current < -_HAIR:
        raise DeviceRefused("it takes nothing out of a vehicle")
    if current > profile.max_current_a + _HAIR:
        raise DeviceRefused(f"{current:g} A is beyond its most, {profile.max_current_a:g} A")
    if _HAIR < current < profile.min_current_a - _HAIR:
        raise DeviceRefused(f"{current:g} A is below its least, {profile.min_current_a:g} A")
    limit = _in_unit(profile, max(current, 0.0))
    written = setpoint_of(profile, kind, limit)
    rating = profile.max_current_a * per_ampere
    if abs(written - value) > tolerance_of(kind, value, rating):
        raise DeviceRefused(f"{value:g} cannot be expressed: the nearest is {written:g}")
    return limit


def current_limit(profile: OcppProfile, current_a: float) -> Limit:
    """Return a limit in the unit in which the charge point takes it."""
    return _in_unit(profile, current_a)


def setpoint_of(profile: OcppProfile, kind: SetpointKind, limit: Limit) -> float:
    """Return a limit in the unit of a kind of setpoint."""
    current = amperes(profile, limit)
    return current * profile.watts_per_ampere if kind is SetpointKind.ACTIVE_POWER_W else current


def amperes(profile: OcppProfile, limit: Limit) -> float:
    """Return a limit as current per phase [A]."""
    return limit.value if limit.unit is RateUnit.AMPERE else limit.value / profile.watts_per_ampere


def same(profile: OcppProfile, one: Limit, other: Limit) -> bool:
    """Return whether two limits are the same, as far as they can be written."""
    resolution = 0.5 / _STEPS_PER_AMPERE
    return math.isclose(amperes(profile, one), amperes(profile, other), abs_tol=resolution)


def _in_unit(profile: OcppProfile, current_a: float) -> Limit:
    if profile.rate_unit is RateUnit.WATT:
        watts = math.floor(current_a * profile.watts_per_ampere + _HAIR)
        return Limit(value=float(watts), unit=RateUnit.WATT)
    steps = math.floor(current_a * _STEPS_PER_AMPERE + _HAIR)
    return Limit(value=steps / _STEPS_PER_AMPERE, unit=RateUnit.AMPERE, phases=profile.phases)
