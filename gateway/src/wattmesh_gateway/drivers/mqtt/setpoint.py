"""Gives setpoints to a device on MQTT as its profile says, and hears what it holds then."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_gateway.domain.command import ReadBack
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable, TelegramError
from wattmesh_gateway.domain.tolerance import tolerance_of
from wattmesh_gateway.drivers.mqtt.profile import (
    LEASE_SECONDS,
    SETPOINT,
    MqttProfile,
    ReadBackFormat,
    SetpointFormat,
)
from wattmesh_gateway.drivers.mqtt.understand import value_at
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
        self._news = asyncio.Condition()

    @property
    def topics(self) -> frozenset[str]:
        """Where the device says what it holds."""
        formats = [each.read_back for each in self._profile.setpoints.values()]
        return frozenset(self._topic(each.topic) for each in formats if each)

    async def hear(self, topic: str, payload: bytes) -> None:
        """Take in what was said on a topic, if it says what the device holds."""
        async with self._news:
            for kind, format_ in self._profile.setpoints.items():
                said = format_.read_back
                if said is not None and self._topic(said.topic) == topic:
                    value = _value(payload, format_, said)
                    self._heard[kind] = _Heard(number=self._number(kind) + 1, value=value)
            self._news.notify_all()

    async def apply(
        self, kind: SetpointKind, value: float, lease: timedelta
    ) -> "AppliedMqttSetpoint":
        """Publish a setpoint; errors: DeviceRefused, DeviceUnavailable."""
        format_ = self._format(kind)
        written = _written(format_, kind, value)
        seconds = max(1, math.floor(lease.total_seconds()))
        payload = format_.payload.replace(SETPOINT, _text(format_, written))
        before = self._number(kind)
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
        if format_.read_back is None:
            return ReadBack(value=expected)
        seconds = format_.read_back.within_seconds
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._says(kind, expected, after))
        except TimeoutError:
            return self._not_said(kind, expected, after)
        return ReadBack(value=expected)

    def _says(self, kind: SetpointKind, expected: float, after: int) -> bool:
        heard = self._heard.get(kind)
        if heard is None or heard.number <= after or heard.value is None:
            return False
        return abs(heard.value - expected) <= _resolution(self._format(kind))

    def _not_said(self, kind: SetpointKind, expected: float, after: int) -> ReadBack:
        heard = self._heard.get(kind)
        if heard is None or heard.number <= after:
            raise DeviceUnavailable("the device did not say what it holds")
        return ReadBack(value=heard.value, mismatch=f"it holds {heard.value}, not {expected:g}")

    async def _send(self, format_: SetpointFormat, payload: str) -> None:
        await self._publish(self._topic(format_.topic), payload, format_.qos, format_.retain)

    def _format(self, kind: SetpointKind) -> SetpointFormat:
        format_ = self._profile.setpoints.get(kind)
        if format_ is None:
            raise DeviceRefused(f"the profile {self._profile.name} has no setpoint {kind.value}")
        return format_

    def _topic(self, topic: str) -> str:
        return topic.replace("{address}", self._address)

    def _number(self, kind: SetpointKind) -> int:
        return self._heard[kind].number if kind in self._heard else 0


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
        word = str(raw).lower() if isinstance(raw, bool) else str(raw)
        return {words.on: 1.0, words.off: 0.0}.get(word)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw) * format_.scale
    except OverflowError:  # an integer of hundreds of digits
        return None
    return value if math.isfinite(value) else None


def _resolution(format_: SetpointFormat) -> float:
    return 0.51 * 10.0**-format_.decimals * abs(format_.scale)
