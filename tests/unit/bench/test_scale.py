"""What the bench of many sites says must not hide a forecast that was lost or a late plan."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.bench.loop.counts import Counts, PlanTimes
from tests.bench.loop.report import run_to_json as loop_run_to_json
from tests.bench.loop.scenario import Measured
from tests.bench.loop.turns import Spent
from tests.bench.scale.report import in_time, run_to_json

MINUTE = timedelta(minutes=1)
COUNTS = Counts(
    made=2,
    late=0,
    failed=0,
    sources=Counter({"seasonal": 4}),
    degradations=Counter(),
    issued=2,
    verified=2,
    times=(
        PlanTimes(begun_before=36 * MINUTE, accepted_before=35 * MINUTE),
        PlanTimes(begun_before=24 * MINUTE, accepted_before=12 * MINUTE),
    ),
)


def measured(counts: Counts) -> Measured:
    spent = Spent(
        turns=1,
        cpu_s={"planner": 0.5},
        statements={},
        statement_ms={("planner", "SELECT 1"): 0.5, ("control", "INSERT"): 3.0},
        wall_s=200.0,
        counts=counts,
    )
    return Measured(
        homes=2,
        resolution=timedelta(hours=1),
        forecast="seasonal",
        spent=spent,
        connections={},
    )


def report(counts: Counts) -> dict[str, Any]:
    return run_to_json(measured(counts), lead_s=60.0, busy_processes=0)


def test_what_a_plan_cost_the_database_is_told_by_statement() -> None:
    run = loop_run_to_json(measured(COUNTS))
    costliest = run["costliest_statements_ms_per_plan"]
    assert costliest == [("control: INSERT", 1.5), ("planner: SELECT 1", 0.25)]


def test_times_are_those_of_the_wall() -> None:
    run = report(COUNTS)
    assert (run["first_begun_before_s"], run["last_begun_before_s"]) == (60.0, 40.0)
    assert (run["spread_s"], run["slowest_plan_s"]) == (20.0, 20.0)
    assert run["last_accepted_before_s"] == 20.0
    assert run["cpu_s_per_site_total"] == 0.25
    assert in_time(run)


def test_a_forecast_of_another_source_is_a_lost_one() -> None:
    run = report(replace(COUNTS, sources=Counter({"seasonal": 3, "yesterday": 1})))
    assert run["forecasts_lost"] == 1
    assert not in_time(run)


def test_a_plan_accepted_after_its_interval_began_is_not_in_time() -> None:
    late = PlanTimes(begun_before=MINUTE, accepted_before=-MINUTE)
    assert not in_time(report(replace(COUNTS, times=(*COUNTS.times, late))))
