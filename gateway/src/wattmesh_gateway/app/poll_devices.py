"""Polls devices at their reporting interval, on the UTC raster of that length."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wattmesh_gateway.app.device_edge import ask_readings
from wattmesh_gateway.app.ports import Hear, Reads, Spool, hear_nothing
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.spans import POLL_DEVICE
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, PointId
from wattmesh_kernel.sites import Device
from wattmesh_kernel.time import floor_time
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.spans import traced
from wattmesh_runtime.aio.tasks import BackgroundTasks

log = logging.getLogger(__name__)


_MOST_RESTS = 31
_LONGEST_REST = timedelta(minutes=1)


def next_poll(now: datetime, interval: timedelta) -> datetime:
    """Return the first time on the raster after `now`."""
    return floor_time(now, interval) + interval


def rest_after(spent: timedelta, failures: int) -> timedelta:
    """Return how long a device is left alone that was waited for so long, so many times in a row.

    Others wait on the same line meanwhile: one that stays dead takes a half of the line's time at
    first, and less and less of it, down to a 32nd. A unit that is waited for 1 s is asked after
    1, 2, 4 … 31 s; one whose connection is refused at once, at once.
    """
    waits = 1 << min(failures - 1, 5)
    return min(spent * min(waits, _MOST_RESTS), _LONGEST_REST)


class PollDevices:
    """Runs a loop for each device."""

    def __init__(
        self,
        spool: Spool,
        reachability: Reachability,
        clock: Clock,
        background: BackgroundTasks,
        hear: Hear = hear_nothing,
    ) -> None:
        self._hear = hear
        self._spool = spool
        self._reachability = reachability
        self._clock = clock
        self._background = background
        self._polled: dict[DeviceId, Reads] = {}
        self._running: dict[DeviceId, asyncio.Task[None]] = {}
        self._complained: set[PointId] = set()

    async def poll(self, devices: Mapping[DeviceId, tuple[Device, Reads]]) -> None:
        """Poll exactly these devices from now on, a new one at once and then on its raster."""
        ended = [id_ for id_, polled in self._polled.items() if _reader(devices, id_) is not polled]
        await self._background.stop(*(self._running.pop(id_) for id_ in ended))
        self._polled = {id_: driver for id_, (_, driver) in devices.items()}
        for id_, (device, driver) in devices.items():
            if id_ not in self._running:
                self._running[id_] = self._background.start(self._poll_for_ever(device, driver))

    async def _poll_for_ever(self, device: Device, driver: Reads) -> None:
        while True:
            await self._poll_until_answered(device, driver)
            await self._clock.sleep_until(next_poll(self._clock.now(), device.reporting_interval))

    async def _poll_until_answered(self, device: Device, driver: Reads) -> None:
        backoff = Backoff(most_seconds=1.0)
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                with traced(POLL_DEVICE, device=device.id.name):
                    readings, impossible = await ask_readings(driver)
            except (DeviceUnavailable, DeviceRefused) as error:
                self._reachability.lost(device.id, str(error))
                failures += 1
                spent = timedelta(seconds=asyncio.get_running_loop().time() - began)
                await backoff.wait(rest_after(spent, failures))
            else:
                self._reachability.answered(device.id)
                self._complain(impossible)
                self._hear(readings)
                rejected = len(impossible)
                await self._spool.append(
                    Intake(origin=Origin.POLL, readings=readings, rejected=rejected)
                )
                return

    def _complain(self, impossible: Sequence[Reading]) -> None:
        """Say once for each point that what it measures cannot be."""
        for each in impossible:
            if each.point not in self._complained:
                self._complained.add(each.point)
                log.warning("%s: %s is not possible (said once)", each.point, each.value)


def _reader(devices: Mapping[DeviceId, tuple[Device, Reads]], id_: DeviceId) -> Reads | None:
    return devices[id_][1] if id_ in devices else None
