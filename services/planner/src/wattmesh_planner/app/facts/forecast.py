"""What loads and generation are expected to do, and what they did before where nobody knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_planner.app.batch import LARGEST_CALL, Batch
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.ports import ForecastAnswer, Forecaster
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.gaps import complete, filled_from_before, same_time_before
from wattmesh_planner.domain.inputs import AssetForecast
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.model import Scope
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_runtime.aio.tasks import BackgroundTasks

LEAST_SECONDS = 1.0
"""What forecast is given at least, however late it is [s of the wall]."""
_LEAD_RATIO = 0.5
"""The part of the lead that is left which forecast may take; solving and control need the rest."""
_HISTORY = timedelta(days=2)
YESTERDAY = "yesterday"
"""Source of what was metered at the same time of an earlier day."""
_MOST_MEMBER_VALUES = 400_000
"""Assets times intervals times members of one answer of forecast."""
_Wanted: TypeAlias = tuple[TimeRange, int]
"""Over which time, and how many joint members of what may come."""


class ForecastFacts:
    """Asks forecast, one call for all scopes that ask together.

    A plan that is tried again goes on with the forecasts that it got before; they are asked for
    anew once they are older than the lead.
    """

    def __init__(
        self,
        clock: Clock,
        forecaster: Forecaster,
        energies: Energies,
        rhythm: Rhythm,
        most_seconds: float,
        background: BackgroundTasks,
    ) -> None:
        self._clock = clock
        self._forecaster = forecaster
        self._energies = energies
        self._rhythm = rhythm
        self._most_seconds = most_seconds
        self._forecasts: Batch[_Wanted, AssetId, ForecastAnswer] = Batch(
            self._ask, background, most=self._most
        )
        self._issued = _Issued(clock, rhythm.lead)

    async def __call__(
        self, scope: Scope, target: TimeRange
    ) -> Mapping[AssetId, Fact[AssetForecast]]:
        """Return the expected power of every asset whose kind needs a forecast."""
        assets = [asset.id for asset in scope.assets if KINDS[type(asset.rating)].needs.forecast]
        wanted = target, scope.goals.ensemble_member_count or 0
        answers = await self._answers(assets, wanted)
        doubtful = [asset for asset in assets if not _good(answers[asset])]
        history = await self._history(doubtful)
        return {asset: _fact(answers[asset], history.get(asset), target) for asset in assets}

    async def _answers(
        self, assets: Sequence[AssetId], wanted: _Wanted
    ) -> Mapping[AssetId, ForecastAnswer]:
        known = self._issued.of(assets, wanted)
        try:
            fresh = await self._forecasts.ask(
                wanted, [each for each in assets if each not in known]
            )
        except WattmeshError as error:
            return {**dict.fromkeys(assets, _why(Reason.SERVICE_UNAVAILABLE, error)), **known}
        self._issued.keep(fresh, wanted)
        unanswered = Why(topic=Topic.FORECAST, reason=Reason.NOT_AVAILABLE)
        return {**dict.fromkeys(assets, unanswered), **known, **fresh}

    async def _history(self, assets: Sequence[AssetId]) -> Mapping[AssetId, Series]:
        """Return the mean power of the last days [W]; nothing when metering does not answer."""
        until = floor_time(self._clock.now(), self._rhythm.resolution)
        try:
            energies = await self._energies.over(TimeRange(until - _HISTORY, until), assets)
        except WattmeshError:
            return {}
        hours = self._rhythm.resolution / timedelta(hours=1)
        return {
            asset: energy.net_wh.with_values(energy.net_wh.values / hours)
            for asset, energy in energies.items()
        }

    async def _ask(
        self, wanted: _Wanted, assets: Sequence[AssetId]
    ) -> Mapping[AssetId, ForecastAnswer]:
        target, members = wanted
        left = (target.start - self._clock.now()).total_seconds() / self._clock.rate
        within = min(max(left * _LEAD_RATIO, LEAST_SECONDS), self._most_seconds)
        resolution = self._rhythm.resolution
        return await self._forecaster.forecast(assets, target, resolution, within, members)

    def _most(self, wanted: _Wanted) -> int:
        """Return of how many assets an answer holds what is wanted."""
        target, members = wanted
        values = max(1, members) * target.count(self._rhythm.resolution)
        return max(1, min(LARGEST_CALL, _MOST_MEMBER_VALUES // values)) if members else LARGEST_CALL


class _Issued:
    """Forecasts that were issued for the newest target, while they are fresh."""

    def __init__(self, clock: Clock, fresh: timedelta) -> None:
        self._clock = clock
        self._fresh = fresh
        self._kept: dict[_Wanted, dict[AssetId, tuple[datetime, AssetForecast]]] = {}

    def of(self, assets: Sequence[AssetId], wanted: _Wanted) -> dict[AssetId, ForecastAnswer]:
        """Return those that need not be asked for again."""
        kept, oldest = self._kept.get(wanted, {}), self._clock.now() - self._fresh
        return {
            asset: kept[asset][1] for asset in assets if asset in kept and kept[asset][0] >= oldest
        }

    def keep(self, answers: Mapping[AssetId, ForecastAnswer], wanted: _Wanted) -> None:
        """Keep what was issued; forget targets before."""
        for passed in [each for each in self._kept if each[0].start < wanted[0].start]:
            del self._kept[passed]
        kept, now = self._kept.setdefault(wanted, {}), self._clock.now()
        for asset, answer in answers.items():
            if isinstance(answer, AssetForecast):
                kept[asset] = (now, answer)


def _good(answer: ForecastAnswer) -> bool:
    return isinstance(answer, AssetForecast) and complete(answer.power_w)


def _fact(
    answer: ForecastAnswer, history_w: Series | None, target: TimeRange
) -> Fact[AssetForecast]:
    """Return the forecast, completed from earlier days; missing when even they do not know."""
    if isinstance(answer, Why):
        if history_w is None:
            return Missing(why=answer)
        earlier = same_time_before(history_w, target)
        value = AssetForecast(power_w=earlier, source=YESTERDAY)
        return Assumed(value=value, why=answer) if complete(earlier) else Missing(why=answer)
    if complete(answer.power_w):
        return Known(value=answer)
    return _completed(answer, history_w)


def _completed(answer: AssetForecast, history_w: Series | None) -> Fact[AssetForecast]:
    gaps = int(np.isnan(answer.power_w.values).sum())
    why = Why(
        topic=Topic.FORECAST, reason=Reason.INCOMPLETE, detail=f"{gaps} intervals lack a value"
    )
    if history_w is None:
        return Missing(why=why)
    filled = filled_from_before(answer.power_w, history_w)
    value = AssetForecast(power_w=filled, source=answer.source)
    return Assumed(value=value, why=why) if complete(filled) else Missing(why=why)


def _why(reason: Reason, error: WattmeshError) -> Why:
    return Why(topic=Topic.FORECAST, reason=reason, detail=error.message)
