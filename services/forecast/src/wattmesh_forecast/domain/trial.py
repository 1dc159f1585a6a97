"""The patterns tried over the last two weeks: what they said of each hour, and what came."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY, at, running
from wattmesh_forecast.domain.pv_weather import with_weather

TRIAL_DAYS = 14
"""Over how many days the patterns are tried."""
SHORT_TRIAL_DAYS = 7
"""The same where a model says most of it."""
TRIAL_LEAD = 18
"""How far ahead they are tried [h]: within the day ahead."""
NOWCAST_HOURS = 12
"""For how long the newest hour tells of those to come [h]; less than TRIAL_LEAD."""
_SHARPNESS = 4
"""Power of the inverse error: 4 prefers a clearly better pattern and blends equals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What the patterns said of hours long before, and what came.

    Arrays over the hours from `first` on: `said` (assets, n, patterns) and `came` (assets, n) [W],
    NaN missing.
    """

    first: int
    said: Floats
    came: Floats
    _recent: dict[bool, Floats] = field(init=False, repr=False, default_factory=dict)

    def blend(self) -> Floats:
        """Return what the blend of that time said of each hour [W], (assets, n)."""
        hours = np.arange(self.said.shape[1])
        known = self.first + np.maximum(hours - TRIAL_LEAD, 0)
        return np.asarray((self.said * blend_weights(self, known)).sum(axis=-1))

    def recent_errors(self, hours: Ints) -> Floats:
        """Return the sum of each pattern's errors over the two weeks that end with an hour [W].

        `hours` (n,) count from `first`; shape (assets, n, patterns). The sums are kept: weights are
        asked for more than once.
        """
        # Nobody asks for more than two weeks of hours: before the trial there is nothing.
        from_first = int(hours.max()) < TRIAL_DAYS * DAY
        if from_first not in self._recent:
            self._recent[from_first] = self._summed(from_first=from_first)
        return at(self._recent[from_first].swapaxes(1, 2), hours).swapaxes(1, 2)

    def _summed(self, *, from_first: bool) -> Floats:
        errors = np.abs(self.said - self.came[..., None])
        np.fmax(errors, 0.0, out=errors)  # what is missing is 0
        if from_first:
            return np.asarray(np.cumsum(errors, axis=1, out=errors))
        (sums,) = running(errors.swapaxes(1, 2), (TRIAL_DAYS * DAY,), np.add)
        return sums.swapaxes(1, 2)


Asked: TypeAlias = tuple[Floats, Trial]
"""What patterns say of rows [W], (assets, n, patterns), and how they were tried."""


def ask_patterns(
    kind: Kind, batch: Batch, rows: Rows, ahead: int = 0, days: int = TRIAL_DAYS
) -> Asked:
    """Ask the patterns about `rows`, and try them over the days before the issues.

    Returns what they say of the rows [W], shape (assets, n, patterns), and the trial, in which they
    are asked about each hour up to the last issue as a day or so before it; and about the hours
    `ahead` of that, as far as the batch has them.
    """
    issues = rows.issues
    first = max(int(issues.min()) - days * DAY + 1, 0)
    end = min(int(issues.max()) + 1 + ahead, batch.power_w.shape[1])
    hours = np.arange(first, end, dtype=np.int64)
    asked = Rows(
        target=np.concatenate([hours, rows.target]),
        last=np.concatenate([hours - TRIAL_LEAD, rows.last]),
    )
    said = with_weather(PATTERNS[kind].values(batch, asked), batch, asked)
    tried, found = np.split(said, [len(hours)], axis=1)
    return found, Trial(first=first, said=tried, came=batch.power_w[:, hours])


def blend_weights(trial: Trial, issues: Ints) -> Floats:
    """Return the weight of each pattern at each issue, shape (assets, issues, patterns).

    Those of an issue add up to 1. They go with the inverse fourth power of the mean absolute error
    over the newest two weeks. With errors of 1 and 2 they are 16/17 and 1/17.
    """
    recent = trial.recent_errors(issues - trial.first)
    least = np.maximum(recent.min(axis=-1, keepdims=True), 1e-9)
    weights = (least / np.maximum(recent, least)) ** _SHARPNESS
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
