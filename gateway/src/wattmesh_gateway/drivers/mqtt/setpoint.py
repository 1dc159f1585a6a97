"""Gives setpoints to a device on MQTT as its profile says, and hears what it holds then."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable, TelegramError
from wattmesh_gateway.domain.tolerance import tolerance_of
from wattmesh_gateway.drivers.mqtt.document import value_at
from wattmesh_gateway.drivers.mqtt.profile import (
    LEASE_SECONDS,
    SETPOINT,
    GateFormat,
    MqttProfile,
    ReadBackFormat,
    SetpointFormat,
    SwitchWords,
)
from wattmesh_kernel.setpoints import SetpointKind

Publish = Callable[[str, str, int, bool], Awaitable[None]]
"""Publishes a payload on a topic with QoS and retain; DeviceUnavailable when it cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    """What the device last said of a setpoint; `number` counts what it said."""

    number: int
    value: float | None


class MqttSetpoints:
    """What one device is told, and what it says of it."""

    def __init__(self, profile: MqttProfile, address: str, publish: Publish) -> None:
        self._profile = profile
        self._address = address
        self._publish = publish
        self._heard: dict[SetpointKind, _Heard] = {}
        self._gates: dict[SetpointKind, _Heard] = {}
        self._news = asyncio.Condition()

    @property
    def topics(self) -> frozenset[str]:
        """Where the device says what it holds."""
        setpoints = self._profile.setpoints.values()
        formats = [each.read_back for each in setpoints]
        formats += [each.gate.read_back for each in setpoints if each.gate]
        return frozenset(self._topic(each.topic) for each in formats if each)

    async def hear(self, topic: str, payload: bytes) -> None:
        """Take in what was said on a topic, if it says what the device holds."""
        async with self._news:
            for kind, format_ in self._profile.setpoints.items():
                said = format_.read_back
                if said is not None and self._topic(said.topic) == topic:
                    value = _value(payload, format_, said)
                    self._heard[kind] = _Heard(number=self._number(kind) + 1, value=value)
                gate = format_.gate
                if gate is not None and self._topic(gate.read_back.topic) == topic:
                    is_on = _word(payload, gate.read_back, gate.words)
                    self._gates[kind] = _Heard(number=self._number(kind, gate) + 1, value=is_on)
            self._news.notify_all()

    async def apply(
        self, kind: SetpointKind, value: float, lease: timedelta
    ) -> "AppliedMqttSetpoint":
        """Publish a setpoint; errors: DeviceRefused, DeviceUnavailable."""
        format_ = self._format(kind)
        written = _written(format_, kind, value)
        seconds = max(1, math.floor(lease.total_seconds()))
        payload = format_.payload.replace(SETPOINT, _text(format_, written))
        shut = format_.gate if written == 0 else None
        before = self._number(kind, shut)
        await self._open(format_, is_on=shut is None)
        if shut is None:
            await self._send(format_, payload.replace(LEASE_SECONDS, str(seconds)))
        return AppliedMqttSetpoint(self, kind, written, before)

    async def holds(self, kind: SetpointKind, value: float) -> ReadBack:
        """Return whether a setpoint is what the device said last; errors as in `apply`."""
        format_ = self._format(kind)
        return await self.read_back(kind, _written(format_, kind, value), after=0)

    async def release(self, kind: SetpointKind) -> ReadBack:
        """Send the device to its safe state, and hear whether it is there; errors as in `apply`."""
        format_ = self._format(kind)
        before = self._number(kind)
        await self._open(format_, is_on=True)
        await self._send(format_, format_.release_payload)
        if format_.release_value is None:
            return ReadBack(value=None)
        return await self.read_back(kind, format_.release_value, after=before)

    def ends_by_itself(self, kind: SetpointKind) -> bool:
        """Return whether the device is told when a setpoint ends."""
        format_ = self._profile.setpoints.get(kind)
        return format_ is not None and format_.is_leased

    async def read_back(self, kind: SetpointKind, expected: float, *, after: int) -> ReadBack:
        """Wait until the device says that it holds a value, in what it said later than `after`."""
        format_ = self._format(kind)
        says = format_.gate.read_back if format_.gate and expected == 0 else format_.read_back
        if says is None:
            return ReadBack(value=expected)
        seconds = says.within_seconds
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._says(kind, expected, after))
        except TimeoutError:
            return self._not_said(kind, expected, after)
        return ReadBack(value=expected)

    def _says(self, kind: SetpointKind, expected: float, after: int) -> bool:
        heard = self._said(kind, expected)
        if heard is None or heard.number <= after or heard.value is None:
            return False
        return abs(heard.value - expected) <= _resolution(self._format(kind))

    def _not_said(self, kind: SetpointKind, expected: float, after: int) -> ReadBack:
        heard = self._said(kind, expected)
        if heard is None or heard.number <= after:
            raise DeviceUnavailable("the device did not say what it holds")
        return ReadBack(value=heard.value, mismatch=f"it holds {heard.value}, not {expected:g}")

    def _said(self, kind: SetpointKind, expected: float) -> _Heard | None:
        """Return what it said last of what an expected value is read back by."""
        gated = self._format(kind).gate is not None and expected == 0
        return (self._gates if gated else self._heard).get(kind)

    async def _open(self, format_: SetpointFormat, *, is_on: bool) -> None:
        """Tell the device that it is on, or off, where that is told by itself."""
        gate = format_.gate
        if gate is not None:
            word = gate.words.on if is_on else gate.words.off
            await self._publish(self._topic(gate.topic), word, format_.qos, format_.retain)

    async def _send(self, format_: SetpointFormat, payload: str) -> None:
        await self._publish(self._topic(format_.topic), payload, format_.qos, format_.retain)

    def _format(self, kind: SetpointKind) -> SetpointFormat:
        format_ = self._profile.setpoints.get(kind)
        if format_ is None:
            raise DeviceRefused(f"the profile {self._profile.name} has no setpoint {kind.value}")
        return format_

    def _topic(self, topic: str) -> str:
        return topic.replace("{address}", self._address)

    def _number(self, kind: SetpointKind, gate: GateFormat | None = None) -> int:
        heard = (self._heard if gate is None else self._gates).get(kind)
        return 0 if heard is None else heard.number


