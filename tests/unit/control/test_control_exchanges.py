"""What plans and owners say of a grid connection reaches the loop that guards it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import GATEWAY_ID, SITE, battery_asset, device
from wattmesh_control.domain.exchange import (
    PEAK,
    ExchangeInterval,
    ExchangeSchedule,
    StandingExchange,
    exchange_of,
    peaks_of,
)
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.loop_policy import LoopRule, loop_policies
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, LimitId
from wattmesh_kernel.loop_policy import LoopPolicy, NetPower
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    EvChargerRating,
    GridConnectionRating,
    MeterRole,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.time import TimeRange

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def interval(
    index: int, net_w: float | None = None, peak_w: float | None = None
) -> ExchangeInterval:
    averaging = None if peak_w is None else QUARTER
    span = TimeRange.of(NOW + index * QUARTER, QUARTER)
    return ExchangeInterval(span=span, net_power_w=net_w, peak_power_w=peak_w, averaging=averaging)


def standing(
    number: int, *intervals: ExchangeInterval, owner: str = "planner", priority: int = 10
) -> StandingExchange:
    schedule = ExchangeSchedule(site=SITE, intervals=intervals)
    return StandingExchange(number=number, owner=owner, priority=priority, schedule=schedule)


def test_the_newest_plan_that_has_begun_counts_and_the_higher_priority_before_it() -> None:
    first = standing(1, interval(0, 100.0), interval(1, 200.0), interval(2, 300.0))
    ahead = standing(2, interval(1, 250.0))
    assert exchange_of(SITE, [first, ahead], NOW)[0].net_power_w == 100.0
    later = exchange_of(SITE, [first, ahead], NOW + QUARTER)
    assert [each.net_power_w for each in later] == [250.0]
    assert exchange_of(SITE, [first, ahead], NOW + 2 * QUARTER) == (), "the newer one is over"
    person = standing(3, interval(0, -50.0), owner="operator", priority=100)
    assert exchange_of(SITE, [person, first], NOW)[0].net_power_w == -50.0
    assert exchange_of(SITE, [first], NOW - SECOND) == ()


def test_peaks_alike_that_follow_each_other_are_one_limit_for_money() -> None:
    plan = [interval(0, peak_w=4000.0), interval(1, peak_w=4000.0), interval(2)]
    plan += [interval(3, peak_w=4000.0), interval(5, peak_w=3000.0)]
    found = peaks_of(plan)
    assert [(each.start, each.expire, each.max_import_power_w) for each in found] == [
        (NOW, NOW + 2 * QUARTER, 4000.0),
        (NOW + 3 * QUARTER, NOW + 4 * QUARTER, 4000.0),
        (NOW + 5 * QUARTER, NOW + 6 * QUARTER, 3000.0),
    ]
    assert all(each.only_metered and each.averaging_interval == QUARTER for each in found)


def test_what_makes_no_sense_is_refused() -> None:
    span = TimeRange.of(NOW, QUARTER)
    for wrong in (
        {"net_power_w": float("nan")},
        {"peak_power_w": 1000.0},
        {"peak_power_w": -1.0, "averaging": QUARTER},
        {"peak_power_w": 1.0, "averaging": SECOND},
        {"span": TimeRange(NOW, NOW)},
    ):
        with pytest.raises(InvalidArgument):
            ExchangeInterval(**{"span": span, **wrong})  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        ExchangeSchedule(site=SITE, intervals=(interval(1), interval(0)))
    with pytest.raises(InvalidArgument):
        ExchangeSchedule(site=SITE, intervals=())


def policy(
    *exchanges: StandingExchange,
    limits: tuple[Limit, ...] = (),
    rule: LoopRule | None = None,
) -> LoopPolicy | None:
    """Return the policy of a home with a battery, a charger and a connection without a limit."""
    grid, charger = AssetId(SITE, "grid"), AssetId(SITE, "charger")
    model = SiteModel().apply(
        SiteModelChange(
            revision=1,
            snapshot=True,
            changed=(
                battery_asset(),
                Asset(id=grid, rating=GridConnectionRating()),
                Asset(id=charger, rating=EvChargerRating(max_current_a=16.0)),
                _every_second(
                    "battery", DeviceFunction(asset=AssetId(SITE, "battery"), controls=True)
                ),
                _every_second("charger", DeviceFunction(asset=charger, controls=True)),
                _every_second("meter", DeviceFunction(asset=grid, meter_role=MeterRole.MAIN)),
            ),
        )
    )
    found = loop_policies(model, GATEWAY_ID, limits, NOW, rule or LoopRule(), (), exchanges)
    return found[0] if found else None


def _every_second(name: str, function: DeviceFunction) -> Device:
    made = device(DeviceId(SITE, name), function)
    return replace(made, reporting_interval=SECOND, points=frozenset({"active_power_w"}))


def test_a_plans_exchange_is_the_target_of_batteries_alone_until_its_interval_ends() -> None:
    made = policy(standing(1, interval(0, 1500.0, 4000.0), interval(1, 500.0, 4000.0)))
    assert made is not None
    assert (made.target, made.target_expire) == (NetPower(power_w=1500.0), NOW + QUARTER)
    assert {each.device.segment: each.limits_only for each in made.members} == {
        "battery": False,
        "charger": True,
    }
    assert [(each.id, each.max_import_power_w) for each in made.limits] == [(PEAK, 4000.0)]
    assert policy() is None, "nothing is to be kept"


def test_an_owners_limit_of_the_site_is_kept_by_its_loop_from_when_it_begins() -> None:
    limit = Limit(
        limit=LimitId("l"),
        subject=SITE.name,
        owner="grid",
        min_power_w=-2000.0,
        max_power_w=6000.0,
        start_time=NOW + QUARTER,
        expire_time=NOW + 2 * QUARTER,
    )
    made = policy(limits=(limit,))
    assert made is not None
    (bound,) = made.limits
    assert (bound.id, bound.max_import_power_w, bound.max_export_power_w) == (
        "the limit of grid",
        6000.0,
        2000.0,
    )
    assert (bound.start, bound.expire) == (limit.start_time, limit.expire_time)
    assert not bound.only_metered
    assert made.target is None
    elsewhere = replace(limit, subject="sites/home-2")
    assert policy(limits=(elsewhere,)) is None


def test_members_ramp_as_the_rule_says() -> None:
    rule = LoopRule(ramp=timedelta(seconds=5))
    made = policy(standing(1, interval(0, 0.0)), rule=rule)
    assert made is not None
    ramps = {each.device.segment: each.max_ramp_w_per_second for each in made.members}
    assert ramps == {"battery": 1000.0, "charger": pytest.approx(16.0 * 690 / 5)}
