"""Keeping every asset's forecasts right: forecasts of past days are made again.

A model's bands are right on average over everybody. So once a day each asset that is asked for is
forecast as it would have been at the midnights of the last six weeks, from what was known then, and
what came says by how much its bands are to be stretched from then on, and by how much the day's
loads are to be moved. It is done anew when the asset's local day ends: the newest tells most.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from wattmesh_forecast.app.ask_models import in_parts
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import BadAnswer, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.backcast import LAGS, Backcast, backcast
from wattmesh_forecast.domain.conformal import AS_GIVEN, CALIBRATION_DAYS, Stretch
from wattmesh_forecast.domain.hours import HOUR, AssetHours
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time

log = logging.getLogger(__name__)

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
        self._due: dict[AssetId, tuple[Subject, int]] = {}
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
                await self._calibrate(*self._due.pop(next(iter(self._due))))

    async def _calibrate(self, subject: Subject, version: int) -> None:
        now = self._clock.now()
        try:
            found = await self._stretch_of(subject, version, now)
        except (ModelUnavailable, BadAnswer):
            return  # it is due again with the next answer that the model gives
        except Exception:
            log.exception("%s cannot be calibrated", subject.asset.name)
            found = None
        if found is not None:
            self._known[subject.asset] = found

    async def _stretch_of(
        self, subject: Subject, version: int, now: datetime
    ) -> _Calibrated | None:
        end = floor_time(now, HOUR)
        span = TimeRange(end - timedelta(days=CALIBRATION_DAYS) - LAGS, end)
        past = (await self._past.over([subject], span, span))[subject.asset]
        if not isinstance(past, AssetHours) or (asked := backcast(subject.kind, past)) is None:
            return None
        answered, stretch = await self._judged(subject, version, asked)
        until = min(now + VALID, _end_of_day(now, subject.zone))
        return _Calibrated(stretch=stretch, version=answered, until=until)

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
