"""How well a reserve followed its signal: the score of PJM's regulation market.

Source: PJM Manual 12, Balancing Operations, section 4.5.6 (Determining Regulation Performance
Score): accuracy, delay and precision, each 0 to 1, count a third each.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LONGEST_DELAY = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingScore:
    """How well a signal was followed; each part 0 to 1, `score` their mean.

    `accuracy`: highest correlation of signal and response over all delays. `delay`: 1 for none at
    that correlation, 0 for 5 min. `precision`: 1 less the mean error's share of the mean signal.
    """

    accuracy: float
    delay: float
    precision: float

    @property
    def score(self) -> float:
        """Return the composite score."""
        return (self.accuracy + self.delay + self.precision) / 3.0


def tracking_score(signal_w: Values, response_w: Values, step: timedelta) -> TrackingScore | None:
    """Return the score of a response to a signal, sampled together every `step` (PJM: 10 s).

    None for a signal that is always the same, whose correlation nobody can tell. A response that
    is the signal 10 s late has an accuracy of 1 and a delay of 290 / 300 = 0.967.
    """
    count = len(signal_w)
    most = min(LONGEST_DELAY // step, count // 2)
    correlations = [
        _correlation(signal_w[: count - shift], response_w[shift:]) for shift in range(most + 1)
    ]
    mean_w = float(np.abs(signal_w).mean()) if count else 0.0
    if not mean_w or max(correlations) == -np.inf:
        return None
    best = int(np.argmax(np.round(correlations, 6)))
    error_w = float(np.abs(response_w - signal_w).mean())
    return TrackingScore(
        accuracy=max(0.0, correlations[best]),
        delay=1.0 - best * step / LONGEST_DELAY,
        precision=max(0.0, 1.0 - error_w / mean_w),
    )


def _correlation(one: Values, other: Values) -> float:
    """Return Pearson's correlation; -inf where the first never changes, 0 where the other does."""
    if len(one) < 2 or float(one.std()) == 0.0:
        return -np.inf
    if float(other.std()) == 0.0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
