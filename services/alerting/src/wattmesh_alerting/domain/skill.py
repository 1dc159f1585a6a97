"""Whether forecasts of a site still do what their model had promised."""

from dataclasses import dataclass

LEAST_COMPARED = 480
"""Fewer compared intervals say nothing: twenty forecasts of a day by the hour."""
_DRIFT_TIMES = 1.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """The error of forecasts beside that of the naive forecast, as shares of what was metered.

    `promised_ratio` is the error of the model over the naive one's when it was trained; None: no
    model made most of them.
    """

    error_ratio: float
    naive_ratio: float
    compared: int
    promised_ratio: float | None = None

    @property
    def relative(self) -> float:
        """The error over that of the naive forecast; below 1 it is worth something."""
        return self.error_ratio / self.naive_ratio if self.naive_ratio > 0 else 0.0

    @property
    def bearable(self) -> float:
        """From which relative error on forecasts have drifted.

        As forecast judges its models: a fifth worse than promised, and never more than the naive
        forecast has. One that had promised 0.8 has drifted at 0.96; 0.9, at 1.
        """
        promised = 1.0 if self.promised_ratio is None else _DRIFT_TIMES * self.promised_ratio
        return min(promised, 1.0)
