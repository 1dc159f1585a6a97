"""How good forecasts of a wind turbine are, told its wind and not, on turbines of the twin.

    python -m tests.bench.forecast.wind

Three drawn winds; a turbine of 10 kW, 24 m high, for 36 days. A forecast of the wind at 10 m is a
fifth too weak, and its error lasts for hours. Issued at midnight from the 20th day on, 24 hours
ahead.
Beside it: the bare power curve at the told wind, the newest hour held, and the median of what was
measured. No metered turbine is at hand. Prints a table on standard error and JSON.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats, Ints
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.wind.expectation import WindPast, wind_quantiles
from wattmesh_forecast.domain.wind.hub import hub_speed
from wattmesh_forecast.domain.wind.turbine import Turbine
from wattmesh_twin.adapters.data.microgrids import wind_rating
from wattmesh_twin.domain.wind import DrawnWind, WindSite, power_w

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS, FIRST_DAY = 36, 20
MEAN_M_PER_S, TOLD_RATIO = 6.0, 0.8
GOES_ON, ERROR_M_PER_S = 0.9, 0.35
"""What is left of the told wind's error after an hour, and what is added to it."""
RATIOS = (0.1, 0.5, 0.9)
HUB_M = 24.0
RATING = wind_rating(10_000.0, HUB_M)
TURBINE = Turbine.of(RATING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Of one forecaster over all turbines: error over what came; share within the 80 % band."""

    by: str
    wind: bool
    wape: float
    coverage: float | None = None
    band_ratio: float | None = None
    """Mean width of the band over the rating."""


def main() -> None:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[3, 4, 5])
    rows = measure(parser.parse_args().seeds)
    for row in rows:
        print(row, file=sys.stderr)
    print(json.dumps({"rows": [asdict(row) for row in rows]}))


def measure(seeds: list[int]) -> list[Row]:
    """Return the product's rows, and those of what needs no learning."""
    turbines = [turbine(seed) for seed in seeds]
    issues = [np.arange(DAY * day, DAY * (day + 1)) for day in range(FIRST_DAY, DAYS - 2)]
    asked = [(gave, at_hub, targets) for gave, at_hub in turbines for targets in issues]
    came = np.stack([gave[targets] for gave, _, targets in asked])
    middles = [np.median(gave[: targets[0]]) for gave, _, targets in asked]
    simple = {
        "power curve": np.stack([TURBINE.ratio(at_hub[targets]) for _, at_hub, targets in asked]),
        "newest hour": np.stack([np.full(DAY, gave[ts[0] - 1]) for gave, _, ts in asked]),
        "median": np.repeat(np.array(middles)[:, None], DAY, axis=1),
    }
    return [
        *(_row(asked, came, told=told) for told in (True, False)),
        *(
            Row(by=by, wind=by == "power curve", wape=_wape(said, came))
            for by, said in simple.items()
        ),
    ]


def turbine(seed: int) -> tuple[Floats, Floats]:
    """Return what a turbine gave over its rating, and the wind at its hub as it was told."""
    wind, site, count = DrawnWind(mean_m_per_s=MEAN_M_PER_S, seed=seed), WindSite(), DAYS * DAY
    speed = np.array([wind.speed(START + (hour + 0.5) * HOUR) for hour in range(count)])
    gave = np.array([power_w(RATING, each, site) for each in speed]) / RATING.max_output_power_w
    random, off = np.random.default_rng(seed), np.zeros(count)
    for hour in range(1, count):
        off[hour] = GOES_ON * off[hour - 1] + ERROR_M_PER_S * random.normal()
    at_hub = hub_speed({10.0: np.maximum(TOLD_RATIO * speed + off, 0.0)}, HUB_M)
    assert at_hub is not None
    return gave, at_hub


def _row(asked: list[tuple[Floats, Floats, Ints]], came: Floats, *, told: bool) -> Row:
    said = np.stack(
        [
            _said(gave, at_hub if told else None, int(targets[0]) - 1)
            for gave, at_hub, targets in asked
        ]
    )
    inside = (said[..., 0] <= came) & (came <= said[..., 2])
    return Row(
        by="wattmesh",
        wind=told,
        wape=_wape(said[..., 1], came),
        coverage=round(float(inside.mean()), 3),
        band_ratio=round(float((said[..., 2] - said[..., 0]).mean()), 3),
    )


def _said(gave: Floats, at_hub: Floats | None, last: int) -> Floats:
    known = gave.copy()
    known[last + 1 :] = np.nan
    past = WindPast(turbine=TURBINE, ratio=known, speed_m_per_s=at_hub, last=last)
    return wind_quantiles(past, np.arange(last + 1, last + 1 + DAY), RATIOS)


def _wape(said: Floats, came: Floats) -> float:
    return round(float(np.abs(said - came).sum() / came.sum()), 4)


if __name__ == "__main__":
    main()
