"""Tell people of alerts, through whoever routes and groups them."""

import asyncio
import logging
from collections.abc import Collection, Sequence

from wattmesh_alerting.app.ports import AlertStore, Notifier
from wattmesh_alerting.domain.alert import Alert
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.losses import LossLog, retry

log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""How often all that fires is told again [s of the wall]: what is not, Alertmanager forgets."""


class TellPeople:
    """Tells of changes at once, and of all that fires again and again; silenced ones of nobody."""

    def __init__(
        self,
        *,
        clock: Clock,
        store: AlertStore,
        notifier: Notifier | None,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._clock = clock
        self._store = store
        self._notifier = notifier
        self._again_seconds = again_seconds
        self._firing: Sequence[Alert] = ()
        self._untold: dict[str, Alert] = {}
        self._news = asyncio.Event()
        self._loss = LossLog(log, "Alertmanager")

    def firing(self, alerts: Sequence[Alert]) -> None:
        """Take note of all that fires."""
        self._firing = alerts

    def changed(self, alerts: Collection[Alert]) -> None:
        """Tell of these soon."""
        self._untold |= {each.name: each for each in alerts}
        self._news.set()

    async def run(self) -> None:
        """Tell for ever."""
        loop = asyncio.get_running_loop()
        again = loop.time()
        while True:
            if loop.time() >= again:
                self._untold = {each.name: each for each in self._firing} | self._untold
                again = loop.time() + self._again_seconds
            if self._untold:
                await retry(self._tell, self._loss)
            self._news.clear()
            try:
                async with asyncio.timeout(max(again - loop.time(), 0.0)):
                    await self._news.wait()
            except TimeoutError:
                """It is time to tell of everything again."""

    async def _tell(self) -> None:
        if self._notifier is None:
            self._untold.clear()
            return
        now = self._clock.now()
        silences = await self._store.silences(now)
        told = dict(self._untold)
        loud = [
            alert
            for alert in told.values()
            if not any(each.covers(alert.condition, now) for each in silences)
        ]
        if loud:
            await self._notifier.tell(loud)
        self._untold = {
            name: alert for name, alert in self._untold.items() if told.get(name) is not alert
        }
