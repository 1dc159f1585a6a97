"""Forwards readings to metering; what is not acknowledged is sent again."""

import asyncio
import logging
from collections import deque

from wattmesh_gateway.app.ports import IngestStream, MeteringUplink, Rejection, Spool
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

BATCH_READINGS = 2_000
WINDOW_BATCHES = 16
"""How far sending may be ahead of the acknowledgement."""


class ForwardReadings:
    """Holds a stream to metering, for ever."""

    def __init__(self, spool: Spool, uplink: MeteringUplink) -> None:
        self._spool = spool
        self._uplink = uplink
        self._loss = LossLog(log, "metering")
        self._complained: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Open a stream, hold it, and open the next when it breaks."""
        backoff = Backoff()
        while True:
            try:
                async with self._uplink.open() as stream:
                    await _Transfer(self, self._spool, stream, backoff).run()
                self._loss.lost("the stream ended")
            except WattmeshError as error:
                self._loss.lost(error)
            await backoff.wait()

    def acknowledged(self) -> None:
        """Take note that metering answers."""
        self._loss.back()

    def refused(self, rejection: Rejection) -> None:
        """Take note of a reading that metering will not have."""
        key = (rejection.point, rejection.reason)
        if key not in self._complained:
            self._complained.add(key)
            log.warning(
                "metering refused a reading of %s: %s %s (said once)",
                rejection.point,
                rejection.reason,
                rejection.message,
            )


class _Transfer:
    """One stream's worth: everything from the beginning of the spool."""

    def __init__(
        self, owner: ForwardReadings, spool: Spool, stream: IngestStream, backoff: Backoff
    ) -> None:
        self._owner = owner
        self._spool = spool
        self._stream = stream
        self._backoff = backoff
        self._sent = 0
        self._in_flight: deque[int] = deque()
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        await race(self._send_all(), self._take_answers())

    async def _send_all(self) -> None:
        while True:
            batch = await self._spool.next_batch(self._sent, BATCH_READINGS)
            await self._wait_for_window()
            await self._stream.send(batch)
            self._sent = batch.sequence
            self._in_flight.append(batch.sequence)

    async def _wait_for_window(self) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: len(self._in_flight) < WINDOW_BATCHES)

    async def _take_answers(self) -> None:
        async for answer in self._stream.answers():
            self._backoff.reset()
            self._owner.acknowledged()
            for rejection in answer.rejected:
                self._owner.refused(rejection)
            await self._spool.acknowledge(answer.acked_sequence)
            async with self._progress:
                while self._in_flight and self._in_flight[0] <= answer.acked_sequence:
                    self._in_flight.popleft()
                self._progress.notify_all()
