"""`python -m tests.bench.optimizer`: measure the optimizer and print the result as JSON.

--repeats N     solves per case (at least 15)
--calls N       calls for the memory measurement
--only NAME     one case only
"""

import argparse
import asyncio
import json
import sys
from typing import Any

from tests.bench.optimizer.blockade import measure_blockade
from tests.bench.optimizer.cases import CASES
from tests.bench.optimizer.measure import (
    measure_case,
    measure_grpc,
    measure_memory,
    measure_windows,
)


def main() -> int:
    """Measure everything; 0 when every ratio is within its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    names = [options.only] if options.only else list(CASES)
    cases = {name: measure_case(*CASES[name], max(15, options.repeats)) for name in names}
    report: dict[str, Any] = {"cases": cases}
    if not options.only:
        report["successive_windows"] = measure_windows(max(15, options.repeats))
        report["grpc"] = asyncio.run(measure_grpc(max(15, options.repeats)))
        report["blockade"] = asyncio.run(measure_blockade())
        report["memory"] = measure_memory(options.calls)
    json.dump(report, sys.stdout, indent=2)
    print()
    return 0 if all(case["ratio"] <= case["goal_ratio"] for case in cases.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
