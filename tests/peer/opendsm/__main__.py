"""`make peer-opendsm`: our baselines by weather beside those of the library of CalTRACK's authors.

The library wants a pandas that the rest cannot have, so it gets an environment of its own, made on
the first run (some hundred megabytes).
"""

import argparse
import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as parquet

from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.weather_baseline import Hours, fit_baseline, hours_of, predict
from wattmesh_kernel.series import Series

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = ROOT / ".tools" / "opendsm"
REQUIREMENTS = ("opendsm==1.2.7", "pandas==2.3.3", "multimethod==1.12")
"""`scikit-fda`, of which it makes use, does not load with a newer `multimethod`."""
_ZONE = ZoneInfo("Europe/London")
_START = datetime(2019, 1, 1, tzinfo=UTC)
_BASELINE = 365 * 24
_HOURS = _BASELINE + 60 * 24


def main() -> None:
    """Print how far both are apart, by building."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of measured data")
    parser.add_argument("--buildings", type=int, default=3, help="how many")
    given = parser.parse_args()
    make_environment()
    celsius, buildings = _read(given.data / "uk_cambridge_campus", given.buildings)
    theirs = _reference(celsius, buildings)
    print(json.dumps({n: _beside(theirs, n, v, celsius) for n, v in buildings.items()}, indent=2))


def make_environment() -> None:
    """Make the library's environment, where it is not there."""
    if (ENVIRONMENT / "made").exists():
        return
    uv = str(ROOT / ".tools" / "uv" / "bin" / "uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", str(ENVIRONMENT)], check=True)
    python = str(ENVIRONMENT / "bin" / "python")
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *REQUIREMENTS], check=True)
    (ENVIRONMENT / "made").touch()


def _reference(celsius: Floats, buildings: dict[str, Floats]) -> Any:
    given, found = ENVIRONMENT / "given.npz", ENVIRONMENT / "found.npz"
    series: dict[str, Any] = {f"wh_{name}": values for name, values in buildings.items()}
    series |= {"start": "2019-01-01", "zone": _ZONE.key, "baseline": _BASELINE, "celsius": celsius}
    np.savez(given, **series)
    python = ENVIRONMENT / "bin" / "python"
    script = Path(__file__).with_name("reference.py")
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([str(python), str(script), str(given), str(found)], check=True, env=alone)
    return np.load(found)


def _beside(theirs: Any, name: str, values: Floats, celsius: Floats) -> dict[str, float]:
    began = time.process_time()
    whole = hours_of(Series(_START, timedelta(hours=1), values), celsius, _ZONE)
    ours = predict(fit_baseline(_part(whole, 0, _BASELINE)), _part(whole, _BASELINE, _HOURS))
    spent = time.process_time() - began
    reference = theirs[f"wh_{name}"]
    both = np.isfinite(ours) & np.isfinite(reference)
    apart = np.abs(ours - reference)[both]
    mean = float(reference[both].mean())
    return {
        "compared_hours": int(both.sum()),
        "mean_difference_ratio": round(float(apart.mean()) / mean, 6),
        "largest_difference_ratio": round(float(apart.max()) / mean, 6),
        "sum_ratio": round(float(ours[both].sum() / reference[both].sum()), 6),
        "cpu_s": round(spent, 3),
        "reference_cpu_s": round(float(theirs[f"cpu_wh_{name}"]), 1),
    }


def _part(hours: Hours, first: int, last: int) -> Hours:
    return Hours(
        consumed_wh=hours.consumed_wh[first:last],
        outdoor_celsius=hours.outdoor_celsius[first:last],
        hour_of_week=hours.hour_of_week[first:last],
        month=hours.month[first:last],
    )


def _read(folder: Path, count: int) -> tuple[Floats, dict[str, Floats]]:
    """Return outdoor temperatures [°C] and the first buildings [Wh], by the hour from 2019 on."""
    weather = parquet.read_table(folder / "weather_bedford_hourly_2017_2021-06.parquet").to_pandas()
    weather = weather[weather.timestamp_utc >= "2019-01-01"].sort_values("timestamp_utc")
    table = parquet.read_table(folder / "dev_12_buildings_2019-01_2021-06.parquet").to_pandas()
    table = table[table.meter == "electricity"].sort_values("timestamp_utc")
    buildings = dict[str, Floats]()
    for name, rows in list(table.groupby("building"))[:count]:
        values = rows.kwh.to_numpy(dtype=float)[:_HOURS] * 1000
        # The library takes an hour of nothing for one that was not metered.
        buildings[str(name)] = np.where(values == 0, np.nan, values)
    return weather.air_temp_c.to_numpy(dtype=float)[:_HOURS], buildings


if __name__ == "__main__":
    main()
