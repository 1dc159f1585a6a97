"""`python -m tests.unit.optimizer.run_laws --cases 10000`: the laws over many random problems.

Prints JSON and ends with 1 when a law is broken. Every fifth case is solved again without limits.
"""

import argparse
import json
import sys
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from tests.unit.optimizer.laws import broken_laws, relaxation_breaks
from tests.unit.optimizer.random_problems import random_problem
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan


def main() -> int:
    """Run the cases; 0 when every law held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0, help="time limit of one solve")
    arguments = parser.parse_args()
    solve = SolvePlan(OrToolsSolver())
    options = SolveOptions(time_limit=timedelta(seconds=arguments.seconds), gap_ratio=0.001)
    counts: Counter[str] = Counter()
    broken: list[dict[str, Any]] = []
    started = time.monotonic()
    for seed in range(arguments.start, arguments.start + arguments.cases):
        breaks = check(seed, solve, options, counts)
        broken += breaks
        for each in breaks:
            print(json.dumps(each), file=sys.stderr, flush=True)
    report = {
        "cases": arguments.cases,
        "counts": dict(counts),
        "broken": broken,
        "wall_s": round(time.monotonic() - started, 1),
    }
    json.dump(report, sys.stdout, indent=2)
    print()
    return 1 if broken else 0


def check(
    seed: int, solve: SolvePlan, options: SolveOptions, counts: "Counter[str]"
) -> list[dict[str, Any]]:
    """Solve one random problem and return what breaks; an error counts as a broken law."""
    try:
        problem = random_problem(seed)
        plan = solve(problem, options)
        breaks = list(broken_laws(problem, plan))
        if seed % 5 == 0:
            counts["relaxed"] += 1
            breaks += relaxation_breaks(problem, plan, solve, options)
    except Exception as error:  # the loop must live to count the rest
        return [{"seed": seed, "law": "no error", "detail": f"{type(error).__name__}: {error}"}]
    if plan.solver is not None:
        counts[plan.solver.status.value] += 1
        counts["mixed_integer"] += plan.solver.mixed_integer
    counts["with_unmet_requirements"] += bool(plan.unmet_requirements)
    counts["unmet_requirements"] += len(plan.unmet_requirements)
    return [{"seed": seed, "law": each.law, "detail": each.detail} for each in breaks]


if __name__ == "__main__":
    sys.exit(main())
