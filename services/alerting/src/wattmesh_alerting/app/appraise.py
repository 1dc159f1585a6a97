"""Find out what is at stake in alerts, after they were told: nobody waits for it."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial

from wattmesh_alerting.app.ports import Appraiser
from wattmesh_alerting.domain.alert import Alert
from wattmesh_alerting.domain.appraisal import Appraisal
from wattmesh_alerting.domain.condition import Appraised, News
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.losses import PASSING, LossLog, retry

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1
"""Between two alerts [s of the wall]: a crowd is told first, and looked at by and by."""


class Appraise:
    """Looks at one alert after the other, each once; what it finds is news like any other."""

    def __init__(self, appraiser: Appraiser, news: asyncio.Queue[News]) -> None:
        self._appraiser = appraiser
        self._news = news
        self._waiting: dict[str, Alert] = {}
        self._asked: set[str] = set()
        self._some = asyncio.Event()
        self._loss = LossLog(log, "what is at stake")

    def want(self, alerts: Iterable[Alert]) -> None:
        """Have those looked at that have not been; forget the ones that are over."""
        for each in alerts:
            if not each.fires:
                self._waiting.pop(each.name, None)
                self._asked.discard(each.name)
            elif each.wants_appraisal and each.name not in self._asked:
                self._asked.add(each.name)
                self._waiting[each.name] = each
                self._some.set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                alert = self._waiting.pop(next(iter(self._waiting)))
                found = await retry(partial(self._of, alert), self._loss)
                if found is not None:
                    condition = alert.condition
                    await self._news.put(
                        Appraised(key=condition.key, alert=alert.name, appraisal=found)
                    )
                await asyncio.sleep(PAUSE_SECONDS)

    async def _of(self, alert: Alert) -> Appraisal | None:
        try:
            return await self._appraiser(alert.condition)
        except PASSING:
            raise
        except WattmeshError as error:
            log.debug("what is at stake in %s is not known: %s", alert.name, error)
        except Exception:
            log.exception("what is at stake in %s is not understood", alert.name)
        return None
