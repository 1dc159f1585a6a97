"""What plans say that energy is worth reaches loops ahead of time, on clocks of any pace."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fakes.control_model import GATEWAY_ID, SITE, battery_asset, device
from wattmesh_control.domain.exchange import (
    ExchangeInterval,
    ExchangeSchedule,
    StandingExchange,
    worths_of,
)
from wattmesh_control.domain.loop_policy import LoopRule, loop_policies
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.loop_policy import LoopPolicy
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    EvChargerRating,
    GridConnectionRating,
    MeterRole,
    ModbusTcpConnection,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


def said(index: int, price: float | None) -> ExchangeInterval:
    """Return an hour in which a kWh costs `price`, or of which nothing is said."""
    worth = None
    if price is not None:
        worth = EnergyWorth(import_price_per_kwh=price, export_price_per_kwh=0.0)
    return ExchangeInterval(
        span=TimeRange.of(NOW + index * HOUR, HOUR), net_power_w=0.0, worth=worth
    )


def standing(
    number: int, *intervals: ExchangeInterval, owner: str = "planner", priority: int = 10
) -> StandingExchange:
    schedule = ExchangeSchedule(site=SITE, intervals=intervals)
    return StandingExchange(number=number, owner=owner, priority=priority, schedule=schedule)


def prices(found: Sequence[StandingExchange], moment: datetime = NOW) -> list[float]:
    return [each.worth.import_price_per_kwh for each in worths_of(SITE, found, moment)]


def test_the_next_plan_counts_from_where_it_begins_and_is_known_before() -> None:
    first = standing(1, said(0, 0.1), said(1, 0.2), said(2, 0.3))
    following = standing(2, said(1, 0.4), said(2, 0.5))
    assert prices([first, following]) == [0.1, 0.4, 0.5]
    assert prices([first]) == [0.1, 0.2, 0.3], "and a plan that is late is gone without"
    assert prices([first, following], NOW + HOUR) == [0.4, 0.5]


def test_a_newer_plan_that_says_nothing_ends_what_an_older_one_said() -> None:
    first = standing(1, said(0, 0.1), said(1, 0.2), said(2, 0.3))
    silent = standing(2, said(1, None), said(2, None))
    assert prices([first, silent]) == [0.1]


def test_the_highest_priority_alone_says_what_energy_is_worth() -> None:
    plan = standing(1, said(0, 0.1), said(1, 0.2))
    grid = standing(2, said(1, 0.9), owner="grid", priority=20)
    assert [each.owner for each in worths_of(SITE, [plan, grid], NOW)] == ["grid"]
    assert worths_of(SITE, [], NOW) == ()


def policy(rate: float, *exchanges: StandingExchange, modbus: bool = True) -> LoopPolicy | None:
    """Return the policy of a home with a battery, a charge point, and meters read by quarter."""
    grid, charger = AssetId(SITE, "grid"), AssetId(SITE, "charger")
    main = _device("meter", DeviceFunction(asset=grid, meter_role=MeterRole.MAIN))
    clamp = _device("clamp", DeviceFunction(asset=grid, meter_role=MeterRole.CHECK))
    model = SiteModel().apply(
        SiteModelChange(
            revision=1,
            snapshot=True,
            changed=(
                battery_asset(),
                Asset(id=grid, rating=GridConnectionRating()),
                Asset(id=charger, rating=EvChargerRating(max_current_a=16.0)),
                _device("battery", DeviceFunction(asset=AssetId(SITE, "battery"), controls=True)),
                _device("charger", DeviceFunction(asset=charger, controls=True)),
                main,
                replace(clamp, connection=ModbusTcpConnection(host="h")) if modbus else clamp,
            ),
        )
    )
    rule = LoopRule().on(rate)
    found = loop_policies(model, GATEWAY_ID, (), NOW, rule, (), exchanges)
    return found[0] if found else None


def _device(name: str, function: DeviceFunction) -> Device:
    made = device(DeviceId(SITE, name), function)
    return replace(made, reporting_interval=QUARTER, points=frozenset({"active_power_w"}))


def test_on_a_clock_of_minutes_a_second_batteries_follow_a_meter_that_answers() -> None:
    made = policy(1200.0, standing(1, said(0, 0.5)))
    assert made is not None
    assert [each.device.segment for each in made.meters] == ["clamp"], "means come too late"
    assert made.meters[0].sample_interval == timedelta(minutes=4)
    assert [each.device.segment for each in made.members] == ["battery"]
    assert [each.owner for each in made.worths] == ["planner"]
    assert made.stale_after > made.settling + timedelta(minutes=4)
    assert policy(1200.0, standing(1, said(0, 0.5)), modbus=False) is None


def test_on_the_clock_of_the_wall_times_stay_as_they_are() -> None:
    made = policy(1.0, standing(1, said(0, 0.5)))
    assert made is not None
    assert made.meters[0].sample_interval == timedelta(seconds=1)
    assert (made.settling, made.setpoint_lease) == (timedelta(seconds=2), timedelta(seconds=60))
    assert {each.device.segment for each in made.members} == {"battery", "charger"}
