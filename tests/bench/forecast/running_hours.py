"""What the running hour is worth to a plan for the next one.

    python -m tests.bench.forecast.running_hours ../shared/data

Plans are made while an hour runs: the newest complete hour lies two before the next. Issued every
so many hours, 12 ahead, by the seasonal forecast alone: by complete hours only, and with the
running one as far as it is known. CityLearn homes 1 to 5 are hourly data, whose hours a simulated
home holds flat: a quarter of an hour of them tells all of it. Demand of a substation and a farm of
3.8 MW (`uk_pod_feeder_pv`) are half-hourly: their first half is known. For each lead, the median
over assets of the error over what came, and the share taken away. Prints JSON.
"""

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.asking import LOOK_BACK
from tests.bench.forecast.plants import SPLIT, farm_of
from tests.bench.forecast.sets import HOMES_SPLIT, homes_to_play
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.running_hour import SoFar, estimated
from wattmesh_forecast.domain.seasonal import seasonal_middles

AHEAD = 12
SHOWN = (1, 2, 3, 6, 12)
HELD = "homes"


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--step", type=int, default=13, help="hours between two issues")
    arguments = parser.parse_args()
    place, step = homes_to_play(), arguments.step
    found = []
    for kind, assets in place.items():
        parts = [each.power_w for each in assets]
        found += _measured("homes", kind, assets, parts, timedelta(minutes=15), HOMES_SPLIT, step)
    farm, halves = farm_of(arguments.data / "uk_pod_feeder_pv")
    firsts = halves.reshape(-1, 2)[:, 0]
    split, half = farm.index(SPLIT), timedelta(minutes=30)
    found += _measured("farm", Kind.PV, [farm], [firsts], half, split, step)
    demand, firsts = _demand(arguments.data / "uk_pod_feeder_pv", farm)
    found += _measured("feeder", Kind.LOAD, [demand], [firsts], half, split, step)
    print(json.dumps({"leads": found}))


def _demand(folder: Path, farm: AssetHours) -> tuple[AssetHours, Floats]:
    table = pd.read_parquet(folder / "demand_pv_halfhourly.parquet").set_index("timestamp_utc")
    raster = pd.date_range(table.index[0], table.index[-1], freq="30min")
    halves = 1e6 * table.demand_mw.reindex(raster).to_numpy(np.float64).reshape(-1, 2)
    bare = replace(farm, power_w=halves.mean(axis=1), sun=None, irradiance_w_m2=None)
    return bare, halves[:, 0]


def _measured(
    name: str,
    kind: Kind,
    assets: list[AssetHours],
    firsts: list[Floats],
    known: timedelta,
    split: int,
    step: int,
) -> list[dict[str, object]]:
    errors = np.zeros((2, len(assets), AHEAD))
    size = np.zeros((len(assets), AHEAD))
    for at in range(split, len(assets[0].power_w) - AHEAD - 1, step):
        parts = [each.between(at - LOOK_BACK, at + 1 + AHEAD) for each in assets]
        came = np.stack([each.power_w[LOOK_BACK + 1 :] for each in parts])
        told = np.arange(LOOK_BACK + 1 + AHEAD) < LOOK_BACK
        parts = [replace(each, power_w=np.where(told, each.power_w, np.nan)) for each in parts]
        so_far = [
            SoFar(
                until=each.start + LOOK_BACK * HOUR + known,
                mean_w=float(first[at]),
                held=name == HELD,
            )
            for each, first in zip(parts, firsts, strict=True)
        ]
        if not all(np.isfinite(each.mean_w) for each in so_far) or np.isnan(came).any():
            continue
        batch, targets = Batch.of(parts), range(LOOK_BACK + 1, LOOK_BACK + 1 + AHEAD)
        whole, _ = estimated(kind, batch.power_w, [each.sun for each in parts], LOOK_BACK, so_far)
        begun = batch.power_w.copy()
        begun[:, LOOK_BACK] = whole
        pair = (
            seasonal_middles(kind, batch, Rows.ahead(LOOK_BACK - 1, targets)),
            seasonal_middles(kind, replace(batch, power_w=begun), Rows.ahead(LOOK_BACK, targets)),
        )
        errors += np.abs(np.stack([each.middle_w for each in pair]) - came)
        size += came.mean(axis=1, keepdims=True)
    return [
        {
            "set": name,
            "kind": kind.value,
            "lead_hours": lead,
            "complete_hours": round(float(np.median(errors[0] / size, axis=0)[lead - 1]), 4),
            "with_running": round(float(np.median(errors[1] / size, axis=0)[lead - 1]), 4),
            "less_ratio": round(float(np.median(1 - errors[1] / errors[0], axis=0)[lead - 1]), 3),
        }
        for lead in SHOWN
    ]


if __name__ == "__main__":
    main()
