"""Profiles of devices that publish JSON telegrams on MQTT.

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


class BatchLayout(Enum):
    """How one telegram carries what was measured at many times."""

    RECORDS = "records"
    """A list of objects, one for each time."""

    COLUMNS = "columns"
    """Lists of one length: the times, and of each point its values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramBatch:
    """Where a telegram carries many times; paths of time and points lead on from there.

    To their places in each record, or to their columns.
    """

    layout: BatchLayout
    path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TelegramFormat:
    """One JSON telegram; `{address}` in `topic` is the device's address.

    `batch`: it carries many times; None: one.
    """

    topic: str
    time: TelegramTime
    points: Mapping[str, TelegramPoint]
    batch: TelegramBatch | None = None

    def topic_of(self, address: str) -> str:
        """Return the topic on which the device at `address` publishes."""
        return self.topic.replace("{address}", address)


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFormat:
    """Where a charger says what goes on at its plug, and what each word means."""

    topic: str
    path: tuple[str, ...]
    words: Words

    def topic_of(self, address: str) -> str:
        """Return the topic on which the charger at `address` says it."""
        return self.topic.replace("{address}", address)


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchWords:
    """How a device says on and off."""

    on: str
    off: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBackFormat:
    """Where a device says what it holds, and how long it may take to say so [s of the wall].

    `words`: how it says on and off there, if not as it is told.
    """

    topic: str
    path: tuple[str, ...] = ()
    within_seconds: float = 5.0
    words: SwitchWords | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFormat:
    """What is published to a device before a setpoint that takes no 0: that it is on.

    For a setpoint of 0 it is told `words.off` alone, and that is read back.
    """

    topic: str
    words: SwitchWords
    read_back: ReadBackFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointFormat:
    """How a device is told a setpoint: what is published where.

    `{setpoint}` in `payload` is the value divided by `scale`, to `decimals`, or a word of `switch`;
    where the device takes only multiples of a `step` (in the setpoint's unit), the nearest of them;
    `{lease_seconds}` what is left of the lease, whole seconds. Between 0 and `least`, above `most`
    and below `lowest` (None: it says for itself) the device is told nothing. `release_payload`
    sends it to its safe state, in which `read_back` says `release_value` (None: that is not known).
    No `read_back`: it does not say.
    """

    topic: str
    payload: str
    release_payload: str
    release_value: float | None = None
    scale: float = 1.0
    decimals: int = 0
    step: float | None = None
    lowest: float | None = None
    least: float = 0.0
    most: float | None = None
    qos: int = 1
    retain: bool = False
    switch: SwitchWords | None = None
    read_back: ReadBackFormat | None = None
    gate: GateFormat | None = None

    @property
    def is_leased(self) -> bool:
        """Whether the device is told how long it is to hold the setpoint."""
        return LEASE_SECONDS in self.payload


SETPOINT = "{setpoint}"
LEASE_SECONDS = "{lease_seconds}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttProfile(DeviceProfile):
    """A device that publishes JSON telegrams on MQTT, and may be set by what is published to it."""

    telegrams: Sequence[TelegramFormat]
    session: Sequence[StateFormat] = ()
    setpoints: Mapping[SetpointKind, SetpointFormat] = field(default_factory=dict)

    @property
    def setpoint_kinds(self) -> frozenset[SetpointKind]:
        """What can be set on it."""
        return frozenset(self.setpoints)

    @property
    def quantities(self) -> frozenset[str]:
        """What such a device measures."""
        points = frozenset(point for each in self.telegrams for point in each.points)
        return points | ({PLUGGED_IN} if self.session else frozenset())
