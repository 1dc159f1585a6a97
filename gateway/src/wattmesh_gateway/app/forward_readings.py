"""Forwards readings to metering; what is not acknowledged is sent again."""

import asyncio
import logging
from collections import deque

from wattmesh_gateway.app.ports import IngestStream, MeteringUplink, Rejection, Spool
from wattmesh_gateway.app.spans import FORWARD_READINGS
from wattmesh_gateway.domain.reading import Batch
from wattmesh_kernel.errors import InvalidArgument, WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.spans import traced
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

BATCH_READINGS = 2_000
WINDOW_BATCHES = 16
"""How far sending may be ahead of the acknowledgement."""


class ForwardReadings:
    """Holds a stream to metering, for ever.

    A batch that metering refuses as a whole is sent again in ever smaller ones, one at a time,
    until the reading is found that it will not have; that one is set aside.
    """

    def __init__(self, spool: Spool, uplink: MeteringUplink) -> None:
        self._spool = spool
        self._uplink = uplink
        self._loss = LossLog(log, "metering")
        self._complained: set[tuple[str, str]] = set()
        self._suspected_until = 0
        self.batch_readings = BATCH_READINGS
        """How many readings go together now."""

    @property
    def window_batches(self) -> int:
        """How far sending may be ahead of the acknowledgement now."""
        return 1 if self._suspected_until else WINDOW_BATCHES

    async def run(self) -> None:
        """Open a stream, hold it, and open the next when it breaks."""
        backoff = Backoff()
        while True:
            transfer: _Transfer | None = None
            try:
                async with self._uplink.open() as stream:
                    transfer = _Transfer(self, self._spool, stream, backoff)
                    await transfer.run()
                self._loss.lost("the stream ended")
            except InvalidArgument as error:
                self._loss.lost(error)
                if transfer is not None and await self._narrowed(transfer.unanswered, error):
                    continue
            except WattmeshError as error:
                self._loss.lost(error)
            await backoff.wait()

    async def _narrowed(self, newest: Batch | None, error: InvalidArgument) -> bool:
        """Look for the reading that is refused more closely; False when it is set aside."""
        if newest is None or error.field.startswith("hello"):  # nothing that was sent is to blame
            return False
        if self.batch_readings > 1:
            self._suspected_until = max(self._suspected_until, newest.sequence)
            self.batch_readings //= 2
            return True
        await self._spool.set_aside(newest, str(error))
        for reading in newest.readings:
            self.refused(
                Rejection(point=reading.point.name, reason=error.reason, message=str(error))
            )
        self._unsuspected()
        return False

    def acknowledged(self, sequence: int) -> None:
        """Take note that metering answers."""
        self._loss.back()
        if sequence >= self._suspected_until:
            self._unsuspected()

    def _unsuspected(self) -> None:
        self._suspected_until, self.batch_readings = 0, BATCH_READINGS

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
        self._newest: Batch | None = None
        self._in_flight: deque[int] = deque()
        self._progress = asyncio.Condition()

    @property
    def unanswered(self) -> Batch | None:
        """The newest batch that was sent, if there is one that was not acknowledged."""
        return self._newest if self._in_flight else None

    async def run(self) -> None:
        await race(self._send_all(), self._take_answers())

    async def _send_all(self) -> None:
        while True:
            await self._wait_for_window()
            sent = 0 if self._newest is None else self._newest.sequence
            batch = await self._spool.next_batch(sent, self._owner.batch_readings)
            self._newest = batch
            self._in_flight.append(batch.sequence)
            with traced(FORWARD_READINGS, readings=len(batch.readings)):
                await self._stream.send(batch)

    async def _wait_for_window(self) -> None:
        async with self._progress:
            await self._progress.wait_for(self._has_room)

    def _has_room(self) -> bool:
        return len(self._in_flight) < self._owner.window_batches

    async def _take_answers(self) -> None:
        async for answer in self._stream.answers():
            self._backoff.reset()
            self._owner.acknowledged(answer.acked_sequence)
            for rejection in answer.rejected:
                self._owner.refused(rejection)
            await self._spool.acknowledge(answer.acked_sequence)
            async with self._progress:
                while self._in_flight and self._in_flight[0] <= answer.acked_sequence:
                    self._in_flight.popleft()
                self._progress.notify_all()
