"""The first hours: by how much the newest hour differs from what past days had said of it.

What a day does otherwise than the days before, it goes on doing for a while: clouds stay, guests
stay. How long is different for every asset and lead. So for each lead the difference is carried on
with a weight of its own, the one that would have been right over the last two weeks, held by what
is usual for the kind. After half a day nothing of it is left, and patterns and weather say it all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY, either, running
from wattmesh_forecast.domain.trial import NOWCAST_HOURS, TRIAL_DAYS, Trial

_LEADS = np.arange(1, NOWCAST_HOURS + 1)
_USUAL_WEIGHTS = {Kind.LOAD: 0.6 * 0.65 ** (_LEADS - 1.0), Kind.PV: 0.85 * 0.83 ** (_LEADS - 1.0)}
"""What is left of a difference after so many hours, over homes and a campus, (leads,)."""
_PRIOR_HOURS = 96
"""As many hours count for the usual weights."""
_MOST_WEIGHT = 1.2
_MOST_GROWTH = 2.0
_MOST_SPREADS = 4.0
_LEAST_ROOM_RATIO = 0.05
_LEAST_LEFT_RATIO = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nowcast:
    """Middles [W] and what is left of the seasonal forecast's errors (0 to 1), (assets, n)."""

    middle_w: Floats
    left_ratio: Floats


def nowcast(kind: Kind, batch: Batch, rows: Rows, trial: Trial, said_w: Floats) -> Nowcast:
    """Return what the newest hour makes of the seasonal forecast `said_w` (assets, n) [W].

    An hour that came out 300 W above what had been said of it moves the next by 180 W at a weight
    of 0.6. A plant's difference goes with what it can give at each hour: 300 W of 1,000 possible
    are 600 W of 2,000. A plant gives no more than it did at that hour of the days before, unless
    the seasonal forecast says so.
    """
    past = _Differences(kind, batch, trial)
    middle, left = said_w.copy(), np.ones_like(said_w)
    for number, issue in enumerate(rows.issues):
        weights, explained = past.weights(int(issue))
        of_issue = np.flatnonzero((rows.issue == number) & (rows.lead <= NOWCAST_HOURS))
        lead = rows.lead[of_issue].astype(np.int64) - 1
        target = rows.target[of_issue] - trial.first
        carried = weights[:, lead] * past.newest(int(issue))[:, lead]
        # What was said long before is the better half of the truth where the weights were tried.
        middle[:, of_issue] = (said_w[:, of_issue] + past.said[:, target]) / 2 + carried
        if past.room is not None:
            most = np.maximum(past.room[:, target], said_w[:, of_issue])
            middle[:, of_issue] = np.minimum(middle[:, of_issue], most)
        left[:, of_issue] = 1.0 - explained[:, lead]
    return Nowcast(middle_w=np.maximum(middle, 0.0), left_ratio=left)


class _Differences:
    """What came less what had been said of it, over the hours of a trial, (assets, hours) [W]."""

    def __init__(self, kind: Kind, batch: Batch, trial: Trial) -> None:
        self._usual = _USUAL_WEIGHTS[kind]
        self._first = trial.first
        self.said = trial.blend()
        """What had been said of each hour, also of those to come."""
        hours = slice(trial.first, trial.first + self.said.shape[1])
        self.room = _room(kind, batch, hours)
        """What a plant can give at each hour [W]; None for loads."""
        self._away = trial.came - self.said
        self._growth = self._growths()

    def weights(self, issue: int) -> tuple[Floats, Floats]:
        """Return the weight of each lead, and the share of the errors that it takes away."""
        end = issue - self._first
        tried = slice(max(0, end - TRIAL_DAYS * DAY + 1), end + 1)
        away = self._away[:, tried]
        there = np.isfinite(away).astype(np.float64)
        came, growth = np.where(there > 0, away, 0.0), self._growth[:, tried]
        sums = [
            _together(came * growth[..., lead - 1], came, there, lead)
            for lead in range(1, NOWCAST_HOURS + 1)
        ]
        both, of_told, of_came = np.array(sums).transpose(1, 2, 0)
        held = of_told * _PRIOR_HOURS / max(end - tried.start, 1)
        weights = (both + held * self._usual) / np.maximum(of_told + held, 1e-9)
        weights = np.where(of_told > 0, np.clip(weights, 0.0, _MOST_WEIGHT), self._usual)
        taken = (2 * weights * both - weights**2 * of_told) / np.maximum(of_came, 1e-9)
        return weights, np.clip(taken, 0.0, 1.0 - _LEAST_LEFT_RATIO)

    def newest(self, issue: int) -> Floats:
        """Return the newest hour's difference as it would be at each lead, (assets, leads) [W].

        0 where that hour is missing. One that is out of all proportion is brought back to four
        times the usual size.
        """
        at = issue - self._first
        tried = self._away[:, max(0, at - TRIAL_DAYS * DAY) : at]
        usual = np.sqrt(np.mean(np.nan_to_num(tried) ** 2, axis=1)) if tried.size else np.inf
        most = np.where(usual > 0, _MOST_SPREADS * usual, np.inf)
        away = np.clip(either(self._away[:, at], 0.0), -most, most)
        return np.asarray(away[:, None] * self._growth[:, at])

    def _growths(self) -> Floats:
        """Return what a difference at each hour is to be multiplied by, (assets, hours, leads)."""
        if self.room is None:
            return np.ones((*self._away.shape, NOWCAST_HOURS))
        (most,) = running(self.room, (7 * DAY,), np.fmax)
        bright = self.room > _LEAST_ROOM_RATIO * most
        growth = self._ahead(self.room) / np.maximum(self.room, 1e-9)[..., None]
        return np.where(bright[..., None], np.minimum(either(growth, 0.0), _MOST_GROWTH), 0.0)

    def _ahead(self, values: Floats) -> Floats:
        """Return the values after each hour, NaN after the last, (assets, hours, leads)."""
        later = np.full((len(values), NOWCAST_HOURS), np.nan)
        windows = sliding_window_view(np.concatenate([values, later], axis=1), NOWCAST_HOURS + 1, 1)
        return np.asarray(windows[..., 1:])


def _together(told: Floats, came: Floats, there: Floats, lead: int) -> tuple[Floats, ...]:
    """Return how `told` goes with what came `lead` hours later, and their squares, (assets,) each.

    Sums over pairs of hours that are both there (1, else 0), of arrays (assets, hours) that are 0
    where nothing is known.
    """
    now, later = slice(None, -lead), slice(lead, None)
    pairs = (
        (told[:, now], came[:, later]),
        (told[:, now] ** 2, there[:, later]),
        (there[:, now], came[:, later] ** 2),
    )
    return tuple(np.einsum("at,at->a", one, other) for one, other in pairs)


def _room(kind: Kind, batch: Batch, hours: slice) -> Floats | None:
    ceiling = PATTERNS[kind].ceiling_w
    return None if ceiling is None else either(ceiling(batch)[:, hours], 0.0)
