"""A small sample of what `make bench-ev` measures: the product's own code decides for vehicles."""

import gzip
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.bench.ev.offline import offline_bound
from tests.bench.ev.place import LIMIT_W, ZONE
from tests.bench.ev.product import Product, past_stay
from tests.bench.ev.rules import InOrder, deadline, laxity
from tests.bench.ev.sessions import FILE, Visit, read_visits, week_of
from tests.bench.ev.simulate import Outcome, simulate
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window

HOUR = timedelta(hours=1)
MONDAY = datetime(2015, 9, 21, tzinfo=ZONE)
EVENING_CHEAP = Tariff(
    id=TariffId("evening"),
    currency_code="USD",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="day",
                price_per_kwh=0.27,
                window=Window(clock_ranges=(ClockRange.hours(12, 18),)),
            ),
            TouPeriod(name="night", price_per_kwh=0.09),
        )
    ),
)


def visit(number: int, day: int, start: float, hours: float, **more: object) -> Visit:
    arrival = MONDAY + timedelta(days=day) + start * HOUR
    known = {
        "id": f"s{number}-{day}",
        "user": f"u{number}",
        "arrival": arrival,
        "departure": arrival + hours * HOUR,
        "energy_wh": 6_000.0,
        "declared_time": arrival + hours * HOUR,
        "charger": number,
    }
    return Visit(**{**known, **more})  # type: ignore[arg-type]


def played(week: list[Visit], past: list[Visit], **how: bool) -> Outcome:
    before = [past_stay(each, asks=how.get("asks", True)) for each in past]
    return simulate(week, EVENING_CHEAP, Product(tariff=EVENING_CHEAP, past=before, **how))


REGULAR = [visit(number, -day, 16.5, 4.0) for number in range(3) for day in range(1, 25)]
"""Three who come at half past four and leave at half past eight, every day."""


def test_vehicles_that_always_stay_wait_for_the_lower_price() -> None:
    week = [visit(number, 0, 16.5, 4.0) for number in range(3)]

    outcome = played(week, REGULAR)

    bound, _ = offline_bound(week, EVENING_CHEAP)
    at_once = simulate(week, EVENING_CHEAP, InOrder(laxity)).cost
    assert outcome.delivered_wh == pytest.approx(outcome.asked_wh)
    assert outcome.cost < bound + 0.2 * (at_once - bound)


def test_one_who_leaves_early_for_once_has_had_most_where_belief_leaves_him_nothing() -> None:
    hasty = [visit(0, -day, 16.5, 1.25 if day % 4 else 4.0) for day in range(1, 25)]
    past = [replace(each, declared_time=each.arrival + 4 * HOUR) for each in hasty]
    week = [visit(0, 0, 16.5, 1.25, declared_time=MONDAY + 20.5 * HOUR)]

    assert played(week, past).delivered_wh == pytest.approx(6_000.0)
    assert played(week, past, believes=True).delivered_wh == 0.0


def test_nobody_overloads_the_connection_and_the_offline_optimum_is_never_beaten() -> None:
    week = [visit(k, 0, 11.0, 3.0, energy_wh=4_000.0 + 500 * k) for k in range(11)]
    past = [visit(k, -day, 11.0, 3.0 + k / 10) for k in range(11) for day in range(1, 5)]

    outcomes = [
        played(week, past),
        *(simulate(week, EVENING_CHEAP, InOrder(order)) for order in (deadline, laxity)),
    ]

    bound, undeliverable_kwh = offline_bound(week, EVENING_CHEAP)
    assert undeliverable_kwh == pytest.approx(0.0)
    for outcome in outcomes:
        assert outcome.overloads == 0
        assert outcome.peak_w <= LIMIT_W + 0.5
        assert outcome.delivered_wh >= 0.995 * outcome.asked_wh
        assert outcome.cost >= bound - 1e-6


def test_without_a_word_from_drivers_vehicles_are_full_all_the_same() -> None:
    week = [visit(number, 0, 16.5, 4.0) for number in range(3)]

    outcome = played(week, REGULAR, asks=False)

    assert outcome.full == outcome.sessions


def test_sessions_are_read_as_they_were_and_find_the_first_free_charge_point(
    tmp_path: Path,
) -> None:
    rows = [
        "sessionId,kwhTotal,created,ended,userId",
        "1,6.0,2015-09-21 09:00:00,2015-09-21 11:00:00,7",
        "2,0.0,2015-09-21 09:00:00,2015-09-21 11:00:00,7",
        "3,90.0,2015-09-21 10:00:00,2015-09-21 12:00:00,8",
        "4,5.0,2015-09-21 11:30:00,2015-09-21 12:30:00,9",
    ]
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(gzip.compress("\n".join(rows).encode()))

    week = week_of(read_visits(tmp_path), date(2015, 9, 21), chargers=2, most=10)

    assert [(each.user, each.charger) for each in week] == [("7", 0), ("8", 1), ("9", 0)]
    assert week[1].energy_wh == pytest.approx(2 * 32 * 208)
