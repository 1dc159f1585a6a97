"""Questions and answers to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.model_input import Float32s, ModelInput, concatenated
from wattmesh_forecast.training.config import TrainingConfig


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Examples:
    """Questions with their answers: `came` (n, 1) is the measured magnitude over the scale."""

    asked: ModelInput
    came: Float32s

    def __len__(self) -> int:
        return len(self.came)

    @property
    def came_w(self) -> Floats:
        """The measured magnitude [W]."""
        return self.came[:, 0] * self.asked.scale_w


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Positions in the history: what is learnt, then what ends the learning, then what is judged.

    `begin <= learnt < stop <= stopping < holdout <= judged < end`.
    """

    begin: int
    stop: int
    holdout: int
    end: int

    @classmethod
    def of(cls, hours: int, config: TrainingConfig) -> "Split":
        """Split the newest part of a history of this many hours."""
        end = hours
        holdout = end - config.holdout_days * DAY
        stop = holdout - config.stopping_days * DAY
        begin = max(config.warm_up_days * DAY, end - config.history_days * DAY)
        if stop - begin < 2 * DAY:
            shortest = config.warm_up_days + config.stopping_days + config.holdout_days + 2
            raise ValueError(f"{hours} h of history are too few, {shortest} days are needed")
        return cls(begin=begin, stop=stop, holdout=holdout, end=end)


def learning_rows(begin: int, end: int, config: TrainingConfig) -> Rows:
    """Return issues every few hours, each with all of its leads that lie before `end`."""
    issues = np.arange(begin, end - 1, config.issue_step_hours, dtype=np.int64)
    lead = np.arange(1, config.longest_lead_hours + 1, dtype=np.int64)
    target = (issues[:, None] + lead).ravel()
    last = np.repeat(issues, len(lead))
    inside = target < end
    return Rows(target=target[inside], last=last[inside])


def judging_rows(begin: int, end: int) -> Rows:
    """Return what a planner asks: every hour, the 24 hours from the next but one on."""
    issues = np.arange(begin - 2, end - 2, dtype=np.int64)
    target = (issues[:, None] + np.arange(2, 2 + DAY)).ravel()
    last = np.repeat(issues, DAY)
    inside = (target >= begin) & (target < end)
    return Rows(target=target[inside], last=last[inside])


def examples(kind: Kind, assets: Sequence[AssetHours], rows: Rows) -> Examples:
    """Return the rows of every asset whose answer is known and not fixed."""
    parts = [_examples(kind, asset, rows) for asset in assets]
    return Examples(
        asked=concatenated([part.asked for part in parts]),
        came=np.concatenate([part.came for part in parts]),
    )


def _examples(kind: Kind, asset: AssetHours, rows: Rows) -> Examples:
    asked = model_input(kind, Batch.of([asset]), rows)
    came = asset.power_w[rows.target] / asked.scale_w
    keep = np.isfinite(came) & (asked.open)
    return Examples(asked=asked.where(keep), came=came[keep, None].astype(np.float32))
