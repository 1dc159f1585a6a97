"""A register image made from a Modbus profile: every point has a value that it can have."""

from collections.abc import Iterator, Mapping

from tests.fakes.sunspec_device import FakeUnit
from wattmesh_gateway.domain.profile import PLUGGED_IN
from wattmesh_gateway.domain.stay import NOBODY
from wattmesh_gateway.drivers.modbus_tcp.profile import (
    ModbusProfile,
    Register,
    ScaledNumber,
    WrittenValue,
)
from wattmesh_gateway.drivers.modbus_tcp.registers import Number

_USUAL = {
    "active_power_w": 1200.0,
    "import_energy_wh": 5_000_000.0,
    "export_energy_wh": 3_000_000.0,
    "session_energy_wh": 4_000.0,
    "voltage_v": 230.0,
    "current_a": 10.0,
    "frequency_hz": 50.0,
    "soc_ratio": 0.5,
    "temperature_celsius": 45.0,
}

_USUAL_ELSE = 0.5
"""What every other quantity can have."""


class RegisterImage(FakeUnit):
    """What a device of this profile could hold; `values` is what that means.

    What is read back elsewhere than where it is written follows it there, as in the device.
    """

    def __init__(self, profile: ModbusProfile, unit_id: int = 1) -> None:
        self._profile = profile
        registers = list(_registers(profile))
        base = min(each.register for each in registers)
        end = max(each.register + each.type.registers for each in registers)
        super().__init__(unit_id, [0] * (end - base), base)
        self.values: Mapping[str, float] = {
            quantity: self._put(quantity, number) for quantity, number in profile.points.items()
        }
        if profile.session:
            self._plug_in(profile)
        self.on_write = self._follow

    def _plug_in(self, profile: ModbusProfile) -> None:
        """Have it say in each of its words that a vehicle is there, and waits or is charged."""
        for each in profile.session:
            raw = next(said for said, meaning in each.words.items() if meaning is not NOBODY)
            location = _register(each.number)
            self._store(location, Number(register=location).encode(float(raw)))
        self.values = {**self.values, PLUGGED_IN: 1.0}

    def read(self, location: Register) -> float | None:
        """Return a number as it lies there, unscaled."""
        start = location.register - self.base
        return Number(register=location).decode(
            self.registers[start : start + location.type.registers]
        )

    def _put(self, quantity: str, number: ScaledNumber) -> float:
        """Put the usual value there, or its opposite where only that fits; return it as held."""
        location = _register(number)
        wanted = _USUAL.get(quantity, _USUAL_ELSE)
        if location.type.value.startswith("uint") and number.scale < 0:
            wanted = -wanted
        held = Number(register=location, scale=number.scale)
        words = held.encode(wanted)
        self._store(location, words)
        value = held.decode(words)
        assert value is not None
        return value

    def _follow(self) -> None:
        for procedure in self._profile.setpoints.values():
            for write in procedure.write:
                if write.read_back is None or write.value is not WrittenValue.SETPOINT:
                    continue
                raw = self.read(_register(write.number))
                target = _register(write.read_back)
                factor = write.number.scale / write.read_back.scale
                self._store(target, Number(register=target).encode((raw or 0.0) * factor))

    def _store(self, location: Register, words: list[int]) -> None:
        start = location.register - self.base
        self.registers[start : start + len(words)] = words


def is_plain(profile: ModbusProfile) -> bool:
    """Return whether a profile has plain registers only."""
    return all(isinstance(each.location, Register) for each in profile.points.values())


def _registers(profile: ModbusProfile) -> Iterator[Register]:
    for number in profile.points.values():
        yield _register(number)
    for each in profile.session:
        yield _register(each.number)
    for procedure in profile.setpoints.values():
        for write in (*procedure.write, *procedure.release):
            yield _register(write.number)
            if write.read_back is not None:
                yield _register(write.read_back)


def _register(number: ScaledNumber) -> Register:
    assert isinstance(number.location, Register)
    return number.location
