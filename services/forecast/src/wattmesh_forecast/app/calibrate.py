"""Keeping every asset's forecasts right: forecasts of past days are made again.

A model's bands are right on average over everybody. So once a day each asset that is asked for is
forecast as it would have been at the midnights of the last six weeks, from what was known then, and
what came says by how much its bands are to be stretched from then on, and by how much the day's
loads are to be moved. It is done anew when the asset's local day ends: the newest tells most.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import TypeAlias
from zoneinfo import ZoneInfo

from wattmesh_forecast.app.ask_models import in_parts
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import BadAnswer, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.backcast import LAGS, Backcast, backcasts
from wattmesh_forecast.domain.conformal import AS_GIVEN, CALIBRATION_DAYS, Stretch
from wattmesh_forecast.domain.hours import HOUR, AssetHours
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time

log = logging.getLogger(__name__)

_Due: TypeAlias = tuple[Subject, int]
"""Who is to be calibrated, under which version of the model."""

MOST_TOGETHER = 8
"""Assets that are worked on at once: their six weeks are some 20 MB."""
VALID = timedelta(days=1)
"""For how long a stretch stands at most before it is looked at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Calibrated:
    stretch: Stretch
    version: int
    until: datetime


class Calibration:
    """Stretches by asset; those that are missing or old are worked out in the background."""

    def __init__(self, *, past: Past, models: ModelServer, clock: Clock) -> None:
        self._past = past
        self._models = models
        self._clock = clock
        self._known: dict[AssetId, _Calibrated] = {}
        self._due: dict[AssetId, _Due] = {}
        self._some_due = asyncio.Event()

    def stretch(self, subject: Subject, version: int) -> Stretch:
        """Return what is known of an asset under a version; AS_GIVEN at first."""
        known = self._known.get(subject.asset)
        if known is None or known.version != version or known.until <= self._clock.now():
            self._due[subject.asset] = subject, version
            self._some_due.set()
        return AS_GIVEN if known is None or known.version != version else known.stretch

    async def __call__(self) -> None:
        """Calibrate for ever."""
        while True:
            await self._some_due.wait()
            self._some_due.clear()
            while self._due:
                await self._calibrate(self._next())

    def _next(self) -> list[_Due]:
        """Take some of a kind from what is due."""
        kind = next(iter(self._due.values()))[0].kind
        same = (asset for asset, (subject, _) in self._due.items() if subject.kind is kind)
        return [self._due.pop(asset) for asset in list(islice(same, MOST_TOGETHER))]

    async def _calibrate(self, some: Sequence[_Due]) -> None:
        """Work out the stretches of some of a kind; one by one where that fails."""
        try:
            await self._work_out(some)
        except Exception:
            if len(some) == 1:
                log.exception("%s cannot be calibrated", some[0][0].asset.name)
                return
            for each in some:
                await self._calibrate([each])

    async def _work_out(self, some: Sequence[_Due]) -> None:
        now, kind = self._clock.now(), some[0][0].kind
        end = floor_time(now, HOUR)
        span = TimeRange(end - timedelta(days=CALIBRATION_DAYS) - LAGS, end)
        read = await self._past.over([subject for subject, _ in some], span, span)
        past = [(each, read[each[0].asset]) for each in some]
        known = [(each, hours) for each, hours in past if isinstance(hours, AssetHours)]
        # In a thread: issues go on meanwhile.
        asked = await asyncio.to_thread(backcasts, kind, [hours for _, hours in known])
        for ((subject, version), _), questions in zip(known, asked, strict=True):
            if questions is None:
                continue
            try:
                answered, stretch = await self._judged(subject, version, questions)
            except (ModelUnavailable, BadAnswer):
                continue  # it is due again with the next answer that the model gives
            until = min(now + VALID, _end_of_day(now, subject.zone))
            self._known[subject.asset] = _Calibrated(stretch=stretch, version=answered, until=until)

    async def _judged(self, subject: Subject, version: int, asked: Backcast) -> tuple[int, Stretch]:
        answers = [
            await self._models.predict(subject.kind.value, part, version)
            for part in in_parts(asked.asked)
        ]
        return answers[-1].version, asked.stretch([each.quantiles for each in answers])


def _end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the next local midnight, UTC."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)
