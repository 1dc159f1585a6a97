"""How far what a device can hold may lie off what was asked of it."""

from wattmesh_kernel.setpoints import SetpointKind

_RATIO = 0.01

_LEAST = {
    SetpointKind.ACTIVE_POWER_W: 50.0,
    SetpointKind.GENERATION_LIMIT_W: 50.0,
    SetpointKind.CONSUMPTION_LIMIT_W: 50.0,
    SetpointKind.REACTIVE_POWER_VAR: 50.0,
    SetpointKind.CURRENT_A: 0.5,
    SetpointKind.TEMPERATURE_CELSIUS: 0.5,
}


def tolerance_of(kind: SetpointKind, asked: float, rating: float) -> float:
    """Return the tolerance of a setpoint, in its unit.

    It is a hundredth of the setpoint or of the device's `rating`, whichever is more, and at least
    50 W or var, 0.5 A or 0.5 °C; on is never off. `rating` is 0 when the device does not say. For
    5 kW asked of a battery of 10 kW: 100 W.
    """
    if kind is SetpointKind.ON_OFF:
        return 0.0
    return max(_RATIO * abs(asked), _RATIO * abs(rating), _LEAST[kind])
