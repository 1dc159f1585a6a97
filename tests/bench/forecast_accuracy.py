"""How good the forecasts are, week by week, on measured data.

    python -m tests.bench.forecast_accuracy DATA --homes 1-5 --starts 2016-09-05 2016-10-03

trains the models of load and PV on the history before each start, as the training job does, and
compares their forecasts of the week after it with the seasonal and the naive forecast: one issue
per hour, made when the newest complete hour ended an hour before the first interval, 24 hours
ahead, pooled over sites and leads. DATA is a folder that the twin can read. Prints one line per
start and kind as a row of a Markdown table.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np

from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.features import ModelInput, concatenated, model_input
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Floats, LocalClock, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY, filled, known, same_hour
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.training import network
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.learn import learn
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, local_day
from wattmesh_twin.adapters.data.folder import load_folder
from wattmesh_twin.domain.dataset import DataSet, SiteMeasurements

HEAD = "| week from | kind | model | seasonal | naive | last week | 0.1-0.9 | trained in |"
LONGEST = timedelta(days=TrainingConfig().history_days + 28)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Weighted absolute percentage errors of one week."""

    model: float
    seasonal: float
    naive: float
    last_week: float
    coverage: float
    seconds: float


def main() -> None:
    """Measure what the command line asks for."""
    arguments = _arguments()
    data = load_folder(arguments.data, arguments.homes)
    print(HEAD)
    print("|---|---|---|---|---|---|---|---|")
    ratios: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    for start in arguments.starts:
        for kind in Kind:
            found = _measure(kind, list(_assets(kind, data)), data, start)
            ratios[kind].append(found.model / found.naive)
            figures = (found.model, found.seasonal, found.naive, found.last_week, found.coverage)
            cells = " | ".join(f"{figure:.3f}" for figure in figures)
            print(f"| {start} | {kind.value} | {cells} | {found.seconds:.0f} s |", flush=True)
    for kind, values in ratios.items():
        better = sum(value < 1 for value in values)
        print(f"{kind.value}: better than naive in {better} of {len(values)} weeks, ", end="")
        print(f"model over naive {np.mean(values):.3f} on average")


def _measure(kind: Kind, assets: list[AssetHours], data: DataSet, start: date) -> Outcome:
    first = assets[0].index(local_day(start, data.zone).start)
    oldest = max(0, first - LONGEST // HOUR)
    began = time.monotonic()
    past = [asset.between(oldest, first) for asset in assets]
    learnt = learn(kind, past, TrainingConfig(), lambda stage, ratio: None)
    seconds = time.monotonic() - began
    rows = _week(first, len(assets[0].power_w))
    asked = concatenated([model_input(kind, Batch.of([asset]), rows) for asset in assets])
    came = np.concatenate([asset.power_w[rows.target] for asset in assets])
    said = network.predict(learnt.network, asked) * asked.scale_w[:, None]
    week = np.concatenate([asset.power_w[rows.target - 7 * DAY] for asset in assets])
    return Outcome(
        model=_wape(came, said[:, 1]),
        seasonal=_wape(came, (asked.patterns * asked.weights).sum(axis=1) * asked.scale_w),
        naive=_wape(came, _naive(assets, rows)),
        last_week=_wape(came, week),
        coverage=_coverage(came, said, asked),
        seconds=seconds,
    )


def _week(first: int, hours: int) -> Rows:
    targets = [np.arange(t, min(t + DAY, hours)) for t in range(first, first + 7 * DAY)]
    last = [np.full(len(each), each[0] - 2) for each in targets]
    return Rows(target=np.concatenate(targets), last=np.concatenate(last))


def _naive(assets: Sequence[AssetHours], rows: Rows) -> Floats:
    """The last known value at the same local hour, as EvaluateForecasts has it."""
    found = []
    for asset in assets:
        hours = same_hour(rows, 14, asset.clock.offset_hours)
        lags = known(asset.power_w, hours, rows.last[:, None])
        found.append(filled(lags, np.full(len(rows), np.nan))[:, 0])
    return np.concatenate(found)


def _wape(came: Floats, said: Floats) -> float:
    both = np.isfinite(came) & np.isfinite(said)
    return float(np.abs(came - said)[both].sum() / came[both].sum())


def _coverage(came: Floats, said: Floats, asked: ModelInput) -> float:
    open_ = np.isfinite(came) & (asked.reach[:, 0] > 0)
    return float(((said[:, 0] <= came) & (came <= said[:, 2]))[open_].mean())


def _assets(kind: Kind, data: DataSet) -> Iterator[AssetHours]:
    for site in data.sites:
        for series in _series(kind, site):
            yield _hours(kind, site, series.to_resolution(HOUR), data)


def _series(kind: Kind, site: SiteMeasurements) -> list[Series]:
    if kind is Kind.LOAD:
        return list(site.loads_w.values())
    return [] if site.pv_available_w is None else [site.pv_available_w]


def _hours(kind: Kind, site: SiteMeasurements, power: Series, data: DataSet) -> AssetHours:
    place, sun = site.spec.location, None
    if kind is Kind.PV and place is not None:
        location = Location(
            latitude_degrees=place.latitude_degrees, longitude_degrees=place.longitude_degrees
        )
        sun = PvlibSky().suns([location], power.range)[location]
    return AssetHours(
        start=power.start,
        power_w=power.values,
        clock=LocalClock.of(TimeRange(power.start, power.end), data.zone),
        sun=sun,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--homes", default="1-5")
    parser.add_argument("--starts", nargs="+", type=date.fromisoformat, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
