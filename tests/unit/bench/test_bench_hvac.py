"""A sample of `make bench-hvac`: what it measures still runs, and is no worse than it was."""

from tests.bench.hvac.comfort import compared
from tests.bench.hvac.identification import measured


def test_a_zone_that_nobody_described_is_known_a_day_ahead() -> None:
    found = measured(0)
    assert found["verdict"] == "identified"
    assert float(str(found["rmse_k"])) <= 0.3


def test_two_days_of_comfort_cost_less_by_plan_than_by_schedule() -> None:
    found = compared(range(1), days=2)
    total = found["total"]
    assert total["product"]["cost"] < total["schedule"]["cost"]
    assert (
        total["product"]["kelvin_hours_outside"] <= total["schedule"]["kelvin_hours_outside"] + 0.5
    )
