"""Forecasts of the past, from what was known then, held against what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_forecast.domain.conformal import CALIBRATION_DAYS, Stretch, stretch_of
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.model_input import Float32s, ModelInput

LAGS = timedelta(days=29)
"""How far a question looks back."""
_SHORTEST_DAYS = 3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Backcast:
    """What a model would have been asked at past midnights, and what came over the scale (n,)."""

    asked: ModelInput
    came: Floats

    def stretch(self, said: Sequence[Float32s]) -> Stretch:
        """Return the stretch that would have been right for answers, in parts of (n, 3)."""
        open_ = self.asked.open
        return stretch_of(np.concatenate(said)[open_].astype(np.float64), self.came[open_])


def backcast(kind: Kind, hours: AssetHours) -> Backcast | None:
    """Return the questions of the newest midnights, and what came; None when there are none."""
    first = hours.first_known()
    if first is None:
        return None
    begins = np.flatnonzero(np.floor(hours.clock.hour) == 0)
    begins = begins[(begins >= first + _SHORTEST_DAYS * DAY) & (begins <= len(hours.power_w) - DAY)]
    if not len(begins):
        return None
    begins = begins[-CALIBRATION_DAYS:]
    target = (begins[:, None] + np.arange(DAY)).ravel()
    asked = model_input(
        kind, Batch.of([hours]), Rows(target=target, last=np.repeat(begins - 1, DAY))
    )
    return Backcast(asked=asked, came=hours.power_w[target] / asked.scale_w)
