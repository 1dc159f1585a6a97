"""What can be set on a device; the unit stands in the name."""

from enum import StrEnum


class SetpointKind(StrEnum):
    """What a setpoint sets."""

    ACTIVE_POWER_W = "active_power_w"
    """Active power [W], into the device positive."""
    GENERATION_LIMIT_W = "generation_limit_w"
    """Most power that a generating device may give out [W], not negative."""
    CURRENT_A = "current_a"
    """Charging current per phase [A], not negative."""
    TEMPERATURE_CELSIUS = "temperature_celsius"
    """Temperature setpoint of a room or tank [°C]."""
    ON_OFF = "on_off"
    """On (1) or off (0)."""
    REACTIVE_POWER_VAR = "reactive_power_var"
    """Reactive power [var], into the device positive: inductive is positive."""
    CONSUMPTION_LIMIT_W = "consumption_limit_w"
    """Most power that a consuming device may draw [W], not negative."""
