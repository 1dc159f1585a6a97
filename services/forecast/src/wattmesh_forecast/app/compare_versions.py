"""A candidate beside the stable version: what both would have said since it was trained."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from wattmesh_forecast.app.ask_models import in_parts
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import BadAnswer, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.backcast import LAGS, Backcast, backcast
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Floats
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.labels import Comparison
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange, floor_time

_DAY = timedelta(days=1)
MOST_DAYS = 7


class CompareVersions:
    """Asks both about the midnights after the candidate's training, by what was known then."""

    def __init__(
        self, *, sites: FollowedSites, past: Past, models: ModelServer, clock: Clock
    ) -> None:
        self._sites = sites
        self._past = past
        self._models = models
        self._clock = clock

    async def __call__(
        self, kind: Kind, assets: Sequence[AssetId], candidate: ModelVersion, stable: int
    ) -> Comparison:
        """Return their errors; none while one of them cannot be asked.

        Errors: Unavailable while the site model is away.
        """
        end = floor_time(self._clock.now(), HOUR)
        days = min(MOST_DAYS, (end - candidate.train_range.end) // _DAY)
        if days < 1:
            return Comparison()
        subjects = self._sites.required(assets)
        span = TimeRange(end - days * _DAY - LAGS, end)
        past = await self._past.over(subjects, span, span)
        asked = [
            found
            for hours in past.values()
            if isinstance(hours, AssetHours) and (found := backcast(kind, hours, days)) is not None
        ]
        try:
            pairs = [
                [await self._errors(each, version) for version in (candidate.version, stable)]
                for each in asked
            ]
        except (ModelUnavailable, BadAnswer):
            return Comparison()
        return Comparison(
            candidate_wh=sum(float(one.sum()) for one, _ in pairs),
            stable_wh=sum(float(other.sum()) for _, other in pairs),
            hours=sum(len(one) for one, _ in pairs),
        )

    async def _errors(self, asked: Backcast, version: int) -> Floats:
        answers = [
            await self._models.predict(asked.kind.value, part, version)
            for part in in_parts(asked.asked)
        ]
        said = np.concatenate([each.quantiles for each in answers]).astype(np.float64)
        away = np.abs(asked.given_w(said)[:, 1] - asked.came_w)
        return away[asked.asked.open & np.isfinite(away)]
