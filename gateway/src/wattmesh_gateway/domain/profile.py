"""Device profiles: how to talk to a kind of device, as data.

A scale is what the device's number is multiplied by to become the value in the unit of the point.
Wattmesh counts power into the component positive; a device that counts the other way round has a
negative scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from wattmesh_gateway.domain.command import SetpointKind


class TimeFormat(Enum):
    """How a telegram says when it was measured."""

    RFC3339 = "rfc3339"
    """Text such as `2016-09-05T07:15:00Z`; without an offset it is taken as UTC."""

    UNIX_S = "unix_s"
    """Seconds since 1970."""

    UNIX_MS = "unix_ms"
    """Milliseconds since 1970."""

    ARRIVAL = "arrival"
    """Not at all: the time of arrival counts, and a repeated telegram is a second reading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramTime:
    """Where a telegram says when it was measured; `path` is empty for ARRIVAL."""

    format: TimeFormat
    path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramPoint:
    """Where a telegram carries a value."""

    path: tuple[str, ...]
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramFormat:
    """One JSON telegram; `{address}` in `topic` is the device's address."""

    topic: str
    time: TelegramTime
    points: Mapping[str, TelegramPoint]

    def topic_of(self, address: str) -> str:
        """Return the topic on which the device at `address` publishes."""
        return self.topic.replace("{address}", address)


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttProfile:
    """A device that publishes JSON telegrams on MQTT."""

    name: str
    title: str
    telegrams: Sequence[TelegramFormat]

    @property
    def points(self) -> frozenset[str]:
        """The quantities it measures."""
        return frozenset(point for each in self.telegrams for point in each.points)


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
    """A number at a 0-based register address."""

    register: int
    type: RegisterType
    table: RegisterTable = RegisterTable.HOLDING
    word_order: WordOrder = WordOrder.BIG

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


class WrittenValue(Enum):
    """What is written, when it is not a constant."""

    SETPOINT = "setpoint"
    """The commanded value."""

    LEASE_SECONDS = "lease_seconds"
    """What is left of the lease: the device's own timer, after which it goes to its safe state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One number to write. The device's number is (value / scale), or a percentage of a rating.

    `verify`: whether reading it back must give what was written.
    """

    number: ScaledNumber
    value: WrittenValue | float
    percent_of: ScaledNumber | None = None
    verify: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointProcedure:
    """How a setpoint is given to the device, in this order, and taken back.

    `minimum` and `maximum` are the device's own ratings: a setpoint beyond them is refused.
    """

    write: Sequence[Write]
    release: Sequence[Write]
    minimum: ScaledNumber | None = None
    maximum: ScaledNumber | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModbusProfile:
    """A device on Modbus, by plain registers or by SunSpec models."""

    name: str
    title: str
    points: Mapping[str, ScaledNumber]
    setpoints: Mapping[SetpointKind, SetpointProcedure] = field(default_factory=dict)
    base_addresses: tuple[int, ...] = (40000, 50000, 0)
    max_registers: int = 120


Profile = MqttProfile | ModbusProfile
