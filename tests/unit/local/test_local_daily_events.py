"""What a run says of the events of demand response that it called."""

import pytest

from wattmesh_local.watching.daily_events import Delivery, tally


def test_a_surplus_of_one_makes_up_for_nobody_elses_lack() -> None:
    found = tally(
        [
            Delivery(committed_kwh=2.0, delivered_kwh=3.0, payment=1.5),
            Delivery(committed_kwh=2.0, delivered_kwh=1.0, payment=0.0),
            Delivery(committed_kwh=0.0, delivered_kwh=-0.5, payment=0.0, missing_intervals=1),
        ]
    )

    assert found["delivered_share"] == pytest.approx(0.75)
    assert found["short_kwh"] == pytest.approx(1.0)
    assert found["bias_kwh"] == pytest.approx((1.0 - 1.0 - 0.5) / 3, abs=1e-4)
    assert found["delivered_ratio_p10"] == pytest.approx(0.6)
    assert (found["paid"], found["missing_intervals"]) == (1.5, 1)


def test_without_any_promise_there_is_no_share() -> None:
    found = tally([])

    assert (found["delivered_share"], found["bias_kwh"], found["committed_kwh"]) == (None, None, 0)
