"""Takes telegrams in: understands them, and returns once their readings are on disk."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_gateway.app.ports import Spool
from wattmesh_gateway.app.presence import Presences
from wattmesh_gateway.domain.device import Device, MqttAddress
from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.profile import MqttProfile, TelegramFormat
from wattmesh_gateway.domain.reading import Intake, Origin, Reading
from wattmesh_gateway.domain.telegram import understand
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)

_MISSED_INTERVALS = 3
"""A device that publishes is lost once it was silent for so many reporting intervals."""

_LONGEST_WATCH = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message of the broker."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Route:
    device: Device
    format: TelegramFormat


class ReceiveTelegrams:
    """Knows which device publishes on which topic, and what its telegrams mean."""

    def __init__(self, spool: Spool, presences: Presences, clock: Clock) -> None:
        self._spool = spool
        self._presences = presences
        self._clock = clock
        self._routes: Mapping[str, Sequence[_Route]] = {}
        self._heard: dict[DeviceId, datetime] = {}
        self._patience: dict[DeviceId, timedelta] = {}
        self._complained: set[DeviceId | str] = set()

    def expect(self, devices: Mapping[DeviceId, tuple[Device, MqttProfile]]) -> frozenset[str]:
        """Listen to exactly these devices from now on; return their topics."""
        routes: dict[str, list[_Route]] = {}
        for device, profile in devices.values():
            assert isinstance(device.connection, MqttAddress)
            for format_ in profile.telegrams:
                topic = format_.topic_of(device.connection.address)
                routes.setdefault(topic, []).append(_Route(device, format_))
        now = self._clock.now()
        self._routes = routes
        self._heard = {id_: self._heard.get(id_, now) for id_ in devices}
        self._patience = {
            id_: device.reporting_interval * _MISSED_INTERVALS
            for id_, (device, _) in devices.items()
        }
        return frozenset(routes)

    async def take(self, messages: Sequence[Message]) -> None:
        """Put the readings of these telegrams on disk; return when they are there.

        What cannot be understood is counted, and logged once for each device.
        """
        readings: list[Reading] = []
        rejected = 0
        now = self._clock.now()
        for message in messages:
            routes = self._routes.get(message.topic)
            if routes is None:
                self._complain(message.topic, f"{message.topic}: no device publishes there")
                rejected += 1
                continue
            for route in routes:
                rejected += self._understand(route, message, now, readings)
        await self._spool.append(
            Intake(
                origin=Origin.TELEGRAM,
                readings=readings,
                telegrams=len(messages),
                rejected=rejected,
            )
        )

    async def watch_silence(self) -> None:
        """Report devices that fell silent, for ever."""
        while True:
            await self._clock.sleep(min(self._patience.values(), default=_LONGEST_WATCH))
            now = self._clock.now()
            for device, heard in self._heard.items():
                if now - heard > self._patience[device]:
                    self._presences.lost(device, f"no telegram since {heard.isoformat()}")

    def _understand(
        self, route: _Route, message: Message, now: datetime, into: list[Reading]
    ) -> int:
        """Add the readings of a telegram; return how much of it was rejected."""
        device = route.device.id
        try:
            telegram = understand(route.device, route.format, message.payload, now)
        except TelegramError as error:
            self._complain(device, f"{device}: telegram on {message.topic} rejected: {error}")
            return 1
        if telegram.problems:
            self._complain(device, f"{device}: on {message.topic} {'; '.join(telegram.problems)}")
        into.extend(telegram.readings)
        self._heard[device] = now
        self._presences.answered(device)
        return len(telegram.problems)

    def _complain(self, about: DeviceId | str, complaint: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning("%s (said once; the counters count on)", complaint)
