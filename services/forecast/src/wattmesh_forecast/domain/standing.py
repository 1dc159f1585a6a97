"""Where a model in service stands: how its forecasts came out, beside what it had promised."""

from enum import StrEnum

from wattmesh_forecast.domain.evaluation import Score
from wattmesh_forecast.domain.models import ModelVersion

LEAST_COMPARED = 480
"""Fewer compared intervals say nothing: twenty forecasts of a day by the hour."""
_DRIFT_TIMES = 1.2


class Standing(StrEnum):
    """What its live scores say of a version."""

    UNKNOWN = "unknown"
    """Too little was compared."""
    SOUND = "sound"
    """It does as well as it had promised, or nearly."""
    DRIFTED = "drifted"
    """Beside the naive forecast it does clearly worse than it had on the days it was judged by."""
    WORSE = "worse"
    """The naive forecast would have been better."""


def standing(version: ModelVersion, live: Score) -> Standing:
    """Return where a version stands.

    What counts is its error over that of the naive forecast: seasons change both. A version that
    had 0.8 on the days it was judged by has drifted at 0.96, and is worse than none at 1.
    """
    error, naive = live.wape_ratio, live.naive_wape_ratio
    if error is None or not naive or live.compared < LEAST_COMPARED:
        return Standing.UNKNOWN
    if error >= naive:
        return Standing.WORSE
    promised = version.holdout_wape_ratio / max(version.holdout_naive_wape_ratio, 1e-9)
    return Standing.DRIFTED if error / naive >= _DRIFT_TIMES * promised else Standing.SOUND
