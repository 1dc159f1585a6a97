"""`python -m tests.truth.optimizer`: plans against an independent HiGHS, as JSON.

--cases N     random problems of each kind
--only NAME   one kind only
--start N     the first seed
"""

import argparse
import json
import sys
import time

from tests.truth.optimizer.kinds import KINDS, error_of, holds
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolvePlan


def main() -> int:
    """Compare; 0 when every plan costs what the truth does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", choices=KINDS)
    options = parser.parse_args()
    solve, all_hold = SolvePlan(OrToolsSolver()), True
    for kind in [options.only] if options.only else KINDS:
        began, wrong, largest = time.process_time(), [], 0.0
        for seed in range(options.start, options.start + options.cases):
            error, least = error_of(kind, seed, solve)
            largest = max(largest, abs(error) / (1.0 + abs(least)))
            if not holds(error, least):
                wrong.append({"seed": seed, "error": round(error, 6), "truth": round(least, 6)})
        all_hold = all_hold and not wrong
        report = {"cases": options.cases, "wrong": wrong, "largest": float(f"{largest:.2g}")}
        report["cpu_s"] = round(time.process_time() - began, 1)
        print(json.dumps({kind: report}), flush=True)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
