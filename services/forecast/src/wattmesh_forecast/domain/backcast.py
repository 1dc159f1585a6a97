"""Forecasts of the past, from what was known then, held against what came."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from wattmesh_forecast.domain.conformal import CALIBRATION_DAYS, Stretch, stretch_of
from wattmesh_forecast.domain.day_errors import expected_errors, left_ratio
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Ints, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.mixture import Beside, mixed
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.seasonal import seasonal_middles, trial_days
from wattmesh_forecast.domain.trial import NOWCAST_HOURS, ask_patterns

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
    return backcasts(kind, [hours], days)[0]


def backcasts(
    kind: Kind, assets: Sequence[AssetHours], days: int = CALIBRATION_DAYS
) -> list[Backcast | None]:
    """Return the `backcast` of each of some assets on one raster, worked out together.

    Some are as many as stay in the processor's cache: six weeks of one are a megabyte and a half.
    """
    found: list[Backcast | None] = [None] * len(assets)
    alike: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for number, hours in enumerate(assets):
        begins = _begins(hours, days)
        if len(begins):
            alike[id(hours.clock), begins.tobytes()].append(number)
    for (_, of_day), numbers in alike.items():
        same = [assets[number] for number in numbers]
        asked = _of(kind, same, np.frombuffer(of_day, np.int64))
        for number, each in zip(numbers, asked, strict=True):
            found[number] = each
    return found


def _begins(hours: AssetHours, days: int) -> Ints:
    """Return the midnights that are asked about; none where nothing was known before them."""
    first, at_midnight = hours.first_known(), np.floor(hours.clock.hour) == 0
    if first is None:
        return np.empty(0, dtype=np.int64)
    begins = np.flatnonzero(at_midnight[: len(hours.power_w) - DAY + 1]).astype(np.int64)
    return begins[begins >= first + _SHORTEST_DAYS * DAY][-days:]


def _of(kind: Kind, assets: Sequence[AssetHours], begins: Ints) -> Iterator[Backcast]:
    """Give the questions about the days that begin there, asset by asset."""
    target = (begins[:, None] + np.arange(DAY)).ravel()
    batch, rows = Batch.of(assets), Rows(target=target, last=np.repeat(begins - 1, DAY))
    said = ask_patterns(kind, batch, rows, NOWCAST_HOURS, trial_days(kind))
    asked = model_input(kind, batch, rows, said)
    beside = Beside.of(kind, batch, rows, seasonal_middles(kind, batch, rows, said))
    for number, hours in enumerate(assets):
        own = slice(number * len(rows), (number + 1) * len(rows))
        yield Backcast(
            kind=kind,
            asked=asked.where(own),
            beside=beside.where(own),
            came_w=hours.power_w[target],
            hour=hours.clock.hour[target],
        )
