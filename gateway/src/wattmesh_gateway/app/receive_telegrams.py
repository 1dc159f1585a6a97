"""Takes in what devices say by themselves; returns once their readings are on disk."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from wattmesh_gateway.app.ports import Hear, Spool, hear_nothing
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.spans import RECEIVE_TELEGRAMS
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.reading_columns import joined, newest_of
from wattmesh_gateway.domain.telegram import (
    Delivery,
    QuarantinedTelegram,
    Telegram,
    set_aside,
    shortened,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.sites import Device
from wattmesh_runtime.aio.spans import traced

log = logging.getLogger(__name__)

_MISSED_INTERVALS = 3
"""A device that speaks by itself is lost once it was silent for so many reporting intervals."""

_SET_ASIDE_A_MINUTE = 100
"""Telegrams of a device that are set aside in a minute of the wall; all are counted."""

_LONGEST_WATCH = timedelta(minutes=1)


class ReceiveTelegrams:
    """Keeps readings, counts what made no sense, and notices silence."""

    def __init__(
        self,
        spool: Spool,
        reachability: Reachability,
        clock: Clock,
        hear: Hear = hear_nothing,
    ) -> None:
        self._hear_at_once = hear
        self._spool = spool
        self._reachability = reachability
        self._clock = clock
        self._heard: dict[DeviceId, datetime] = {}
        self._patience: dict[DeviceId, timedelta] = {}
        self._complained: set[DeviceId | str] = set()
        self._minute = 0.0
        self._set_aside: Counter[DeviceId | str] = Counter()
        self.telegrams_dropped = 0
        """Messages that had no room and will not be kept, since the gateway started."""

    def expect(self, devices: Iterable[Device]) -> None:
        """Expect exactly these devices to speak from now on."""
        now = self._clock.now()
        self._patience = {
            device.id: device.reporting_interval * _MISSED_INTERVALS for device in devices
        }
        self._heard = {id_: self._heard.get(id_, now) for id_ in self._patience}

    def announce(self, delivery: Delivery) -> None:
        """Let those know at once who cannot wait until it is kept."""
        for telegram in delivery.telegrams:
            self._hear_at_once(newest_of(telegram.readings))

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Put the readings of these deliveries on disk; return when they are there.

        What could not be understood is counted, logged once for each device, and set aside.
        """
        readings: list[Sequence[Reading]] = []
        quarantined: list[QuarantinedTelegram] = []
        rejected = 0
        for delivery in deliveries:
            self.announce(delivery)
            quarantined += self._not_understood(delivery)
            rejected += not delivery.telegrams
            for telegram in delivery.telegrams:
                rejected += self._hear(telegram, delivery.origin)
                readings.append(telegram.readings)
        intake = Intake(
            origin=Origin.TELEGRAM,
            readings=joined(readings),
            telegrams=len(deliveries),
            rejected=rejected,
            quarantined=quarantined,
        )
        with traced(RECEIVE_TELEGRAMS, telegrams=len(deliveries)):
            await self._spool.append(intake)

    def lost(self, device: DeviceId, why: str) -> None:
        """Take note that a device cannot speak just now: it is said, if it is expected to."""
        if device in self._patience:
            self._reachability.lost(device, why)

    def dropped(self, origin: str) -> None:
        """Count a message that had no room; the first one of each origin is logged."""
        self.telegrams_dropped += 1
        self._complain(
            f"{origin} dropped",
            f"{origin}: more comes than can be kept; of messages without a promise (QoS 0) only "
            "the newest are",
        )

    async def watch_silence(self) -> None:
        """Report devices that fell silent, for ever."""
        while True:
            await self._clock.sleep(min(self._patience.values(), default=_LONGEST_WATCH))
            now = self._clock.now()
            for device, heard in self._heard.items():
                if now - heard > self._patience[device]:
                    self._reachability.lost(device, f"no telegram since {heard.isoformat()}")

    def _not_understood(self, delivery: Delivery) -> Iterator[QuarantinedTelegram]:
        """Give what of a message is to be set aside, with the reason for each device."""
        arrival = delivery.arrival or self._clock.now()
        if not delivery.telegrams:
            self._complain(delivery.origin, f"{delivery.origin}: no device publishes there")
            if self._has_share(delivery.origin):
                yield set_aside(delivery, None, "no device publishes there", arrival)
        for telegram in delivery.telegrams:
            if telegram.problems and self._has_share(telegram.device):
                yield set_aside(delivery, telegram.device, "; ".join(telegram.problems), arrival)

    def _has_share(self, whose: DeviceId | str) -> bool:
        """Return whether more may be set aside now: who floods is counted, and costs no disk."""
        minute = asyncio.get_running_loop().time() // 60
        if minute != self._minute:
            self._minute = minute
            self._set_aside.clear()
        self._set_aside[whose] += 1
        return self._set_aside[whose] <= _SET_ASIDE_A_MINUTE

    def _hear(self, telegram: Telegram, origin: str) -> int:
        """Take note of a device that spoke; return how much of it was rejected."""
        device = telegram.device
        if telegram.problems:
            what = "has problems" if telegram.understood else "rejected"
            problems = shortened("; ".join(telegram.problems))
            self._complain(device, f"{device}: telegram on {origin} {what}: {problems}")
        if telegram.understood:
            self._heard[device] = self._clock.now()
            self._reachability.answered(device)
        return len(telegram.problems)

    def _complain(self, about: DeviceId | str, complaint: str) -> None:
        if about not in self._complained:
            self._complained.add(about)
            log.warning("%s (said once; the counters count on)", complaint)
