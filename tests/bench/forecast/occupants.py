"""How well occupants are forecast, on six homes whose occupants were counted by the hour.

    python -m tests.bench.forecast.occupants

CityLearn Challenge 2023, June to August. Issued every sixth hour from the 28th day on, 24 hours
ahead; means over homes. Beside it: yesterday's hour, how often somebody is there at all, and the
mean of such days without regard to now. `load_correlation`: of the count with the electricity of
appliances, the highest and the lowest. Prints a table on standard error and JSON.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.occupancy.expected import DAYS, expected_shares, mean_share
from wattmesh_forecast.domain.occupancy.sensors import of_count

FOLDER = Path(".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2023_phase_3_1")
START = datetime(2021, 6, 1, tzinfo=UTC)
"""The first hour of the files, whose days are of that year; their clock never changes."""
CLOCK = ZoneInfo("UTC")
EVERY_HOURS = 6
FIRST_HOURS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Ratios: hours right about whether somebody is there, Brier scores, errors of the share."""

    right: float
    yesterday_right: float
    brier: float
    how_often_brier: float
    share_error: float
    yesterday_share_error: float
    first_hours_share_error: float
    first_hours_of_such_days_share_error: float


def main() -> None:
    """Measure, and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    homes = list(_homes(parser.parse_args().folder))
    found = [scores(counts) for counts, _ in homes]
    means = {
        field.name: round(float(np.mean([getattr(each, field.name) for each in found])), 4)
        for field in fields(Scores)
    }
    alike = [float(np.corrcoef(counts, load)[0, 1]) for counts, load in homes]
    between = [round(min(alike), 3), round(max(alike), 3)]
    for name, value in means.items():
        print(f"{name:<40}{value:>8.4f}", file=sys.stderr)
    print(
        json.dumps(
            {
                "homes": len(homes),
                "mean": means,
                "each": [asdict(each) for each in found],
                "load_correlation": between,
            }
        )
    )


def _homes(folder: Path) -> Iterator[tuple[Floats, Floats]]:
    for path in sorted(folder.glob("Building_*.csv")):
        table = pd.read_csv(path)
        columns = ("Occupant Count (people)", "Equipment Electric Power (kWh)")
        count, load = (table[column].to_numpy(np.float64) for column in columns)
        yield count, load


def scores(counts: Floats) -> Scores:
    """Return how well a home's occupants are forecast."""
    issues = range(DAY * DAYS, len(counts) - DAY, EVERY_HOURS)
    asked = [_asked(counts, at) for at in issues]
    came, said, chance, alike, yesterday, often = map(np.stack, zip(*asked, strict=True))
    there = came > 0
    first = np.s_[:, :FIRST_HOURS]
    return Scores(
        right=float(((chance > 0.5) == there).mean()),
        yesterday_right=float(((yesterday > 0) == there).mean()),
        brier=float(((chance - there) ** 2).mean()),
        how_often_brier=float(((often - there) ** 2).mean()),
        share_error=float(np.abs(said - came).mean()),
        yesterday_share_error=float(np.abs(yesterday - came).mean()),
        first_hours_share_error=float(np.abs(said - came)[first].mean()),
        first_hours_of_such_days_share_error=float(np.abs(alike - came)[first].mean()),
    )


def _asked(counts: Floats, at: int) -> tuple[Floats, ...]:
    """Return what came, and what was said of it with, of whether anybody, and without now."""
    shares = of_count(counts[:at], 1.0)
    most = _most(counts[:at], shares)
    came = np.clip(counts[at : at + DAY] / most, 0.0, 1.0)
    start = START + (at - len(shares)) * HOUR
    samples, weights = expected_shares(shares, start, HOUR, CLOCK, DAY)
    unknown_now = np.append(shares[:-1], np.nan)
    alike = mean_share(*expected_shares(unknown_now, start, HOUR, CLOCK, DAY))
    chance = (weights * (samples > 0)).sum(axis=1)
    often = np.full(DAY, (shares > 0).mean())
    return came, mean_share(samples, weights), chance, alike, shares[-DAY:], often


def _most(counts: Floats, shares: Floats) -> float:
    """Return what counts as all of the usual occupants."""
    some = np.flatnonzero((shares > 0) & (shares < 1))
    return float(counts[some[0]] / shares[some[0]]) if len(some) else max(float(counts.max()), 1.0)


if __name__ == "__main__":
    main()
