"""Questions and answers for the load model, drawn from the whole history of every asset."""

from collections.abc import Sequence

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Batch, Ints, Rows
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.load_input import load_input
from wattmesh_forecast.domain.model_input import concatenated
from wattmesh_forecast.training.data import Examples
from wattmesh_forecast.training.load_config import LoadConfig

_ROWS_AT_ONCE = 20_000


def load_examples(assets: Sequence[AssetHours], config: LoadConfig) -> Examples:
    """Return questions at hours that move through the day, and at midnights, at some leads each."""
    parts = [
        part
        for number, asset in enumerate(assets)
        for part in _of_asset(asset, config, np.random.default_rng((config.seed, number)))
    ]
    if not parts:
        raise ValueError(f"nothing to learn from: {config.warm_up_days + 2} days are needed")
    return Examples(
        asked=concatenated([part.asked for part in parts]),
        came=np.concatenate([part.came for part in parts]),
    )


def _of_asset(asset: AssetHours, config: LoadConfig, random: np.random.Generator) -> list[Examples]:
    begin = (asset.first_known() or 0) + config.warm_up_days * DAY
    end = len(asset.power_w)
    issues = np.arange(begin, end - 2, config.issue_step_hours, dtype=np.int64)
    last = np.repeat(issues, config.leads_per_issue)
    asked_at_midnight = _at_midnights(asset, begin, config.leads_per_midnight, random)
    last, lead = np.concatenate([(last, _leads(len(last), random)), asked_at_midnight], axis=1)
    order = np.argsort(last, kind="stable")
    last, target = last[order], (last + lead)[order]
    asked = np.flatnonzero((target < end) & np.isfinite(asset.power_w[np.minimum(target, end - 1)]))
    batch = Batch.of([asset])
    return [
        _examples(batch, target[some], last[some])
        for some in np.array_split(asked, max(1, -(-len(asked) // _ROWS_AT_ONCE)))
        if len(some)
    ]


def _at_midnights(
    asset: AssetHours, begin: int, leads: int, random: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return the newest known hour and the lead of questions about days that are to begin [h]."""
    begins = np.flatnonzero(asset.clock.hour[begin:] == 0) + begin
    drawn = random.permuted(np.tile(np.arange(1, DAY + 1), (len(begins), 1)), axis=1)[:, :leads]
    last = np.maximum(begins - 1, begin)
    return np.repeat(last, drawn.shape[1]), drawn.ravel()


def _leads(count: int, random: np.random.Generator) -> Ints:
    """Return mostly leads of the day ahead, some of the week ahead [h]."""
    near, far = random.integers(1, 37, count), random.integers(37, 7 * DAY + 1, count)
    return np.where(random.random(count) < 0.9, near, far)


def _examples(batch: Batch, target: Ints, last: Ints) -> Examples:
    asked = load_input(batch, Rows(target=target, last=last))
    came = batch.power_w[0, target] / asked.scale_w
    usable = (came <= _MOST_SCALES) & (asked.tensors["lags"][:, :, 0].any(axis=1))
    return Examples(asked=asked.where(usable), came=came[usable, None].astype(np.float32))


_MOST_SCALES = 20.0
"""What is this far above the mean of its week is no answer to learn from."""
