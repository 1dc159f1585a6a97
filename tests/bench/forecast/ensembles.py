"""Whether members of an ensemble go together as what they stand for, on CityLearn homes 1 to 5.

    python -m tests.bench.forecast.ensembles --days 60

Issued at midnight (UTC) from the 6,570th hour on, 24 hours ahead, for five loads and their five
plants at once, from the same quantiles: drawn jointly, and each hour for itself. The energy score
(Gneiting and Raftery, JASA 102 (2007) 359) is over all assets and hours, in units of each asset's
mean; CRPS is that of the homes' net energy over the day [kWh], and of the highest hour of their sum
[kW]. Lower is better. Prints JSON.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import tests.bench.forecast.one_thread  # noqa: F401 (before TensorFlow is imported)
from tests.bench.forecast.sets import HOMES_SPLIT, homes_to_play
from wattmesh_forecast.domain.ensemble import Draw, drawn, members_w
from wattmesh_forecast.domain.hours import AssetHours, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.quantiles import DEFAULT_RATIOS, magnitude_ratios, signed
from wattmesh_forecast.domain.recent_errors import recent_scores
from wattmesh_forecast.domain.seasonal import seasonal_quantiles

MEMBERS = 100
_LOOK_BACK = 45 * DAY


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=60, help="how many midnights")
    days = np.array(list(_days(parser.parse_args().days)))
    names = ("energy_score", "crps_day_energy", "crps_highest_hour")
    joint, alone = days.mean(axis=0)
    found = {
        name: {"joint": round(float(one), 4), "independent": round(float(other), 4)}
        for name, one, other in zip(names, joint, alone, strict=True)
    }
    better = float((days[:, 0, 0] < days[:, 1, 0]).mean())
    print(json.dumps({"days": len(days), "better_days_ratio": round(better, 3), **found}))


def _days(count: int) -> Iterator[list[list[float]]]:
    place = homes_to_play()
    hours = len(place[Kind.LOAD][0].power_w)
    begin = HOMES_SPLIT - HOMES_SPLIT % DAY + DAY
    start = place[Kind.LOAD][0].start
    begin -= start.hour
    step = max(1, (hours - DAY - begin) // DAY // count) * DAY
    for at in range(begin, hours - DAY, step):
        quantiles, scores, came = [], [], []
        for kind, assets in place.items():
            said, of_kind, true = _of_kind(kind, assets, at)
            quantiles += [(kind, each) for each in said]
            scores.append(of_kind)
            came.append(true)
        yield _scored(quantiles, np.concatenate(scores), np.concatenate(came), at)


def _of_kind(kind: Kind, assets: list[AssetHours], at: int) -> tuple[Floats, Floats, Floats]:
    parts = [each.between(at - _LOOK_BACK, at + DAY) for each in assets]
    came = kind.sign * np.stack([each.power_w[_LOOK_BACK:] for each in parts])
    known = np.arange(_LOOK_BACK + DAY) < _LOOK_BACK
    parts = [replace(each, power_w=np.where(known, each.power_w, np.nan)) for each in parts]
    rows = Rows.ahead(_LOOK_BACK - 1, range(_LOOK_BACK, _LOOK_BACK + DAY))
    said = seasonal_quantiles(kind, Batch.of(parts), rows, magnitude_ratios(kind, DEFAULT_RATIOS))
    return signed(kind, said).swapaxes(1, 2), recent_scores(kind, parts, _LOOK_BACK), came


def _scored(
    quantiles: list[tuple[Kind, Floats]], scores: Floats, came: Floats, seed: int
) -> list[list[float]]:
    normals = drawn(scores, Draw(members=MEMBERS, seed=seed), first=0, count=DAY, per_hour=1)
    loose = np.random.default_rng(seed).normal(size=normals.shape)
    scale = np.abs(came).mean(axis=1)[:, None] + 1.0
    found = []
    for drawing in (normals, loose):
        members = np.stack(
            [
                members_w(kind, power, DEFAULT_RATIOS, each, None)
                for (kind, power), each in zip(quantiles, drawing, strict=True)
            ],
            axis=1,
        )
        net, true = members.sum(axis=1), came.sum(axis=0)
        found.append(
            [
                _energy((members / scale).reshape(MEMBERS, -1), (came / scale).ravel()),
                _energy(net.sum(axis=1)[:, None] / 1000, true.sum()[None] / 1000),
                _energy(net.max(axis=1)[:, None] / 1000, true.max()[None] / 1000),
            ]
        )
    return found


def _energy(members: Floats, came: Floats) -> float:
    away = np.linalg.norm(members - came, axis=1).mean()
    between = np.linalg.norm(members[:, None] - members[None], axis=2)
    return float(away - between.sum() / (2 * len(members) * (len(members) - 1)))


if __name__ == "__main__":
    main()
