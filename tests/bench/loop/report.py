"""What was measured, as JSON."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from tests.bench.loop.cost import Statement
from tests.bench.loop.scenario import Measured

_FORECASTS_PER_HOME = 2
_COSTLIEST = 15
_SHOWN_CHARACTERS = 100


def run_to_json(measured: Measured) -> dict[str, Any]:
    """Return one run; costs are per home and turn, whether or not its plan was made."""
    spent = measured.spent
    plans = measured.homes * spent.turns
    cpu_s = {part: seconds / plans for part, seconds in spent.cpu_s.items()}
    counts = spent.counts
    return {
        "sites": measured.homes,
        "resolution": f"PT{measured.resolution // timedelta(minutes=1)}M",
        "sites_per_core_hour": round(3600 / sum(cpu_s.values())),
        "cpu_s_per_site": {part: round(seconds, 5) for part, seconds in cpu_s.items()},
        "cpu_s_per_site_total": round(sum(cpu_s.values()), 5),
        "statements_per_plan": round(sum(spent.statements.values()) / plans, 1),
        "statements_per_plan_by_service": {
            part: round(count / plans, 1) for part, count in spent.statements.items()
        },
        "costliest_statements_ms_per_plan": _costliest(spent.statement_ms, plans),
        "database_connections": measured.connections,
        "plans_made": counts.made,
        "plans_late": counts.late,
        "plans_failed": counts.failed,
        "plans_due": plans,
        "plans_degraded_by": dict(counts.degradations),
        "forecast": measured.forecast,
        "forecast_sources": dict(counts.sources),
        "commands_issued": counts.issued,
        "commands_verified": counts.verified,
        "turns": spent.turns,
        "wall_s": round(spent.wall_s, 1),
    }


def _costliest(statement_ms: Mapping[Statement, float], plans: int) -> list[tuple[str, float]]:
    ranked = sorted(statement_ms.items(), key=lambda entry: -entry[1])[:_COSTLIEST]
    return [
        (f"{role}: {query[:_SHOWN_CHARACTERS]}", round(milliseconds / plans, 3))
        for (role, query), milliseconds in ranked
    ]


def faults(run: dict[str, Any]) -> list[str]:
    """Return what makes a run's cost worth nothing: work that was due and not done."""
    due, source = run["plans_due"], run["forecast"]
    done = {
        "plans made": (run["plans_made"], due),
        f"{source} forecasts": (run["forecast_sources"].get(source, 0), due * _FORECASTS_PER_HOME),
        "commands verified": (run["commands_verified"], due),
    }
    undone = [
        f"{count} of {wanted} {what}" for what, (count, wanted) in done.items() if count < wanted
    ]
    lacking = [f"{count} times {topic}" for topic, count in run["plans_degraded_by"].items()]
    return [f"{run['sites']} sites, {run['resolution']}: {each}" for each in undone + lacking]


def exponents(runs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return by resolution the slope of log(processor time of a turn) over log(sites)."""
    by_resolution = defaultdict[str, list[tuple[float, float]]](list)
    for run in runs:
        turn_s = run["cpu_s_per_site_total"] * run["sites"]
        by_resolution[run["resolution"]].append((math.log(run["sites"]), math.log(turn_s)))
    return {
        resolution: round(_slope(points), 3)
        for resolution, points in by_resolution.items()
        if len(points) > 1
    }


def _slope(points: Sequence[tuple[float, float]]) -> float:
    sizes, costs = zip(*points, strict=True)
    return float(np.polyfit(sizes, costs, 1)[0])
