"""Bring every telegram to the broker at least once, in order, however long it is away."""

import logging

from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_twin.app.ports import Broker, BrokerLost, TelegramLine, TelegramQueue

_log = logging.getLogger(__name__)


class TelegramDelivery:
    """Takes telegrams from the queue to the broker; each leaves the queue when confirmed."""

    def __init__(self, *, queue: TelegramQueue, broker: Broker) -> None:
        self._queue = queue
        self._broker = broker
        self._loss = LossLog(_log, "the MQTT broker")

    async def run(self) -> None:
        """Deliver for ever; telegrams wait while the broker is away."""
        backoff = Backoff(most_seconds=2.0)
        while True:
            try:
                async with self._broker.connect() as line:
                    self._loss.back()
                    backoff.reset()
                    await self._deliver(line)
            except BrokerLost as error:
                self._loss.lost(error.message)
                await backoff.wait()

    async def _deliver(self, line: TelegramLine) -> None:
        while True:
            for telegram in self._queue.pending():
                await line.send(telegram)
                self._queue.confirm(telegram)
            await self._queue.wait()
