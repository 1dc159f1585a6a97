"""What is expected, and what may come, by the forecast service's own arithmetic from the past."""

from collections import defaultdict
from datetime import datetime

import numpy as np

from tests.bench.regret.places import HOUR, Place
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.ensemble import Draw, drawn, members_w
from wattmesh_forecast.domain.hours import AssetHours, Floats, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.questions import Question, Reply, groups, question, seasonal_replies
from wattmesh_forecast.domain.recent_errors import recent_scores
from wattmesh_forecast.domain.subjects import Subject, subject_of
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.sites import PlanningGoals
from wattmesh_kernel.time import TimeRange

AHEAD = 24
RATIOS = (0.1, 0.5, 0.9)
_PAST_HOURS = 45 * 24
_MEDIAN = RATIOS.index(0.5)


class Expectations:
    """Answers from the hours before `hour` alone; each hour is asked once and kept."""

    def __init__(self, place: Place) -> None:
        self._place = place
        model = place.model(PlanningGoals(), priced_peak=False)
        self._subjects = [_subject(subject_of(asset, model)) for asset in place.uncertain]
        count = len(place.power_w) + AHEAD
        span = TimeRange.of(place.start, count * HOUR)
        self._clock = LocalClock.of(span, place.zone)
        located = next((each.location for each in self._subjects if each.kind is Kind.PV), None)
        self._sun = None if located is None else PvlibSky().suns([located], span)[located]
        self._quantiles: dict[int, Floats] = {}
        self._scores: tuple[int, Floats] | None = None

    def median_w(self, hour: int) -> Floats:
        """Return what is expected over the hours from `hour` on, (assets, 24) [W]."""
        return np.asarray(self.quantiles_w(hour)[:, :, _MEDIAN])

    def members_w(self, hour: int, count: int) -> Floats:
        """Return joint members over the hours from `hour` on, (assets, members, 24) [W]."""
        quantiles = self.quantiles_w(hour)
        draw = Draw(members=count, seed=hour)
        normals = drawn(self._scores_before(hour), draw, first=0, count=AHEAD, per_hour=1.0)
        return np.stack(
            [
                members_w(subject.kind, power.T, RATIOS, of_asset, subject.most_w)
                for subject, power, of_asset in zip(self._subjects, quantiles, normals, strict=True)
            ]
        )

    def quantiles_w(self, hour: int) -> Floats:
        """Return quantiles over the hours from `hour` on, (assets, 24, ratios) [W]."""
        if hour not in self._quantiles:
            self._quantiles[hour] = self._issued(hour)
        return self._quantiles[hour]

    def _issued(self, hour: int) -> Floats:
        first = max(0, hour - _PAST_HOURS)
        wanted = Wanted(
            assets=self._place.uncertain,
            span=TimeRange.of(self._at(hour), AHEAD * HOUR),
            resolution=HOUR,
            ratios=RATIOS,
        )
        found = np.zeros((len(self._subjects), AHEAD, len(RATIOS)))
        asked: list[Question] = []
        for number, subject in enumerate(self._subjects):
            answer = question(subject, self._hours(number, first, hour), wanted)
            if isinstance(answer, Question):
                asked.append(answer)
            elif isinstance(answer, Reply):
                found[number] = answer.power_w
        for group in groups(asked):
            for reply in seasonal_replies(group[0].subject.kind, group, wanted):
                found[self._subjects.index(reply.subject)] = reply.power_w
        return found

    def _scores_before(self, hour: int) -> Floats:
        """Return the scores of errors until the last midnight, as the service keeps them."""
        end = hour // DAY * DAY
        if self._scores is None or self._scores[0] != end:
            first, alike = max(0, end - _PAST_HOURS), defaultdict(list)
            for number, subject in enumerate(self._subjects):
                alike[subject.kind].append(number)
            parts = {
                number: scores
                for kind, numbers in alike.items()
                for number, scores in zip(
                    numbers,
                    recent_scores(
                        kind, [self._hours(each, first, end) for each in numbers], end - first
                    ),
                    strict=True,
                )
            }
            self._scores = end, np.stack([parts[each] for each in range(len(self._subjects))])
        return self._scores[1]

    def _hours(self, number: int, first: int, end: int) -> AssetHours:
        """Return an asset's past before `end`; what comes after is not there."""
        whole = AssetHours(
            start=self._place.start,
            power_w=np.full(len(self._clock.hour), np.nan),
            clock=self._clock,
            sun=self._sun if self._subjects[number].kind is Kind.PV else None,
        ).between(first, end + AHEAD)
        past = self._place.power_w[first:end, number]
        known = np.concatenate([past, np.full(AHEAD, np.nan)])
        return AssetHours(start=whole.start, power_w=known, clock=whole.clock, sun=whole.sun)

    def _at(self, hour: int) -> datetime:
        return self._place.start + hour * HOUR


def _subject(found: object) -> Subject:
    assert isinstance(found, Subject)
    return found
