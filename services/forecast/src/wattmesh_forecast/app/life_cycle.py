"""The life of models: trained on a schedule and when they drift, taken back when they are worse.

Once a day the forecasts that the version in service made in the last week are held against what
meters recorded, late readings too. A version that the naive forecast beats goes out of service when
there is an older one; a training is ordered then, when it has drifted, and when the last was long
ago. What it gives is on trial when it passes the gate of trainings: a shadow of the stable version,
then a canary, then the stable one itself, or back on the shelf (`domain/labels.py`).
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_forecast.app.evaluate import EvaluateForecasts
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.ports import ModelShelf
from wattmesh_forecast.app.train import TrainModel
from wattmesh_forecast.domain.forecast import Forecast, model_source
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.labels import Comparison, Step, is_canary, next_step
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.standing import Standing, standing
from wattmesh_forecast.domain.training import TrainingOrder
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_runtime.aio.containment import Containment

log = logging.getLogger(__name__)

LOOKED_AT_EVERY = timedelta(days=1)
JUDGED = timedelta(days=7)
"""The issues of so many days are judged."""
LEARNT = timedelta(days=365)
EVERY_HOURS = 6
"""Those issued in every sixth hour: neighbouring issues say nearly the same."""
MOST_JUDGED, MOST_LEARNT = 10, 200
"""Assets that are judged, and learnt from: some of many are enough."""
DRIFT_PAUSE = timedelta(days=3)
"""Between two trainings at least: the newest days must have taught something else."""
_REQUEST = "life-cycle"


class LifeCycleNews(Protocol):
    """Who counts what becomes of models."""

    def stands(self, kind: Kind, where: Standing) -> None:
        """The version in service was judged."""

    def taken_back(self, kind: Kind) -> None:
        """A version went out of service."""

    def tried(self, kind: Kind, step: Step) -> None:
        """A candidate became more, or went back."""


class Compare(Protocol):
    """Holds a candidate against the stable version."""

    async def __call__(
        self, kind: Kind, assets: Sequence[AssetId], candidate: ModelVersion, stable: int
    ) -> Comparison:
        """Return the errors of both over the same hours since the candidate's training."""


class LifeCycle:
    """Looks after the models of every kind."""

    def __init__(
        self,
        *,
        sites: FollowedSites,
        evaluate: EvaluateForecasts,
        compare: Compare,
        train: TrainModel,
        shelf: ModelShelf,
        news: LifeCycleNews,
        clock: Clock,
        retrain_every: timedelta,
    ) -> None:
        self._sites = sites
        self._evaluate = evaluate
        self._compare = compare
        self._train = train
        self._shelf = shelf
        self._news = news
        self._clock = clock
        self._every = retrain_every

    async def __call__(self) -> None:
        """Look after them for ever."""
        contained = Containment(log, "looking after models")
        while True:
            await self._clock.sleep(LOOKED_AT_EVERY)
            for kind in MODELLED:
                with contained.each(kind.value):
                    await self.look_after(kind)

    async def look_after(self, kind: Kind) -> None:
        """Judge the version in service; take it back and order a training where that is due.

        Errors: Unavailable while metering, the database or the site model is away.
        """
        assets = [each.asset for each in self._sites.of_kind(kind) if each.suits_model]
        if not assets:
            return
        now = self._clock.now()
        judged = _some(assets, MOST_JUDGED)
        where = await self._standing(self._in_service(kind), judged, now)
        self._news.stands(kind, where)
        if where is Standing.WORSE and (version := self._shelf.take_back(kind.value)) is not None:
            log.warning("%s is out of service: the naive forecast was better", version.name)
            self._news.taken_back(kind)
        tried = await self._try_candidate(kind, assets, now)
        if not tried and await self._training_is_due(kind, where, now):
            await self._order(kind, _some(assets, MOST_LEARNT), now)

    async def _try_candidate(self, kind: Kind, assets: Sequence[AssetId], now: datetime) -> bool:
        """Let the candidate go one step; return whether there still is one."""
        labels = self._shelf.labels(kind.value)
        if labels is None or labels.candidate is None:
            return False
        candidate = self._numbered(kind, labels.candidate)
        if candidate is None:
            return False
        some = _some([each for each in assets if is_canary(each)], MOST_JUDGED)
        live = await self._standing(candidate if labels.canary else None, some, now)
        judged = _some(assets, MOST_JUDGED)
        compared = await self._compare(kind, judged, candidate, labels.stable)
        step = next_step(labels, compared, live, now)
        self._shelf.move(kind.value, step, now)
        if step is not Step.WAIT:
            log.info("%s: %s, %s", candidate.name, step.value, compared)
            self._news.tried(kind, step)
        return step in (Step.WAIT, Step.CANARY)

    async def _standing(
        self, version: ModelVersion | None, assets: Sequence[AssetId], now: datetime
    ) -> Standing:
        if version is None or not assets:
            return Standing.UNKNOWN
        source = model_source(version.model, version.version)

        def counts(forecast: Forecast) -> bool:
            return forecast.source == source and not forecast.issue_time.hour % EVERY_HOURS

        issued = TimeRange(now - JUDGED, now)
        live = await self._evaluate(assets, issued, None, counts)
        return standing(version, live.score)

    def _in_service(self, kind: Kind) -> ModelVersion | None:
        labels = self._shelf.labels(kind.value)
        if labels is not None:
            return self._numbered(kind, labels.stable)
        found = [each for each in self._shelf.versions() if each.model == kind.value]
        return found[-1] if found else None

    def _numbered(self, kind: Kind, number: int) -> ModelVersion | None:
        for each in self._shelf.versions():
            if (each.model, each.version) == (kind.value, number):
                return each
        return None

    async def _training_is_due(self, kind: Kind, where: Standing, now: datetime) -> bool:
        if not self._every:
            return False
        newest, _ = await self._train.list(0, "")
        ordered = [each.start_time for each in newest if each.order.model == kind.value]
        if not ordered:
            return True
        lately = now - max(ordered)
        wanting = where in (Standing.DRIFTED, Standing.WORSE)
        return lately >= (min(DRIFT_PAUSE, self._every) if wanting else self._every)

    async def _order(self, kind: Kind, assets: Sequence[AssetId], now: datetime) -> None:
        end = floor_time(now, HOUR)
        order = TrainingOrder(
            model=kind.value,
            assets=tuple(assets),
            range=TimeRange(end - LEARNT, end),
            request_id=f"{_REQUEST}-{kind.value}-{now:%Y%m%d}",
        )
        training = await self._train(order)
        log.info("%s: model %s learns from %d assets", training.name, kind.value, len(assets))


def _some(assets: Sequence[AssetId], most: int) -> Sequence[AssetId]:
    """Return at most so many, evenly from all."""
    return assets[:: max(1, -(-len(assets) // most))]
