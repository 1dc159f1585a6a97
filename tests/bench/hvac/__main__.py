"""`make bench-hvac`: how well zones are known, and what they cost, as JSON."""

import argparse
import json

from tests.bench.hvac.identification import summary


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zones", type=int, default=24, help="zones drawn at random")
    asked = parser.parse_args()
    print(json.dumps({"identification": summary(range(asked.zones))}, indent=2))


if __name__ == "__main__":
    main()
