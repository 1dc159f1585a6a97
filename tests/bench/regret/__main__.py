"""`make bench-regret`: how much better plans would be with more knowledge, as JSON.

Weeks of CityLearn's homes 1 to 5, and of a campus with a battery of 500 kWh where a folder of data
is given: no control, a good rule, plans for what is expected, plans over joint members, and
perfect foresight over each week; what they come to in money, carbon and peak. Each week begins with
empty batteries. Twice: the bill alone, and with a price on the shared peak.

--every N       one week in N
--members N   how many a plan weighs
--only PLACE    one place
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.regret.expectations import Expectations
from tests.bench.regret.places import HOUR, Place, campus, five_homes
from tests.bench.regret.ways import Idle, Planned, Rule, Stands, Way
from wattmesh_kernel.sites import PlanningGoals

WEEK, SETTLED = 168, 7
PLACES: dict[str, Callable[[Path | None], Place | None]] = {
    "five_homes": lambda data: five_homes(),
    "uk_campus": lambda data: None if data is None else campus(data),
}


@dataclass
class Came:
    """What weeks came to."""

    money: float = 0.0
    carbon_kg: float = 0.0
    peaks_kw: list[float] = field(default_factory=list)

    def as_json(self, peak_price: float) -> dict[str, Any]:
        """Return all of it; the total has the peaks at their price."""
        total = self.money + peak_price * sum(self.peaks_kw)
        return {
            "money": round(self.money, 2),
            "with_peaks": round(total, 2),
            "carbon_kg": round(self.carbon_kg, 1),
            "mean_peak_kw": round(float(np.mean(self.peaks_kw)), 2),
        }


def main() -> None:
    """Play every place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=12)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--only", choices=PLACES)
    asked = parser.parse_args()
    for name in [asked.only] if asked.only else PLACES:
        place = PLACES[name](asked.data)
        if place is None:
            continue
        weeks = range(SETTLED, len(place.power_w) // WEEK - 1, asked.every)
        expectations = Expectations(place)
        for priced in (False, True):
            said = judged(place, expectations, weeks, priced, asked.members)
            kind = "bill_and_peak" if priced else "bill"
            print(json.dumps({name: {kind: said, "weeks": len(weeks)}}), flush=True)


def judged(
    place: Place, expectations: Expectations, weeks: Sequence[int], priced: bool, members: int
) -> dict[str, Any]:
    """Return what each way came to."""
    flat = 0.0 if priced else None
    plain = PlanningGoals(ramp_price_per_kw=flat)
    weighed = PlanningGoals(ramp_price_per_kw=flat, ensemble_member_count=members)
    wary = PlanningGoals(ramp_price_per_kw=flat, ensemble_member_count=members, risk_ratio=0.3)
    ways: dict[str, Way] = {
        "no_control": Idle(place=place),
        "rule": Rule(place=place),
        "expected": _planned(place, plain, priced, expectations),
        "members": _planned(place, weighed, priced, expectations),
        "members_and_risk": _planned(place, wary, priced, expectations),
        "foresight": _planned(place, PlanningGoals(ramp_price_per_kw=0.0), priced, None),
    }
    found = {}
    for name, way in ways.items():
        came = Came()
        for week in weeks:
            played(place, way, week * WEEK, came)
        found[name] = came.as_json(place.peak_price_per_kw if priced else 0.0)
        if isinstance(way, Planned):
            found[name]["solve_cpu_ms"] = round(1e3 * way.cpu_s / way.plans, 1)
    return found


def _planned(
    place: Place, goals: PlanningGoals, priced: bool, expectations: Expectations | None
) -> Planned:
    return Planned(place=place, goals=goals, priced_peak=priced, expectations=expectations)


def played(place: Place, way: Way, first: int, came: Came) -> None:
    """Play a week."""
    battery, count = place.battery, len(place.sites)
    stored_wh, before = np.zeros(count), [place.net_w(site, first - 1) for site in range(count)]
    peak_w = 0.0
    for hour in range(first, first + WEEK):
        stands = Stands(
            hour=hour,
            end=first + WEEK,
            stored_ratio=[float(each / battery.capacity_wh) for each in stored_wh],
            net_before_w=before,
            peak_so_far_w=peak_w,
        )
        told = np.array(way(stands))
        charge = np.clip(told, 0.0, battery.max_charge_power_w)
        charge = np.minimum(
            charge, (battery.capacity_wh - stored_wh) / battery.charge_efficiency_ratio
        )
        give = np.clip(-told, 0.0, battery.max_discharge_power_w)
        give = np.minimum(give, stored_wh * battery.discharge_efficiency_ratio)
        stored_wh += charge * battery.charge_efficiency_ratio
        stored_wh -= give / battery.discharge_efficiency_ratio
        net = np.array([place.net_w(site, hour) for site in range(count)]) + charge - give
        imported_kwh = float(np.maximum(net, 0.0).sum()) / 1e3 * (HOUR.total_seconds() / 3600.0)
        came.money += imported_kwh * float(place.price_per_kwh[hour])
        came.carbon_kg += imported_kwh * float(place.carbon[hour]) / 1e3
        peak_w, before = max(peak_w, float(net.sum())), net.tolist()
    came.peaks_kw.append(peak_w / 1e3)


if __name__ == "__main__":
    main()
