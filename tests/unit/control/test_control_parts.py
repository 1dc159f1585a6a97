"""The small parts: envelopes of assets, converters, links, feeds, grids, the catalogue."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID, FakeShelf, FakeSiteModel, battery
from tests.fakes.control_observations import FakeObservations
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh.site.v1 import asset_pb2
from wattmesh_control.adapters.energy_meter import grid_resolution
from wattmesh_control.adapters.site_model import envelopes_from_proto
from wattmesh_control.api.convert import command_to_proto, limit_from_proto, limit_to_proto
from wattmesh_control.api.convert_link import message_from_proto
from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.feed import MOST_UNREAD, CommandFeed
from wattmesh_control.app.links import Carry, GatewayLinks
from wattmesh_control.app.meter_effects import metered_span
from wattmesh_control.app.submission import (
    SetpointAnswer,
    SubmissionAnswer,
    answer_from_document,
    answer_to_document,
)
from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_control.domain.limits import Accepted, Clamped, Refused
from wattmesh_control.domain.setpoint import DeviceFilter, SetpointKind
from wattmesh_kernel.errors import (
    Aborted,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from wattmesh_kernel.ids import AssetId, CommandId, GatewayId
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
GATEWAY = GatewayId("local")
K = SetpointKind


def command(span: TimeRange | None = None, **life: object) -> Command:
    return Command(
        number=7,
        command=CommandId("c7"),
        wish=1,
        request_id="r1",
        device=BATTERY_ID,
        kind=K.ACTIVE_POWER,
        source="plans/p1",
        owner="planner",
        priority=10,
        requested_value=6000.0,
        value=5000.0,
        tolerance=100.0,
        span=span or TimeRange.of(T0, HOUR),
        lease_expire_time=T0 + 1.25 * HOUR,
        target=Target(gateway=GATEWAY, asset=AssetId(BATTERY_ID.site, "battery")),
        create_time=T0,
        life=CommandLife(**life),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("asset", "kinds"),
    [
        (asset_pb2.Asset(battery=asset_pb2.Battery(charge_limit_w=1)), {K.ACTIVE_POWER}),
        (
            asset_pb2.Asset(pv_array=asset_pb2.PvArray(peak_power_w=1, curtailable=True)),
            {K.GENERATION_LIMIT},
        ),
        (asset_pb2.Asset(pv_array=asset_pb2.PvArray(peak_power_w=1)), set()),
        (
            asset_pb2.Asset(wind_turbine=asset_pb2.WindTurbine(rated_power_w=1, curtailable=True)),
            {K.GENERATION_LIMIT},
        ),
        (
            asset_pb2.Asset(ev_charger=asset_pb2.EvCharger(max_current_a=16, phases=3)),
            {K.CURRENT, K.ACTIVE_POWER},
        ),
        (
            asset_pb2.Asset(hvac_zone=asset_pb2.HvacZone(power_limit_w=1)),
            {K.TEMPERATURE, K.ACTIVE_POWER, K.ON_OFF},
        ),
        (
            asset_pb2.Asset(thermal_tank=asset_pb2.ThermalTank(power_limit_w=1)),
            {K.ACTIVE_POWER, K.ON_OFF},
        ),
        (
            asset_pb2.Asset(deferrable_load=asset_pb2.DeferrableLoad(power_w=1)),
            {K.ACTIVE_POWER, K.ON_OFF},
        ),
        (
            asset_pb2.Asset(generator=asset_pb2.Generator(rated_output_w=1)),
            {K.ACTIVE_POWER, K.ON_OFF},
        ),
        (asset_pb2.Asset(load=asset_pb2.Load()), set()),
        (asset_pb2.Asset(grid_connection=asset_pb2.GridConnection()), set()),
    ],
)
def test_each_kind_of_asset_takes_its_kinds_of_setpoints(
    asset: asset_pb2.Asset, kinds: set[SetpointKind]
) -> None:
    assert set(envelopes_from_proto(asset)) == kinds


def test_an_inverter_bounds_its_array() -> None:
    pv = asset_pb2.PvArray(peak_power_w=6000, inverter_power_w=5000, curtailable=True)
    envelope = envelopes_from_proto(asset_pb2.Asset(pv_array=pv))[K.GENERATION_LIMIT]
    assert (envelope.low, envelope.high) == (0.0, 5000.0)


def test_a_command_on_the_wire_keeps_what_is_missing_absent() -> None:
    proto = command_to_proto(command(state=CommandState.DISPATCHED, message="clamped"))
    assert (proto.requested_value, proto.value, proto.message) == (6000.0, 5000.0, "clamped")
    assert proto.state == pb.COMMAND_STATE_DISPATCHED
    present = {field.name for field, _ in proto.ListFields()}
    assert not present & {"apply_time", "verify_time", "read_back_value", "metered_power_w"}


def test_a_limit_needs_an_end_and_comes_back_as_it_was() -> None:
    proto = pb.Limit(device=BATTERY_ID.name, owner="grid", max_power_w=0.0)
    with pytest.raises(InvalidArgument):
        limit_from_proto(proto)
    proto.expire_time.FromDatetime(T0)
    limit = limit_from_proto(proto)
    assert (limit.min_power_w, limit.max_power_w) == (None, 0.0)
    proto.name = limit.limit.name
    assert limit_to_proto(limit) == proto


def test_a_report_without_time_is_of_now_and_one_without_sense_is_refused() -> None:
    report = gateway_link_pb2.CommandReport(
        command="commands/c1", state=pb.COMMAND_STATE_APPLIED, value=float("nan")
    )
    message = message_from_proto(gateway_link_pb2.ConnectRequest(report=report), T0)
    assert message.reported.time == T0  # type: ignore[union-attr]
    assert message.reported.value is None  # type: ignore[union-attr]
    for state in (pb.COMMAND_STATE_UNSPECIFIED, pb.COMMAND_STATE_DISPATCHED):
        report.state = state
        with pytest.raises(InvalidArgument):
            message_from_proto(gateway_link_pb2.ConnectRequest(report=report), T0)


def test_an_answer_is_remembered_as_it_was() -> None:
    answers = (Accepted(1.0), Clamped(2.0, "too much"), Refused("it is over"))
    answer = SubmissionAnswer(
        accept_time=T0,
        accepted=3,
        exceptions=tuple(
            SetpointAnswer(device=BATTERY_ID, start=T0, answer=each) for each in answers
        ),
    )
    assert answer_from_document(answer_to_document(answer)) == answer


@pytest.mark.parametrize(
    ("start", "minutes", "resolution"),
    [(T0, 60, HOUR), (T0, 15, timedelta(minutes=15)), (T0 + timedelta(minutes=7), 53, None)],
)
def test_both_ends_of_a_metered_range_lie_on_its_grid(
    start: datetime, minutes: int, resolution: timedelta | None
) -> None:
    span = TimeRange.of(start, timedelta(minutes=minutes))
    assert grid_resolution(span) == (resolution or timedelta(minutes=1))


def test_the_effect_is_metered_over_the_whole_minutes_that_a_command_held() -> None:
    ragged = TimeRange(T0 + timedelta(seconds=10), T0 + HOUR)
    assert metered_span(command(ragged)) == TimeRange(T0 + timedelta(minutes=1), T0 + HOUR)
    cut = command(cut_time=T0 + timedelta(seconds=30))
    assert metered_span(cut) is None


async def test_a_newer_stream_ends_the_older_and_gets_the_orders() -> None:
    links = GatewayLinks(FakeObservations())
    older = links.attach(GATEWAY)
    newer = links.attach(GATEWAY)
    with pytest.raises(Aborted):
        await older.until_ended()
    links.detach(older)
    links.offer(command())
    assert await newer.orders() == [Carry(command())]


async def test_a_gateway_that_does_not_read_is_let_go() -> None:
    links = GatewayLinks(FakeObservations())
    link = links.attach(GATEWAY)
    for _ in range(10_001):
        links.offer(command())
    with pytest.raises(ResourceExhausted):
        await link.until_ended()


async def test_a_watcher_that_does_not_read_is_let_go_after_what_it_has() -> None:
    feed = CommandFeed()
    with feed.watch(DeviceFilter()) as watcher:
        feed.publish([command()] * (MOST_UNREAD + 1))
        changes = watcher.changes()
        for _ in range(MOST_UNREAD):
            await anext(changes)
        with pytest.raises(ResourceExhausted):
            await anext(changes)


async def test_devices_are_known_again_after_a_restart() -> None:
    shelf, model = FakeShelf(), FakeSiteModel(battery())
    first = DeviceCatalog(clock=ManualClock(), model=model, shelf=shelf)
    await first.refresh()
    model.error = Unavailable("AWAY", "metering is away")
    second = DeviceCatalog(clock=ManualClock(), model=model, shelf=shelf)
    assert not second.known
    await second.recall()
    await second.require([BATTERY_ID])
    assert second.get(BATTERY_ID) == battery()


async def test_a_new_device_is_asked_for_and_one_that_is_none_is_not_found() -> None:
    model = FakeSiteModel()
    catalog = DeviceCatalog(clock=ManualClock(), model=model, shelf=FakeShelf())
    await catalog.require([BATTERY_ID])
    with pytest.raises(NotFound):
        catalog.get(BATTERY_ID)
    model.known.append(battery())
    await asyncio.gather(*(catalog.require([BATTERY_ID]) for _ in range(3)))
    assert catalog.get(BATTERY_ID) == battery()
