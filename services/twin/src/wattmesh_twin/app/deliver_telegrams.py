"""Bring every telegram to the broker at least once, in order, however long it is away."""

import asyncio
import logging

from wattmesh_twin.app.ports import Broker, BrokerLost, TelegramLine, TelegramQueue

_log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Wall time between two attempts: the network does not run on the scaled clock."""


class TelegramDelivery:
    """Takes telegrams from the queue to the broker; each leaves the queue when confirmed."""

    def __init__(self, *, queue: TelegramQueue, broker: Broker) -> None:
        self._queue = queue
        self._broker = broker
        self._lost = False

    async def run(self) -> None:
        """Deliver for ever; telegrams wait while the broker is away."""
        while True:
            try:
                async with self._broker.connect() as line:
                    self._note_return()
                    await self._deliver(line)
            except BrokerLost as error:
                self._note_loss(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _deliver(self, line: TelegramLine) -> None:
        while True:
            for telegram in self._queue.pending():
                await line.send(telegram)
                self._queue.confirm(telegram)
            await self._queue.wait()

    def _note_loss(self, error: BrokerLost) -> None:
        if not self._lost:
            _log.warning("the MQTT broker is away, telegrams wait: %s", error.message)
        self._lost = True

    def _note_return(self) -> None:
        if self._lost:
            _log.info("the MQTT broker is back, %d telegrams wait", len(self._queue.pending()))
        self._lost = False
