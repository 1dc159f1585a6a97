"""Forecasts of the past, from what was known then, held against what came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from wattmesh_forecast.domain.conformal import CALIBRATION_DAYS, Stretch, stretch_of
from wattmesh_forecast.domain.day_errors import expected_errors, left_ratio
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.seasonal import seasonal_middles

LAGS = timedelta(days=29)
"""How far a question looks back."""
_SHORTEST_DAYS = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Backcast:
    """What a model would have been asked at past midnights, and what came (n,) [W].

    `hour` (n,) is the local hour of the day.
    """

    kind: Kind
    asked: ModelInput
    beside: Beside
    came_w: Floats
    hour: Floats

    def given_w(self, said: Floats) -> Floats:
        """Return what would have been issued (n, 3) by answers (n, 3) over the scale [W]."""
        return mixed(self.kind, said * self.asked.scale_w[:, None], self.beside)

    def stretch(self, said: Sequence[Float32s]) -> Stretch:
        """Return the stretch that would have been right for answers, in parts of (n, 3).

        Of a load it has the shift of the day after the newest one; past answers were moved by the
        shifts of their own days.
        """
        answers, open_ = np.concatenate(said).astype(np.float64), self.asked.open
        shifts = self._shifts(answers)
        from_midnight = left_ratio(np.arange(float(DAY)), np.arange(1.0, DAY + 1))
        given = self.given_w(answers + (shifts[:-1] * from_midnight).reshape(-1, 1))
        found = stretch_of(given[open_], self.came_w[open_], self.hour[open_])
        return replace(found, shift=tuple(map(float, shifts[-1]))) if shifts[-1].any() else found

    def _shifts(self, answers: Floats) -> Floats:
        """Return the shifts of each day and of the next one, over the scale, (days + 1, 24)."""
        if self.kind is not Kind.LOAD:
            return np.zeros((len(answers) // DAY + 1, DAY))
        away = (self.came_w - self.given_w(answers)[:, 1]) / self.asked.scale_w
        return expected_errors(away.reshape(-1, DAY))


def backcast(kind: Kind, hours: AssetHours, days: int = CALIBRATION_DAYS) -> Backcast | None:
    """Return the questions of the newest midnights, and what came; None when there are none.

    They are those of the last `days` whole days of `hours`.
    """
    first = hours.first_known()
    if first is None:
        return None
    begins = np.flatnonzero(np.floor(hours.clock.hour) == 0)
    begins = begins[(begins >= first + _SHORTEST_DAYS * DAY) & (begins <= len(hours.power_w) - DAY)]
    if not len(begins):
        return None
    begins = begins[-days:]
    target = (begins[:, None] + np.arange(DAY)).ravel()
    batch, rows = Batch.of([hours]), Rows(target=target, last=np.repeat(begins - 1, DAY))
    return Backcast(
        kind=kind,
        asked=model_input(kind, batch, rows),
        beside=Beside.of(kind, batch, rows, seasonal_middles(kind, batch, rows)),
        came_w=hours.power_w[target],
        hour=hours.clock.hour[target],
    )
