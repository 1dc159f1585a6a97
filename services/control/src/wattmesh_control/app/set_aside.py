"""Devices on which control fails alone: named, left out, and tried again later."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wattmesh_control.app.ports import Observations, Store
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.aio.backoff import Backoff

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300.0


@dataclass(kw_only=True, slots=True)
class _Failure:
    count: int = 0
    retry: datetime
    waits: Backoff = field(
        default_factory=lambda: Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
    )


class SetAside:
    """Keeps the devices that are set aside; each is logged once, by name, until it is back."""

    def __init__(self, *, clock: Clock, store: Store, observations: Observations) -> None:
        self._clock = clock
        self._store = store
        self._observations = observations
        self._failures: dict[DeviceId, _Failure] = {}

    @property
    def devices(self) -> Collection[DeviceId]:
        """The devices that are set aside."""
        return self._failures.keys()

    def waits(self, device: DeviceId) -> bool:
        """Return whether a device is not to be tried yet."""
        failure = self._failures.get(device)
        return failure is not None and failure.retry > self._clock.now()

    def next_retry(self) -> datetime | None:
        """Return when the first of them is to be tried again."""
        return min((each.retry for each in self._failures.values()), default=None)

    def due(self) -> list[DeviceId]:
        """Return those to be tried again now."""
        return [device for device in self._failures if not self.waits(device)]

    def forget(self, device: DeviceId) -> None:
        """Leave a device to another process."""
        self._failures.pop(device, None)
        self._observations.devices_set_aside(len(self._failures))

    async def put(self, device: DeviceId, error: Exception) -> None:
        """Set a device aside, for longer each time."""
        now = self._clock.now()
        failure = self._failures.setdefault(device, _Failure(retry=now))
        failure.count += 1
        wait = failure.waits.next_seconds() * self._clock.rate
        failure.retry = now + timedelta(seconds=wait)
        if failure.count > 1:
            log.debug("%s still fails, for the %dth time: %r", device, failure.count, error)
            return
        self._observations.devices_set_aside(len(self._failures))
        log.error("%s is set aside", device, exc_info=error)
        await self._note(
            device, EventType.SET_ASIDE, f"control fails on it: {type(error).__name__}"
        )

    async def take_up(self, devices: Collection[DeviceId]) -> None:
        """Take note that devices are sound again."""
        for device in devices:
            failure = self._failures.pop(device, None)
            if failure is not None:
                log.info("%s is taken up again after %d failures", device, failure.count)
                self._observations.devices_set_aside(len(self._failures))
                await self._note(device, EventType.TAKEN_UP, f"failed {failure.count} times")

    async def _note(self, device: DeviceId, what: EventType, message: str) -> None:
        event = DeviceEvent(device=device, time=self._clock.now(), what=what, message=message)
        try:
            await self._store.note([event])
        except WattmeshError as error:
            log.warning("an event of %s is not stored: %s", device, error)
