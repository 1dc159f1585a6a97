"""Bring every telegram to the broker at least once, in order, however long it is away."""

import logging
from collections.abc import Collection

from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_twin.app.ports import Broker, BrokerLost, Listener, TelegramLine, TelegramQueue

_log = logging.getLogger(__name__)


class FirstWord:
    """Waits until somebody hears these meters, as who installs one does before it is switched on.

    A broker confirms what is published though nobody ever subscribed, and keeps none of it.
    """

    def __init__(self, listener: Listener, devices: Collection[DeviceId]) -> None:
        self._listener = listener
        self._devices = devices
        self._loss = LossLog(_log, "the gateway")

    async def wait(self) -> None:
        """Return when nothing that they publish is missed."""
        _log.info("meters wait until the gateway listens to them")
        await retry(lambda: self._listener.heard(self._devices), self._loss)


class TelegramDelivery:
    """Takes telegrams from the queue to the broker; each leaves the queue when confirmed.

    The first of all waits for `first_word`, where there is one.
    """

    def __init__(
        self, *, queue: TelegramQueue, broker: Broker, first_word: FirstWord | None = None
    ) -> None:
        self._first_word = first_word
        self._queue = queue
        self._broker = broker
        self._loss = LossLog(_log, "the MQTT broker")

    async def run(self) -> None:
        """Deliver for ever; telegrams wait while the broker is away."""
        if self._first_word is not None and not self._queue.begun:
            await self._first_word.wait()
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
