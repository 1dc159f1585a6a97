"""A small sample of what `make bench-ev-street` measures: an office whose cars are nearly full."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.bench.ev.street_plans import StreetPlanner
from tests.bench.ev.street_world import HOUR, Place, at_once
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Node
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.vehicle import VehicleSpec

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
DAY = Tariff(
    id=TariffId("day"),
    currency_code="USD",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="dear",
                price_per_kwh=0.5,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
            TouPeriod(name="cheap", price_per_kwh=0.2),
        )
    ),
)


def visit(token: str, arrival: float, hours: float, soc: float, limit: float) -> Visit:
    car = VehicleSpec(capacity_wh=60_000.0, limit_soc_ratio=limit)
    begin = START + arrival * HOUR
    return Visit(
        arrival=begin,
        departure=begin + hours * HOUR,
        vehicle=car,
        arrival_soc_ratio=soc,
        token=token,
    )


def test_full_cars_give_way_and_nearly_full_ones_are_charged_to_the_end() -> None:
    """Three behind a transformer for two: one is full at noon, one is filled up, one comes then."""
    place = Place(
        name="office",
        span=TimeRange.of(START, timedelta(hours=9)),
        nodes=(Node(id="transformer", max_import_power_w=22_000.0),),
        points={
            "a": [visit("a", 0.1, 8.0, 0.6, 0.8)],
            "b": [visit("b", 0.3, 7.5, 0.75, 1.0)],
            "c": [visit("c", 4.2, 3.0, 0.3, 0.75)],
        },
        past=[visit(token, -24.0 * day, 8.0, 0.3, 0.75) for token in "abc" for day in range(1, 6)],
        limit_w=22_000.0,
    )
    planner = StreetPlanner(place, DAY, ZoneInfo("UTC"))

    planned = sum(each.missed_wh for each in planner.play())

    plain = sum(each.missed_wh for each in at_once(place, limited=True))
    assert planned <= plain + 150.0, f"{planned:.0f} Wh missed, {plain:.0f} charged at once"
    assert not planner.overloads
