"""Profiles of devices on Modbus, by plain registers or by SunSpec models.

A scale is what the device's number is multiplied by to become the value in the unit of the point.
Wattmesh counts power into the component positive; a device that counts the other way round has a
negative scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from wattmesh_gateway.domain.profile import PLUGGED_IN, DeviceProfile
from wattmesh_gateway.profiles.words import Words
from wattmesh_kernel.setpoints import SetpointKind

DEFAULT_BASES = (40000, 50000, 0)
"""Where SunSpec devices keep their chain of models."""

DEFAULT_MAX_REGISTERS = 120


class RegisterType(Enum):
    """How a number lies in 16-bit registers."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def registers(self) -> int:
        """Number of registers taken."""
        return int(self.value[-2:]) // 16


class RegisterTable(Enum):
    """Which of the Modbus register tables."""

    HOLDING = "holding"
    INPUT = "input"


class WordOrder(Enum):
    """Which register of a longer number comes first."""

    BIG = "big"
    """The most significant one."""

    LITTLE = "little"
    """The least significant one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """A number at a 0-based register address; `missing`: raw values that mean that it has none."""

    register: int
    type: RegisterType
    table: RegisterTable = RegisterTable.HOLDING
    word_order: WordOrder = WordOrder.BIG
    missing: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.table.value} register {self.register}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SunSpecPoint:
    """A point of a SunSpec model: of the first of `models` that the device has."""

    models: tuple[int, ...]
    point: str

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.models))}.{self.point}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaledNumber:
    """A number of the device and what it is multiplied by."""

    location: Register | SunSpecPoint
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StateNumber:
    """A number by which a charger says what goes on at its plug, and what each value means."""

    number: ScaledNumber
    words: Words


class WrittenValue(Enum):
    """What is written, when it is not a constant."""

    SETPOINT = "setpoint"
    """The commanded value."""

    LEASE_SECONDS = "lease_seconds"
    """What is left of the lease: the device's own timer, after which it goes to its safe state."""

    IS_ON = "is_on"
    """1 for every setpoint but 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One number to write. The device's number is (value / scale), or a percentage of a rating.

    `verify`: whether reading it back must give what was written. `read_back`: where it is read,
    if not where it was written. `skip_at_zero`: it is not written for a setpoint of 0.
    """

    number: ScaledNumber
    value: WrittenValue | float
    percent_of: ScaledNumber | None = None
    verify: bool = True
    read_back: ScaledNumber | None = None
    skip_at_zero: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointProcedure:
    """How a setpoint is given to the device, in this order, and taken back.

    `minimum` and `maximum` are the device's own ratings: a setpoint beyond them is refused, as is
    one between 0 and `least`, or above `most`, in the unit of the setpoint. `again`: the device
    forgets it by itself after a while, and is told again whenever it is looked after.
    """

    write: Sequence[Write]
    release: Sequence[Write]
    minimum: ScaledNumber | None = None
    maximum: ScaledNumber | None = None
    least: float = 0.0
    most: float | None = None
    again: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusProfile(DeviceProfile):
    """A device on Modbus, by plain registers or by SunSpec models.

    `write_single`: it knows only the function that writes one register. `session`: it is a charger.
    """

    points: Mapping[str, ScaledNumber]
    session: Sequence[StateNumber] = ()
    setpoints: Mapping[SetpointKind, SetpointProcedure] = field(default_factory=dict)
    base_addresses: tuple[int, ...] = DEFAULT_BASES
    max_registers: int = DEFAULT_MAX_REGISTERS
    write_single: bool = False

    @property
    def quantities(self) -> frozenset[str]:
        """What such a device measures."""
        return frozenset(self.points) | ({PLUGGED_IN} if self.session else frozenset())

    @property
    def setpoint_kinds(self) -> frozenset[SetpointKind]:
        """What can be set on it."""
        return frozenset(self.setpoints)
