"""`make bench-hvac`: how well zones are known, and what they cost, as JSON."""

import argparse
import json

from tests.bench.hvac.comfort import compared
from tests.bench.hvac.identification import summary
from tests.bench.hvac.tanks import compared as hot_water


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=24, help="zones drawn at random")
    parser.add_argument("--fortnights", type=int, default=6, help="zones that live two weeks more")
    asked = parser.parse_args()
    found = {"identification": summary(range(asked.zones)), "hot_water": hot_water()}
    if asked.fortnights:
        found["comfort"] = compared(range(asked.fortnights))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
