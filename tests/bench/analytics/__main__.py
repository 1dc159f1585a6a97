"""`make bench-analytics`: what answers cost, and which faults are found, as JSON."""

import argparse
import json
from pathlib import Path

from tests.bench.analytics import cost, equality, faults


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of measured data; faults are put into it")
    parser.add_argument("--homes", type=Path, help="folder of CityLearn's seventeen homes")
    parser.add_argument("--site-years", default="10,100,1000", help="how many, in turn")
    given = parser.parse_args()
    counts = [int(each) for each in given.site_years.split(",")]
    measured = {"cost": cost.measure(counts)}
    if given.homes is not None:
        measured["equality"] = equality.measure(given.homes)
    if given.data.is_dir():
        measured["faults"] = faults.measure(given.data)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
