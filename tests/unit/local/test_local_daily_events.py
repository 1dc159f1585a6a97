"""What a run says of the events of demand response that it called."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.daily_events import DailyEvents, Delivery, by_site, tally
from wattmesh_local.watching.event_costs import ev_lost_kwh
from wattmesh_local.watching.ledger import VisitLedger
from wattmesh_sitemodel.view import SiteModelView

NOON = datetime(2024, 5, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_surplus_of_one_makes_up_for_nobody_elses_lack() -> None:
    found = tally(
        [
            Delivery(committed_kwh=2.0, delivered_kwh=3.0, payment=1.5),
            Delivery(committed_kwh=2.0, delivered_kwh=1.0, payment=0.0, expected_cost=0.25),
            Delivery(committed_kwh=0.0, delivered_kwh=-0.5, payment=0.0, missing_intervals=1),
        ]
    )

    assert found["delivered_share"] == pytest.approx(0.75)
    assert found["short_kwh"] == pytest.approx(1.0)
    assert found["bias_kwh"] == pytest.approx((1.0 - 1.0 - 0.5) / 3, abs=1e-4)
    assert found["delivered_ratio_p10"] == pytest.approx(0.5)
    assert found["delivered_less_committed_kwh_p10"] == pytest.approx(-0.9)
    assert (found["paid"], found["missing_intervals"]) == (1.5, 1)
    assert found["expected_cost"] == 0.25


def test_a_tiny_promise_that_was_missed_by_far_weighs_what_it_is() -> None:
    found = tally(
        [
            Delivery(committed_kwh=2.0, delivered_kwh=1.9, payment=0.0),
            Delivery(committed_kwh=0.01, delivered_kwh=-1.0, payment=0.0),
        ]
    )

    assert found["delivered_ratio_p10"] == pytest.approx(0.95)


def test_who_lacked_what_is_told_site_by_site() -> None:
    found = by_site(
        [
            Delivery(committed_kwh=2.0, delivered_kwh=3.0, payment=1.5, site="home-1"),
            Delivery(committed_kwh=2.0, delivered_kwh=-1.0, payment=-0.5, site="home-1"),
            Delivery(committed_kwh=1.0, delivered_kwh=1.2, payment=0.6, site="home-2"),
        ]
    )

    assert found["home-1"] == {
        "committed_kwh": 4.0,
        "delivered_kwh": 2.0,
        "short_kwh": 2.0,
        "paid": 1.0,
    }
    assert found["home-2"]["short_kwh"] == 0.0


class FirstFails(DailyEvents):
    """Remembers its days; on the first one nobody can be asked."""

    def __init__(self) -> None:
        clients = cast(MeshClients, SimpleNamespace(demandresponse=None))
        super().__init__(clients, ManualClock(NOON), ZoneInfo("UTC"))
        self.days: list[datetime] = []

    async def run(self, view: SiteModelView, days: Iterable[datetime]) -> None:
        self.days += days
        if len(self.days) == 1:
            raise Unavailable("GONE", "no demandresponse")


async def test_a_week_in_which_no_event_can_be_called_is_not_the_end_of_events() -> None:
    weeks, events = (NOON, NOON + 7 * 24 * HOUR), FirstFails()
    await events.run_on(cast(SiteModelView, None), weeks)
    assert tuple(events.days) == weeks


def test_without_any_promise_there_is_no_share() -> None:
    found = tally([])

    assert (found["delivered_share"], found["bias_kwh"], found["committed_kwh"]) == (None, None, 0)


def test_vehicles_lose_by_an_event_what_they_would_have_had_at_once() -> None:
    evening = TimeRange.of(NOON + 6 * HOUR, 2 * HOUR)

    def visit(arrival: datetime, *, charged_wh: float, at_once_wh: float) -> VisitLedger:
        return VisitLedger(
            asset="sites/home/assets/charger",
            arrival=arrival,
            departure=arrival + 3 * HOUR,
            wanted_wh=10_000.0,
            charged_wh=charged_wh,
            at_once_start=arrival,
            at_once_wh=(at_once_wh,),
        )

    seen = [
        visit(NOON + 5 * HOUR, charged_wh=7_000.0, at_once_wh=9_000.0),  # 2 kWh of its 3
        visit(NOON + 7 * HOUR, charged_wh=9_500.0, at_once_wh=9_000.0),  # its stay was too short
        visit(NOON, charged_wh=1_000.0, at_once_wh=9_000.0),  # gone before
    ]
    assert ev_lost_kwh(seen, [evening]) == 2.0
    assert ev_lost_kwh(seen, []) == 0.0
