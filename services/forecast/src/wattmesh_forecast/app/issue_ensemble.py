"""Issuing ensembles: forecasts as ever, and joint members drawn from them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.issue_together import Issue
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.domain.ensemble import Draw, drawn, members_w
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Floats
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.outcome import Issued, NotForecast
from wattmesh_forecast.domain.questions import MOST_TOGETHER
from wattmesh_forecast.domain.recent_errors import SCORED_HOURS, recent_scores
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import floor_time

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Members:
    """A forecast, and what was drawn from it, (members, n) [W], positive into the asset."""

    forecast: Forecast
    power_w: Floats


MemberOutcome: TypeAlias = Members | NotForecast


class IssueEnsemble:
    """Issues forecasts, and draws members that go together as the errors lately did."""

    def __init__(self, *, issue: Issue, sites: FollowedSites, past: Past, clock: Clock) -> None:
        self._issue = issue
        self._sites = sites
        self._past = past
        self._clock = clock
        self._scores: dict[AssetId, tuple[datetime, Floats]] = {}

    async def __call__(self, wanted: Wanted, draw: Draw) -> list[MemberOutcome]:
        """Return what becomes of each asset, in the order asked.

        Errors: those of issuing; InvalidArgument for more than an answer holds.
        """
        draw.check_size(len(wanted.assets), wanted.span.count(wanted.resolution))
        outcomes = await self._issue(wanted)
        issued = [each.forecast for each in outcomes if isinstance(each, Issued)]
        subjects = {each.asset: self._sites.subject(each.asset) for each in issued}
        known = [each for each in subjects.values() if isinstance(each, Subject)]
        scores = await self._scores_of(known)
        ratings = {each.asset: each.most_w for each in known}
        members = await asyncio.to_thread(_members, issued, scores, ratings, draw)
        return [members[each.asset] if isinstance(each, Issued) else each for each in outcomes]

    async def _scores_of(self, subjects: Sequence[Subject]) -> Mapping[AssetId, Floats]:
        """Return the scores of errors until the last midnight; they are worked out once a day."""
        now = self._clock.now()
        end = floor_time(now, DAY * HOUR)
        missing = [each for each in subjects if self._kept(each, end) is None]
        if missing:
            past = await self._past.until(missing, now, now)
            found = await asyncio.to_thread(_scores, missing, past, end)
            self._scores |= {asset: (end, scores) for asset, scores in found.items()}
        return {
            each.asset: kept for each in subjects if (kept := self._kept(each, end)) is not None
        }

    def _kept(self, subject: Subject, end: datetime) -> Floats | None:
        until, scores = self._scores.get(subject.asset, (None, None))
        return scores if until == end else None


def _scores(
    subjects: Sequence[Subject], past: Mapping[AssetId, AssetHours | NotForecast], end: datetime
) -> dict[AssetId, Floats]:
    alike: defaultdict[object, list[tuple[AssetId, AssetHours]]] = defaultdict(list)
    for each in subjects:
        if isinstance(hours := past[each.asset], AssetHours):
            alike[each.kind, each.zone, len(hours.power_w)].append((each.asset, hours))
    kinds = {each.asset: each.kind for each in subjects}
    found: dict[AssetId, Floats] = {}
    for same in alike.values():
        for first in range(0, len(same), MOST_TOGETHER):
            some = same[first : first + MOST_TOGETHER]
            try:
                scores = recent_scores(
                    kinds[some[0][0]], [hours for _, hours in some], some[0][1].index(end)
                )
            except Exception:
                log.exception("the errors of %d assets cannot be told", len(some))
                continue
            found |= {
                asset: each.astype(np.float32)
                for (asset, _), each in zip(some, scores, strict=True)
            }
    return found


def _members(
    forecasts: Sequence[Forecast],
    scores: Mapping[AssetId, Floats],
    ratings: Mapping[AssetId, float | None],
    draw: Draw,
) -> dict[AssetId, Members]:
    if not forecasts:
        return {}
    first = forecasts[0]
    unknown = np.full(SCORED_HOURS, np.nan)
    normals = drawn(
        np.stack([scores.get(each.asset, unknown) for each in forecasts]).astype(np.float64),
        draw,
        first=(first.start - floor_time(first.start, HOUR)) // first.resolution,
        count=first.power_w.shape[1],
        per_hour=HOUR / first.resolution,
    )
    return {
        each.asset: Members(
            forecast=each,
            power_w=members_w(
                each.kind, each.power_w, each.ratios, of_asset, ratings.get(each.asset)
            ),
        )
        for each, of_asset in zip(forecasts, normals, strict=True)
    }
