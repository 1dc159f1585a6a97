"""`python -m tests.bench.fleet`: many homes behind one feeder, and many on their own; as JSON.

--homes N       homes behind the feeder
--singly N      homes planned one by one through gRPC, by 1 and by 2 processes; 0: none
--repeats N     plans of which the one with the least processor time counts
"""

import argparse
import asyncio
import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

from tests.bench.fleet.homes import FEEDER_KW, feeder
from tests.bench.fleet.patience import PatientSolver
from tests.bench.fleet.singly import plan_singly
from wattmesh_optimizer.app.options import Division
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.plan import Plan
from wattmesh_optimizer.domain.problem import Problem

LONG = timedelta(seconds=300)


def main() -> int:
    """Measure; 0 when every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=1_000)
    parser.add_argument("--singly", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    fleet, few = feeder(given.homes), feeder(50)
    apart = measured(fleet, Division.APART, LONG, given.repeats)
    early = measured(fleet, Division.APART, timedelta(seconds=1), given.repeats)
    report: dict[str, Any] = {
        "load_average": os.getloadavg()[0],
        "homes": given.homes,
        "apart": {**apart, "goal_cpu_s": 5, "goal_gap_ratio": 0.01},
        "after_1_s_of_processor_time": {**early, "goal": "within the feeder"},
        "50_homes_apart": measured(few, Division.APART, LONG, given.repeats),
        "50_homes_together": measured(few, Division.TOGETHER, LONG, given.repeats),
    }
    best = report["50_homes_together"]["cost"]
    dearer = report["50_homes_apart"]["cost"] / best - 1
    report["50_homes_dearer_ratio"], report["50_homes_goal_ratio"] = round(dearer, 6), 0.005
    if given.singly:
        report["singly"] = [
            asyncio.run(plan_singly(feeder(100), given.singly, processes)) for processes in (1, 2)
        ]
    json.dump(report, sys.stdout, indent=2)
    print()
    met = apart["cpu_s"] <= 5 and apart["gap_ratio"] <= 0.01 and dearer <= 0.005
    return 0 if met and early["within_feeder"] else 1


def measured(
    problem: Problem, division: Division, limit: timedelta, repeats: int
) -> dict[str, Any]:
    """Return cost and processor time of a plan; the limit is one of processor time, too."""
    solve = SolvePlan(PatientSolver(), timer=time.process_time)
    found: list[tuple[float, Plan]] = []
    for _ in range(repeats):
        began = time.process_time()
        plan = solve(problem, SolveOptions(time_limit=limit, division=division))
        found.append((time.process_time() - began, plan))
    cpu_s, plan = min(found, key=lambda each: each[0])
    if plan.solver is None:
        raise RuntimeError("nothing was solved")
    most_kw = FEEDER_KW * len(problem.sites)
    return {
        "cpu_s": round(cpu_s, 3),
        "cost": round(plan.total_cost, 4),
        "gap_ratio": round(plan.solver.gap_ratio, 6),
        "rounds": plan.solver.rounds,
        "highest_import_kw": round(plan.groups[0].peak_kw, 3),
        "within_feeder": plan.groups[0].peak_kw <= most_kw + 1e-6,
    }


if __name__ == "__main__":
    sys.exit(main())
