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


class Channel(StrEnum):
    """What of a device is steered: setpoints for the same channel contest each other."""

    POWER = "power"
    GENERATION = "generation"
    CONSUMPTION = "consumption"
    REACTIVE_POWER = "reactive_power"
    TEMPERATURE = "temperature"


_CHANNELS = {
    SetpointKind.ACTIVE_POWER_W: Channel.POWER,
    SetpointKind.CURRENT_A: Channel.POWER,
    SetpointKind.ON_OFF: Channel.POWER,
    SetpointKind.GENERATION_LIMIT_W: Channel.GENERATION,
    SetpointKind.CONSUMPTION_LIMIT_W: Channel.CONSUMPTION,
    SetpointKind.REACTIVE_POWER_VAR: Channel.REACTIVE_POWER,
    SetpointKind.TEMPERATURE_CELSIUS: Channel.TEMPERATURE,
}


def channel_of(kind: SetpointKind) -> Channel:
    """Return what a kind of setpoint steers: power, current and on/off are one and the same."""
    return _CHANNELS[kind]
