"""`make bench-analytics`: what answers cost, and which faults are found, as JSON."""

import argparse
import json
from pathlib import Path

from tests.bench.analytics import baselines, cost, equality, faults


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of measured data")
    parser.add_argument("--homes", type=Path, help="folder of CityLearn's seventeen homes")
    parser.add_argument("--site-years", default="10,100,1000", help="how many, in turn")
    parser.add_argument("--only", choices=("cost", "faults", "baselines"), help="one part alone")
    given = parser.parse_args()
    parts = {given.only} if given.only else {"cost", "faults", "baselines"}
    measured = {}
    if "cost" in parts:
        measured["cost"] = cost.measure([int(each) for each in given.site_years.split(",")])
    if given.homes is not None:
        measured["equality"] = equality.measure(given.homes)
    if "faults" in parts and given.data.is_dir():
        measured["faults"] = faults.measure(given.data)
    if "baselines" in parts and given.data.is_dir():
        measured["baselines"] = baselines.measure(given.data)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
