"""Alerting against a mesh whose parts say what a test has them say."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.alerting_world import AlertingWorld, WatchedMesh, running_alerting
from tests.fakes.control_metering import metered_home
from tests.fakes.eventually import eventually, within
from tests.fakes.manual_clock import ManualClock
from tests.fakes.webhook import Webhook, webhook
from wattmesh.alert.v1 import alert_pb2
from wattmesh.alert.v1 import alert_service_pb2 as pb
from wattmesh.control.v1 import device_event_pb2, hold_pb2
from wattmesh.gateway.v1 import link_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Asset, GridConnectionRating, Site
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BATTERY = "sites/home-1/devices/battery"
HOME = "sites/home-1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def mesh(clock: ManualClock) -> WatchedMesh:
    resources = [
        Asset(id=each.id, rating=GridConnectionRating(max_import_power_w=10_000.0))
        if isinstance(each, Asset) and isinstance(each.rating, GridConnectionRating)
        else each
        for each in metered_home("home-1")
    ]
    return WatchedMesh(
        clock, Site(id=SiteId("home-1"), time_zone="UTC", currency_code="EUR"), *resources
    )


@pytest.fixture
async def world(
    database_url: str, clock: ManualClock, mesh: WatchedMesh
) -> AsyncIterator[AlertingWorld]:
    async with running_alerting(database_url, clock, mesh) as running:
        yield running


def event(
    what: device_event_pb2.DeviceEventType.ValueType, minute: float = 0, message: str = ""
) -> device_event_pb2.DeviceEvent:
    return device_event_pb2.DeviceEvent(
        device=BATTERY,
        type=what,
        event_time=timestamp_to_proto(T0 + minute * MINUTE),
        message=message,
        command="commands/c1",
    )


AMISS = device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS
BACK = device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_BACK


async def alerts(
    world: AlertingWorld, *states: alert_pb2.AlertState.ValueType
) -> list[alert_pb2.Alert]:
    return list((await world.stub.ListAlerts(pb.ListAlertsRequest(states=states))).alerts)


async def firing(world: AlertingWorld, count: int) -> list[alert_pb2.Alert]:
    """Wait until so many alerts fire."""

    async def there() -> bool:
        return len(await alerts(world, alert_pb2.ALERT_STATE_FIRING)) == count

    await eventually(there, 20)
    return await alerts(world, alert_pb2.ALERT_STATE_FIRING)


async def heard(watch: Any) -> tuple[str, int]:
    """The next alert of a watch that is no heartbeat: what fires already, then every change."""
    async with within(20):
        while not (news := await watch.read()).HasField("alert"):
            pass
    return news.alert.name, news.alert.state


async def test_a_command_without_effect_is_told_with_its_command_and_is_over_when_it_has_one(
    world: AlertingWorld,
) -> None:
    watch = world.stub.WatchAlerts(pb.WatchAlertsRequest(parent=HOME))
    world.mesh.happen(event(AMISS, message="the meter saw 0 W where 3000 W were asked"))
    (alert,) = await firing(world, 1)
    assert await heard(watch) == (alert.name, alert_pb2.ALERT_STATE_FIRING)
    assert alert.rule == alert_pb2.ALERT_RULE_COMMAND_WITHOUT_EFFECT
    assert alert.severity == alert_pb2.ALERT_SEVERITY_CRITICAL
    assert (alert.subject, alert.site, alert.gateway) == (BATTERY, HOME, "gateways/local")
    assert alert.description == "the meter saw 0 W where 3000 W were asked"
    assert list(alert.links) == ["commands/c1"]
    assert alert.advice
    world.mesh.happen(event(BACK, 5))
    world.clock.advance(30 * MINUTE)
    await firing(world, 0)
    (over,) = await alerts(world)
    assert (over.name, over.state) == (alert.name, alert_pb2.ALERT_STATE_RESOLVED)
    told = await heard(watch)
    while told[1] != alert_pb2.ALERT_STATE_RESOLVED:
        told = await heard(watch)
    assert told[0] == alert.name


async def test_what_happened_while_alerting_was_down_is_raised_and_what_ended_is_over(
    database_url: str, clock: ManualClock, mesh: WatchedMesh
) -> None:
    async with running_alerting(database_url, clock, mesh) as first:
        mesh.happen(event(AMISS))
        (raised,) = await firing(first, 1)
    mesh.events.append(event(BACK, 5))
    mesh.events.append(event(device_event_pb2.DEVICE_EVENT_TYPE_OFFLINE, 6))
    clock.set(T0 + HOUR)
    async with running_alerting(database_url, clock, mesh) as second:

        async def known() -> bool:
            found = await alerts(second, alert_pb2.ALERT_STATE_FIRING)
            return [each.rule for each in found] == [alert_pb2.ALERT_RULE_DEVICE_OFFLINE]

        async def passes() -> bool:
            clock.advance(MINUTE)
            return await known()

        await eventually(passes, 20)
        over = await second.stub.GetAlert(pb.GetAlertRequest(name=raised.name))
        assert over.alert.state == alert_pb2.ALERT_STATE_RESOLVED


async def test_each_part_of_the_mesh_is_watched(world: AlertingWorld, mesh: WatchedMesh) -> None:
    start = timestamp_to_proto(T0)
    mesh.lines = [
        link_pb2.GatewayLink(name="gatewayLinks/a", gateway="gateways/a", change_time=start),
        link_pb2.GatewayLink(
            name="gatewayLinks/b",
            gateway="gateways/b",
            connected=True,
            clock_skew=link_pb2.ClockSkew(
                state=link_pb2.CLOCK_STATE_OFF, compare_time=start, message="7 s ahead"
            ),
        ),
    ]
    mesh.holds = [
        hold_pb2.Hold(
            name="holds/h",
            subject=HOME,
            kind=hold_pb2.HOLD_KIND_STOP,
            owner="ada",
            reason="smoke",
            create_time=start,
            in_force=True,
        )
    ]
    mesh.plans = [
        planner_pb2.Plan(
            name="plans/p",
            scope=HOME,
            state=planner_pb2.PLAN_STATE_FAILED,
            message="metering is away",
            target_range=time_range_to_proto(TimeRange.of(T0, HOUR)),
            degradations=[planner_pb2.Degradation(subject=HOME, message="no price")],
        )
    ]
    mesh.scopes = [
        planner_pb2.Scope(
            name="groups/g", state=planner_pb2.SCOPE_STATE_INCOMPLETE, message="no tariff"
        )
    ]
    mesh.read(f"{BATTERY}/points/soc_ratio", T0 - HOUR, 0.5)
    mesh.live[f"{HOME}/devices/meter/points/active_power_w"] = 9_500.0

    async def passes() -> bool:
        world.clock.advance(10 * MINUTE)
        return len(await alerts(world, alert_pb2.ALERT_STATE_FIRING)) == 8

    await eventually(passes, 30)
    found = {each.rule: each for each in await alerts(world, alert_pb2.ALERT_STATE_FIRING)}
    assert {alert_pb2.AlertRule.Name(rule).removeprefix("ALERT_RULE_") for rule in found} == {
        *("GATEWAY_LOST", "CLOCK_OFF", "STOPPED", "PLAN_FAILED", "PLAN_DEGRADED"),
        *("NOT_PLANNED", "DEVICE_SILENT", "LIMIT_NEAR"),
    }
    near = found[alert_pb2.ALERT_RULE_LIMIT_NEAR]
    assert (near.value, near.threshold_value, near.unit) == (9_500.0, 10_000.0, "W")
    assert list(near.links) == [f"{HOME}/devices/meter/points/active_power_w"]
    silent = found[alert_pb2.ALERT_RULE_DEVICE_SILENT]
    assert list(silent.links) == [f"{BATTERY}/points/soc_ratio"]
    assert found[alert_pb2.ALERT_RULE_STOPPED].description == "by ada: smoke"
    assert list(found[alert_pb2.ALERT_RULE_PLAN_FAILED].links) == ["plans/p"]


async def test_who_took_an_alert_on_stays_with_it(world: AlertingWorld) -> None:
    world.mesh.happen(event(AMISS))
    (alert,) = await firing(world, 1)
    request = pb.AcknowledgeAlertRequest(name=alert.name, owner="ada", note="on my way")
    answer = await world.stub.AcknowledgeAlert(request)
    assert answer.alert.acknowledgement.owner == "ada"
    world.mesh.happen(event(AMISS, 1, message="again"))

    async def again() -> bool:
        (found,) = await alerts(world)
        return found.description == "again" and found.acknowledgement.note == "on my way"

    await eventually(again)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await world.stub.AcknowledgeAlert(
            pb.AcknowledgeAlertRequest(name="alerts/none", owner="ada")
        )
    assert error_from_rpc(failure.value).reason == "ALERT_NOT_FOUND"


async def test_alertmanager_hears_of_what_fires_and_ends_but_not_of_what_is_silenced(
    database_url: str, clock: ManualClock, mesh: WatchedMesh
) -> None:
    with webhook() as taken:
        async with running_alerting(
            database_url, clock, mesh, alertmanager_target=taken.url
        ) as world:
            taken.status = 503
            mesh.happen(event(AMISS, message="nothing moved"))
            await firing(world, 1)
            taken.status = 200
            await eventually(lambda: len(_alerts(taken)) >= 1, 20)
            told = _alerts(taken)[-1]
            assert told["labels"] == {
                "alertname": "command_without_effect",
                "severity": "critical",
                "subject": BATTERY,
                "site": HOME,
                "gateway": "gateways/local",
            }
            assert told["annotations"]["description"] == "nothing moved"
            assert datetime.fromisoformat(told["endsAt"]) > datetime.now(UTC)
            silence = alert_pb2.Silence(
                subject=HOME,
                owner="ada",
                reason="the battery is being replaced",
                expire_time=timestamp_to_proto(T0 + 10 * HOUR),
            )
            request = pb.PlaceSilenceRequest(request_id="r1", silence=silence)
            created = (await world.stub.PlaceSilence(request)).silence
            assert (await world.stub.PlaceSilence(request)).silence == created
            (alert,) = await alerts(world)
            assert alert.silence == created.name
            before = len(_alerts(taken))
            mesh.happen(event(device_event_pb2.DEVICE_EVENT_TYPE_RELEASE_PENDING))
            clock.advance(5 * MINUTE)
            await firing(world, 2)
            assert len(_alerts(taken)) == before
            await world.stub.EndSilence(pb.EndSilenceRequest(name=created.name))
            assert not (await world.stub.ListSilences(pb.ListSilencesRequest())).silences
            mesh.happen(event(BACK, 6))
            clock.advance(HOUR)
            await eventually(lambda: any(map(_is_over, _alerts(taken)[before:])), 20)
            ended = [each for each in _alerts(taken)[before:] if _is_over(each)]
            assert ended[0]["labels"]["alertname"] == "command_without_effect"


async def test_alerts_come_page_by_page_and_rules_say_what_they_are(world: AlertingWorld) -> None:
    world.mesh.happen(event(AMISS))
    world.mesh.happen(event(device_event_pb2.DEVICE_EVENT_TYPE_LOOP_METER_STALE))
    await firing(world, 2)
    first = await world.stub.ListAlerts(pb.ListAlertsRequest(page_size=1))
    second = await world.stub.ListAlerts(
        pb.ListAlertsRequest(page_size=1, page_token=first.next_page_token)
    )
    assert second.next_page_token == ""
    assert len({each.name for each in (*first.alerts, *second.alerts)}) == 2
    rules = (await world.stub.ListAlertRules(pb.ListAlertRulesRequest())).rules
    assert [each.rule for each in rules] == list(alert_pb2.AlertRule.values())[1:]
    assert all(each.title and each.advice for each in rules)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await world.stub.ListAlerts(pb.ListAlertsRequest(page_token="x"))
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def _alerts(taken: Webhook) -> list[Any]:
    """Return all that Alertmanager's API was told."""
    assert {path for path, _ in taken.posted} <= {"/api/v2/alerts"}
    return [alert for _, alerts_ in taken.posted for alert in alerts_]


def _is_over(told: Any) -> bool:
    return datetime.fromisoformat(told["endsAt"]) <= datetime.now(UTC)