class AppliedMqttSetpoint:
    """A setpoint that the broker took."""

    def __init__(
        self, setpoints: MqttSetpoints, kind: SetpointKind, value: float, heard: int
    ) -> None:
        self._setpoints = setpoints
        self._kind = kind
        self._heard = heard
        self.value = value
        """The setpoint as published, rounded to what the device can hold."""

    async def read_back(self) -> ReadBack:
        """Hear what the device says of it; errors: DeviceUnavailable, DeviceRefused."""
        return await self._setpoints.read_back(self._kind, self.value, after=self._heard)


def _written(format_: SetpointFormat, kind: SetpointKind, value: float) -> float:
    """Return a setpoint as the device can hold it; DeviceRefused when it cannot."""
    if format_.most is not None and value > format_.most:
        raise DeviceRefused(f"{value:g} is beyond the most the device can do, {format_.most:g}")
    if format_.lowest is not None and value < format_.lowest:
        raise DeviceRefused(f"{value:g} is below the lowest of the device, {format_.lowest:g}")
    if 0 < value < format_.least:
        raise DeviceRefused(f"{value:g} is below the least the device can do, {format_.least:g}")
    nearest = value if format_.step is None else round(value / format_.step) * format_.step
    written = round(nearest / format_.scale, format_.decimals) * format_.scale
    if abs(written - value) > tolerance_of(kind, value, format_.most or 0.0):
        raise DeviceRefused(f"{value:g} cannot be expressed: the nearest is {written:g}")
    return written


def _text(format_: SetpointFormat, written: float) -> str:
    if format_.switch is not None:
        return format_.switch.on if written else format_.switch.off
    return f"{written / format_.scale:.{format_.decimals}f}"


def _value(payload: bytes, format_: SetpointFormat, said: ReadBackFormat) -> float | None:
    """Return what the device says that it holds; None when that makes no sense."""
    words = said.words or format_.switch
    try:
        raw = value_at(payload, said.path)
    except TelegramError:
        raw = payload.decode("utf-8", "replace") if not said.path else None
    if words is not None:
        return _switched(raw, words)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw) * format_.scale
    except OverflowError:  # an integer of hundreds of digits
        return None
    return value if math.isfinite(value) else None


def _word(payload: bytes, said: ReadBackFormat, words: SwitchWords) -> float | None:
    """Return whether a device says that it is on (1) or off (0); None when that makes no sense."""
    try:
        raw = value_at(payload, said.path)
    except TelegramError:
        raw = payload.decode("utf-8", "replace") if not said.path else None
    return _switched(raw, words)


def _switched(raw: object, words: SwitchWords) -> float | None:
    if isinstance(raw, dict | list):
        return None
    word = str(raw).lower() if isinstance(raw, bool) else str(raw)
    return {words.on: 1.0, words.off: 0.0}.get(word)


def _resolution(format_: SetpointFormat) -> float:
    return 0.51 * 10.0**-format_.decimals * abs(format_.scale)
