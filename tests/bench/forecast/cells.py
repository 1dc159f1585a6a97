"""What is measured of one set under one condition, for the model and for its rival."""

from dataclasses import dataclass

import numpy as np

from tests.bench.forecast.asking import Asked, Known
from wattmesh_forecast.domain.conformal import CALIBRATION_DAYS, stretch_of
from wattmesh_forecast.domain.day_errors import REMEMBERED_DAYS, expected_errors, left_ratio
from wattmesh_forecast.domain.hours import Floats, Ints
from wattmesh_forecast.domain.lags import DAY

RATIOS = (0.1, 0.5, 0.9)
WELL_COVERED = (0.77, 0.83)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Medians over assets: of the error over what came, of the band's coverage, of pinball loss.

    `well_covered_ratio` is the share of assets whose 80 % band held 77 to 83 % of what came.
    """

    set: str
    group: str
    history_weeks: int
    weather: bool
    assets: int
    wape: float
    coverage: float
    well_covered_ratio: float
    pinball: float
    lightgbm_wape: float | None = None
    lightgbm_coverage: float | None = None
    lightgbm_pinball: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scores:
    """Figures per asset, (assets,)."""

    wape: Floats
    coverage: Floats
    pinball: Floats

    @classmethod
    def of(cls, said_w: Floats, came_w: Floats) -> "Scores":
        """Score quantiles (issues, assets, 24, 3) against what came (issues, assets, 24)."""
        total = np.nansum(came_w, axis=(0, 2))
        away = came_w[..., None] - said_w
        ratios = np.array(RATIOS)
        loss = np.nansum(np.maximum(ratios * away, (ratios - 1) * away), axis=(0, 2))
        inside = (said_w[..., 0] <= came_w) & (came_w <= said_w[..., 2])
        there = np.isfinite(came_w)
        return cls(
            wape=np.nansum(np.abs(away[..., 1]), axis=(0, 2)) / total,
            coverage=(inside & there).sum(axis=(0, 2)) / there.sum(axis=(0, 2)),
            pinball=loss.mean(axis=-1) / total,
        )

    def at(self, assets: Ints) -> "Scores":
        """Return the figures of some assets."""
        return Scores(
            wape=self.wape[assets], coverage=self.coverage[assets], pinball=self.pinball[assets]
        )


def shifted(asked: Asked, said: Floats, known: Known) -> Floats:
    """Return answers (rows, 3) moved by what the asset's days before were off by, as issued."""
    scale_w = asked.asked.scale_w.reshape(asked.came_w.shape)
    away = (asked.came_w - asked.issued_w(said)[..., 1]) / scale_w
    days = min(REMEMBERED_DAYS, 7 * known.weeks)
    shifts = np.zeros_like(away)
    for issue, asset in np.ndindex(*away.shape[:2]):
        past = away[max(0, issue - days) : issue, asset]
        shifts[issue, asset] = expected_errors(past)[-1] if issue else 0.0
    day = np.arange(float(DAY))
    return said + (shifts * left_ratio(day, day + 1)).reshape(-1, 1)


def stretched(said_w: Floats, came_w: Floats, known: Known) -> Floats:
    """Return the quantiles as they go out, stretched by the asset's own forecasts before."""
    day = np.arange(float(DAY))
    days = min(CALIBRATION_DAYS, 7 * known.weeks)
    found = said_w.copy()
    for issue, of_issue in enumerate(said_w):
        past = slice(max(0, issue - days), issue)
        for asset, quantiles in enumerate(of_issue):
            came, hour = came_w[past, asset].ravel(), np.tile(day, past.stop - past.start)
            stretch = stretch_of(said_w[past, asset].reshape(-1, 3), came, hour)
            found[issue, asset] = stretch.apply(quantiles, day, day + 1)
    return found


def cell(place: str, group: str, known: Known, scores: Scores, rival: Scores | None) -> Cell:
    """Return the medians."""
    low, high = WELL_COVERED
    well = (scores.coverage >= low) & (scores.coverage <= high)
    return Cell(
        set=place,
        group=group,
        history_weeks=known.weeks,
        weather=known.weather,
        assets=len(scores.wape),
        wape=_median(scores.wape),
        coverage=_median(scores.coverage),
        well_covered_ratio=round(float(well.mean()), 3),
        pinball=_median(scores.pinball),
        lightgbm_wape=None if rival is None else _median(rival.wape),
        lightgbm_coverage=None if rival is None else _median(rival.coverage),
        lightgbm_pinball=None if rival is None else _median(rival.pinball),
    )


def table(cells: list[Cell]) -> str:
    """Return the cells as a table for people."""
    head = f"{'set':<11}{'group':<8}{'weeks':>6}{'weather':>9}{'assets':>8}"
    head += f"{'wape':>9}{'lightgbm':>10}{'coverage':>10}{'well':>7}{'pinball':>9}{'lightgbm':>10}"
    rows = [
        f"{c.set:<11}{c.group:<8}{c.history_weeks:>6}{'actual' if c.weather else 'none':>9}"
        f"{c.assets:>8}{c.wape:>9.4f}{_or_dash(c.lightgbm_wape):>10}{c.coverage:>10.3f}"
        f"{c.well_covered_ratio:>7.2f}{c.pinball:>9.4f}{_or_dash(c.lightgbm_pinball):>10}"
        for c in cells
    ]
    return "\n".join([head, *rows])


def _median(values: Floats) -> float:
    return round(float(np.median(values)), 5)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
