"""The schema of profiles of charge points."""

from wattmesh_gateway.drivers.ocpp.profile import OcppProfile, RateUnit
from wattmesh_gateway.profiles.node import Node
from wattmesh_gateway.profiles.parse import ProfileDocument
from wattmesh_kernel.quantities import QUANTITIES

_LIMITS = ("phases", "voltage_v", "min_current_a", "max_current_a")
_CHARGING = (*_LIMITS, "rate_unit", "failsafe_current_a", "stack_level", "verify")


def parse_ocpp_profile(document: ProfileDocument) -> OcppProfile:
    """Read `{points, charging}`."""
    keys = document.keys(required=("points", "charging"))
    charging = keys["charging"].mapping(required=_LIMITS, optional=_CHARGING[len(_LIMITS) :])
    least, most = charging["min_current_a"].number(), charging["max_current_a"].number()
    if not 0 <= least <= most or most <= 0:
        raise charging["max_current_a"].error(f"must not be below {least:g}, and above 0")
    failsafe = charging.get("failsafe_current_a")
    return OcppProfile(
        name=document.name,
        title=document.title,
        protocol=document.protocol,
        source=document.source,
        tested=document.tested,
        points=frozenset(_parse_point(each) for each in keys["points"].items()),
        rate_unit=charging["rate_unit"].choice(RateUnit)
        if "rate_unit" in charging
        else RateUnit.AMPERE,
        phases=charging["phases"].integer(1, 3),
        voltage_v=_parse_voltage(charging["voltage_v"]),
        min_current_a=least,
        max_current_a=most,
        failsafe_current_a=None if failsafe is None else _parse_failsafe(failsafe, most),
        stack_level=charging["stack_level"].integer(1, 100) if "stack_level" in charging else 1,
        verify=charging["verify"].boolean() if "verify" in charging else True,
    )


def _parse_point(node: Node) -> str:
    name = node.text()
    if name not in QUANTITIES:
        raise node.error(f"unknown quantity; known are {', '.join(QUANTITIES)}")
    return name


def _parse_voltage(node: Node) -> float:
    voltage = node.number()
    if voltage <= 0:
        raise node.error("must be above 0")
    return voltage


def _parse_failsafe(node: Node, most: float) -> float:
    current = node.number()
    if not 0 <= current <= most:
        raise node.error(f"must be 0 to {most:g}")
    return current
