"""What is at stake where a device is lost or a plan fails, by the plan in force."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.alerting_world import AlertingWorld, WatchedMesh, running_alerting
from tests.fakes.control_metering import metered_home
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.alert.v1 import alert_pb2
from wattmesh.alert.v1 import alert_service_pb2 as pb
from wattmesh.control.v1 import device_event_pb2
from wattmesh.gateway.v1 import link_pb2
from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import EnergyRates, Tariff
from wattmesh_kernel.tariff.rates import TouPeriod
from wattmesh_kernel.tariff.windows import ClockRange, Window
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOME = "sites/home-1"
DEVICE, ASSET = f"{HOME}/devices/battery", f"{HOME}/assets/battery"
CHEAP = TouPeriod(
    name="cheap",
    price_per_kwh=0.1,
    window=Window(clock_ranges=(ClockRange(start_minute=0, end_minute=660),)),
)
DEAR = TouPeriod(
    name="dear",
    price_per_kwh=0.4,
    window=Window(clock_ranges=(ClockRange(start_minute=660, end_minute=1440),)),
)
TARIFF = Tariff(
    id=TariffId("t"), currency_code="EUR", import_rates=EnergyRates(tou_periods=(CHEAP, DEAR))
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def world(database_url: str, clock: ManualClock) -> AsyncIterator[AlertingWorld]:
    site = Site(id=SiteId("home-1"), time_zone="UTC", currency_code="EUR", tariff=TARIFF.id)
    mesh = WatchedMesh(clock, TARIFF, site, *metered_home("home-1"))
    mesh.plans = [plan("plans/made", since=T0 - 3 * HOUR)]
    async with running_alerting(database_url, clock, mesh) as running:
        yield running


def plan(name: str, since: datetime = T0 + HOUR / 2) -> planner_pb2.Plan:
    """An hour from half past ten: the battery takes 4 kW of 4.5 until 11, then gives 3.6 of 4.

    `since`: of when the plan is, which says how long it has been degraded.
    """
    start = T0 + HOUR / 2
    battery = asset_pb2.Battery(
        rating=rating_pb2.BatteryRating(
            capacity_wh=10_000, max_charge_power_w=4000, max_discharge_power_w=4000
        )
    )
    horizon = problem_pb2.Horizon(
        start_time=timestamp_to_proto(start), resolution=duration_to_proto(HOUR / 2), count=2
    )
    return planner_pb2.Plan(
        name=name,
        scope=HOME,
        state=planner_pb2.PLAN_STATE_MADE,
        target_range=time_range_to_proto(TimeRange(since, start + HOUR)),
        problem=problem_pb2.Problem(
            horizon=horizon,
            currency_code="EUR",
            sites=[
                problem_pb2.Site(
                    name=HOME,
                    time_zone="UTC",
                    tariff=tariff_to_proto(TARIFF),
                    assets=[asset_pb2.Asset(name=ASSET, battery=battery)],
                )
            ],
        ),
        solution=plan_pb2.Plan(
            sites=[
                plan_pb2.SitePlan(
                    site_name=HOME,
                    import_powers_w=[4500.0, 400.0],
                    export_powers_w=[0.0, 0.0],
                    assets=[
                        plan_pb2.AssetPlan(
                            asset_name=ASSET,
                            powers_w=[4000.0, -3600.0],
                            soc_ratios=[0.3, 0.48, 0.3],
                        )
                    ],
                )
            ]
        ),
    )


WORTH = 1.8 * 0.4 - 2.0 * 0.1
"""What the whole plan saves: it takes 2 kWh for 0.10, and gives 1.8 where they cost 0.40."""


async def alert_with_stake(world: AlertingWorld, rule: str) -> alert_pb2.Alert:
    """Wait until an alert of a rule fires and what is at stake is known."""
    wanted = alert_pb2.AlertRule.Value(f"ALERT_RULE_{rule}")
    found: list[alert_pb2.Alert] = []

    async def there() -> bool:
        answer = await world.stub.ListAlerts(pb.ListAlertsRequest(rules=[wanted]))
        found[:] = [each for each in answer.alerts if each.HasField("at_stake")]
        return bool(found)

    await eventually(there, 30)
    return found[0]


def offline() -> device_event_pb2.DeviceEvent:
    return device_event_pb2.DeviceEvent(
        device=DEVICE,
        type=device_event_pb2.DEVICE_EVENT_TYPE_OFFLINE,
        event_time=timestamp_to_proto(T0),
        message="it does not answer",
    )


async def test_a_lost_device_says_what_the_plan_would_have_saved_by_it(
    world: AlertingWorld,
) -> None:
    world.mesh.happen(offline())
    world.clock.advance(30 * MINUTE)
    alert = await alert_with_stake(world, "DEVICE_OFFLINE")
    assert (alert.at_stake.amount, alert.at_stake.currency_code) == (f"{WORTH:.2f}", "EUR")
    assert alert.description.startswith("it does not answer; at stake is what energy costs more")
    assert list(alert.links) == [DEVICE, "plans/made"], "to the device first"


async def test_what_is_left_of_the_plan_is_less_when_the_device_is_lost_later(
    world: AlertingWorld,
) -> None:
    world.mesh.happen(offline())
    world.clock.advance(75 * MINUTE)
    alert = await alert_with_stake(world, "DEVICE_OFFLINE")
    # A quarter of an hour of giving, less what its energy is worth at the mean of 0.25.
    assert float(alert.at_stake.amount) == pytest.approx(0.9 * (0.4 - 0.25), abs=0.01)


async def test_a_lost_gateway_says_what_all_its_devices_would_have_saved(
    world: AlertingWorld,
) -> None:
    world.mesh.lines = [
        link_pb2.GatewayLink(
            name="gatewayLinks/a", gateway="gateways/local", change_time=timestamp_to_proto(T0)
        )
    ]
    world.clock.advance(30 * MINUTE)
    alert = await alert_with_stake(world, "GATEWAY_LOST")
    assert alert.at_stake.amount == f"{WORTH:.2f}"


async def test_a_plan_that_failed_says_what_the_last_one_made_of_the_time_that_is_left(
    world: AlertingWorld,
) -> None:
    failed = plan("plans/failed")
    failed.state = planner_pb2.PLAN_STATE_FAILED
    failed.message = "metering is away"
    failed.ClearField("solution")
    world.mesh.plans.append(failed)
    world.clock.advance(30 * MINUTE)
    alert = await alert_with_stake(world, "PLAN_FAILED")
    assert alert.at_stake.amount == f"{WORTH:.2f}"
    assert list(alert.links) == ["plans/failed", "plans/made"]


async def test_a_late_plan_says_what_the_time_before_it_was_accepted_would_have_been_worth(
    world: AlertingWorld,
) -> None:
    late = plan("plans/late")
    late.state = planner_pb2.PLAN_STATE_LATE
    late.accept_time.CopyFrom(timestamp_to_proto(T0 + 45 * MINUTE))
    world.mesh.plans.append(late)
    alert = await alert_with_stake(world, "PLAN_LATE")
    # A quarter of an hour at 4 kW: 1 kWh bought at 0.10, of which 0.9 is kept, worth 0.25 each.
    assert float(alert.at_stake.amount) == pytest.approx(0.9 * 0.25 - 0.1, abs=0.01)


async def test_a_degraded_plan_says_what_is_at_most_at_stake_with_what_it_left_out(
    world: AlertingWorld,
) -> None:
    without = plan("plans/without", since=T0 - 2 * HOUR)
    without.degradations.add(subject=ASSET, message="the battery does not say how full it is")
    del without.solution.sites[0].assets[:]
    world.mesh.plans.append(without)
    world.clock.advance(30 * MINUTE)
    alert = await alert_with_stake(world, "PLAN_DEGRADED")
    assert alert.at_stake.amount == f"{WORTH:.2f}"
    assert (
        "at most the worth of choosing when for what is left out, by the last plan"
        in alert.description
    )
    assert list(alert.links) == ["plans/without", ASSET, "plans/made"]


async def test_where_no_plan_tells_nothing_is_said_to_be_at_stake(world: AlertingWorld) -> None:
    world.mesh.plans.clear()
    world.mesh.happen(offline())
    world.clock.advance(30 * MINUTE)

    async def fires() -> bool:
        answer = await world.stub.ListAlerts(pb.ListAlertsRequest())
        return bool(answer.alerts) and not answer.alerts[0].HasField("at_stake")

    await eventually(fires, 30)
