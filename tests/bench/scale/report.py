"""What was measured of many sites that were due at one instant, as JSON."""

from typing import Any

from tests.bench.loop.scenario import Measured
from tests.bench.loop.turns import LEAD_RATIO

_FORECASTS_PER_SITE = 2


def run_to_json(measured: Measured, *, lead_s: float, busy_processes: int) -> dict[str, Any]:
    """Return one run; times are in seconds of the wall before the interval begins.

    `lead_s` is the lead in seconds of the wall.
    """
    counts, plans = measured.spent.counts, measured.homes * measured.spent.turns
    wall = lead_s / (LEAD_RATIO * measured.resolution.total_seconds())
    begun = [each.begun_before.total_seconds() * wall for each in counts.times]
    accepted = [
        (each.begun_before.total_seconds() * wall, each.accepted_before.total_seconds() * wall)
        for each in counts.times
        if each.accepted_before is not None
    ]
    cpu_s = {part: seconds / plans for part, seconds in measured.spent.cpu_s.items()}
    return {
        "sites": measured.homes,
        "lead_s": lead_s,
        "busy_processes": busy_processes,
        "forecasts_due": plans * _FORECASTS_PER_SITE,
        "forecasts_lost": plans * _FORECASTS_PER_SITE - counts.sources[measured.forecast],
        "plans_due": plans,
        "plans_made": counts.made,
        "plans_late": counts.late,
        "plans_failed": counts.failed,
        "first_begun_before_s": round(max(begun, default=0.0), 2),
        "last_begun_before_s": round(min(begun, default=0.0), 2),
        "spread_s": round(max(begun, default=0.0) - min(begun, default=0.0), 2),
        "last_accepted_before_s": round(min((last for _, last in accepted), default=0.0), 2),
        "slowest_plan_s": round(max((first - last for first, last in accepted), default=0.0), 2),
        "cpu_s_per_site": {part: round(seconds, 4) for part, seconds in cpu_s.items()},
        "cpu_s_per_site_total": round(sum(cpu_s.values()), 4),
        "degraded_by": dict(counts.degradations),
        "wall_s": round(measured.spent.wall_s, 1),
    }


def in_time(run: dict[str, Any]) -> bool:
    """Return whether every plan was accepted before its interval began, with its forecasts."""
    made = run["plans_made"] == run["plans_due"]
    return made and not run["forecasts_lost"] and run["last_accepted_before_s"] > 0
