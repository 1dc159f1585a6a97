"""The small parts: envelopes of assets, who is steered, converters, links, watchers, notices."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_meter import FakeCommandArchive
from tests.fakes.control_model import BATTERY_ID, FakeModel, battery_asset, device
from tests.fakes.control_observations import FakeObservations
from tests.fakes.leases import FakeLeases
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh_control.adapters.energy_meter import grid_resolution
from wattmesh_control.adapters.notice_codec import notice_from_payload, payloads
from wattmesh_control.api.convert import command_to_proto, limit_from_proto, limit_to_proto
from wattmesh_control.api.convert_link import message_from_proto
from wattmesh_control.app.announce import CommandBroadcast
from wattmesh_control.app.links import MOST_WAITING, Carry, GatewayLink, GatewayLinks
from wattmesh_control.app.meter_effects import metered_span
from wattmesh_control.app.ports import Gap, Notice
from wattmesh_control.app.read_commands import ReadCommands
from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.controllable import NotSteered, Steering
from wattmesh_control.domain.envelope import envelopes_of
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import (
    Aborted,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    DeferrableRating,
    DeviceFunction,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    PvRating,
    Rating,
    WindRating,
)
from wattmesh_kernel.sites.thermal import (
    ComfortBand,
    CopPoint,
    HeatPumpRating,
    HvacZoneRating,
    TankRating,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.broadcast import Broadcast

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
GATEWAY = GatewayId("local")
K = SetpointKind


def command(span: TimeRange | None = None, **life: object) -> Command:
    return Command(
        number=7,
        command=CommandId("c7"),
        proposal=1,
        request_id="r1",
        device=BATTERY_ID,
        kind=K.ACTIVE_POWER_W,
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


HEATER = HeatPumpRating(
    max_power_w=1.0, cop_points=(CopPoint(outdoor_temperature_celsius=0.0, cop_ratio=1.0),)
)
BAND = ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=24.0)
TANK = TankRating(
    capacity_wh_per_k=1.0,
    min_temperature_celsius=40.0,
    max_temperature_celsius=60.0,
    heater=HEATER,
)


@pytest.mark.parametrize(
    ("rating", "kinds"),
    [
        (battery_asset().rating, {K.ACTIVE_POWER_W}),
        (PvRating(peak_power_w=1.0, curtailable=True), {K.GENERATION_LIMIT_W}),
        (PvRating(peak_power_w=1.0), set()),
        (WindRating(max_output_power_w=1.0, curtailable=True), {K.GENERATION_LIMIT_W}),
        (EvChargerRating(max_current_a=16.0), {K.CURRENT_A, K.ACTIVE_POWER_W}),
        (
            HvacZoneRating(occupied_band=BAND, heating=HEATER),
            {K.TEMPERATURE_CELSIUS, K.ACTIVE_POWER_W, K.ON_OFF},
        ),
        (TANK, {K.TEMPERATURE_CELSIUS, K.ACTIVE_POWER_W, K.ON_OFF}),
        (DeferrableRating(max_power_w=1.0), {K.ACTIVE_POWER_W, K.ON_OFF}),
        (GeneratorRating(max_output_power_w=1.0), {K.ACTIVE_POWER_W, K.ON_OFF}),
        (LoadRating(), set()),
        (LoadRating(critical_ratio=0.0), {K.ON_OFF}),
        (GridConnectionRating(), {K.ON_OFF}),
    ],
)
def test_each_kind_of_asset_takes_its_kinds_of_setpoints(
    rating: Rating, kinds: set[SetpointKind]
) -> None:
    asset = Asset(id=AssetId(BATTERY_ID.site, "asset"), rating=rating)
    assert set(envelopes_of(asset)) == kinds


def test_an_inverter_bounds_its_array() -> None:
    pv = PvRating(peak_power_w=6000.0, max_output_power_w=5000.0, curtailable=True)
    asset = Asset(id=AssetId(BATTERY_ID.site, "pv"), rating=pv)
    envelope = envelopes_of(asset)[K.GENERATION_LIMIT_W]
    assert (envelope.low, envelope.high) == (0.0, 5000.0)


async def test_a_meter_is_not_taken_for_a_battery() -> None:
    model, meter = FakeModel(), DeviceId(BATTERY_ID.site, "meter")
    measures = DeviceFunction(asset=battery_asset().id, meter_role=MeterRole.MAIN)
    await model.take(battery_asset(), device(meter, measures))
    refused = model.devices.steering(meter, K.ACTIVE_POWER_W, T0)
    assert refused == NotSteered(f"{meter} controls nothing")


async def test_a_device_takes_only_the_kinds_that_its_function_names() -> None:
    model, pv = FakeModel(), AssetId(BATTERY_ID.site, "pv")
    hybrid = device(
        BATTERY_ID,
        DeviceFunction(asset=battery_asset().id, controls=True),
        DeviceFunction(asset=pv, controls=True, setpoint_kinds=frozenset({K.GENERATION_LIMIT_W})),
    )
    array = Asset(id=pv, rating=PvRating(peak_power_w=1.0, curtailable=True))
    await model.take(battery_asset(), array, hybrid)
    steering = model.devices.steering(BATTERY_ID, K.GENERATION_LIMIT_W, T0)
    assert isinstance(steering, Steering)
    assert steering.asset == pv
    refused = model.devices.steering(BATTERY_ID, K.CURRENT_A, T0)
    assert refused == NotSteered(
        f"{BATTERY_ID} takes no current_a; it takes active_power_w, generation_limit_w"
    )


async def test_a_device_controls_only_while_its_function_holds() -> None:
    model = FakeModel()
    function = DeviceFunction(asset=battery_asset().id, controls=True, end=T0 + HOUR)
    await model.take(battery_asset(), device(BATTERY_ID, function))
    now = model.devices.steering(BATTERY_ID, K.ACTIVE_POWER_W, T0)
    assert isinstance(now, Steering)
    later = model.devices.steering(BATTERY_ID, K.ACTIVE_POWER_W, T0 + HOUR)
    assert later == NotSteered(f"{BATTERY_ID} controls nothing")


def test_a_command_on_the_wire_keeps_what_is_missing_absent() -> None:
    proto = command_to_proto(command(state=CommandState.DISPATCHED, message="clamped"))
    assert (proto.requested_value, proto.value, proto.message) == (6000.0, 5000.0, "clamped")
    assert proto.state == pb.COMMAND_STATE_DISPATCHED
    present = {field.name for field, _ in proto.ListFields()}
    assert not present & {"apply_time", "verify_time", "read_back_value", "metered_power_w"}


def test_a_limit_needs_an_end_and_comes_back_as_it_was() -> None:
    proto = pb.Limit(subject=BATTERY_ID.name, owner="grid", max_power_w=0.0)
    with pytest.raises(InvalidArgument):
        limit_from_proto(proto)
    proto.expire_time.FromDatetime(T0)
    proto.start_time.FromDatetime(T0 - HOUR)
    limit = limit_from_proto(proto)
    assert (limit.min_power_w, limit.max_power_w) == (None, 0.0)
    proto.name = limit.limit.name
    assert limit_to_proto(limit) == proto


@pytest.mark.parametrize("subject", ["sites/home-1", "groups/street"])
def test_a_limit_is_on_a_site_or_a_group_too(subject: str) -> None:
    proto = pb.Limit(subject=subject, owner="grid", max_power_w=0.0)
    proto.expire_time.FromDatetime(T0)
    limit = limit_from_proto(proto)
    proto.name = limit.limit.name
    assert limit_to_proto(limit) == proto
    proto.subject = "assets/battery"
    with pytest.raises(InvalidArgument):
        limit_from_proto(proto)


def test_a_gateways_words_are_kept_as_far_as_they_can_be() -> None:
    status = gateway_link_pb2.DeviceStatus(device=BATTERY_ID.name, message="a\x00b" + "c" * 2000)
    message = message_from_proto(gateway_link_pb2.ConnectRequest(device_status=status), T0)
    assert message.message.startswith("a bc")  # type: ignore[union-attr]
    assert len(message.message) == 1000  # type: ignore[union-attr]


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


async def counting(link: GatewayLink) -> GatewayLink:
    """Let a stream count: its gateway's shard is leased."""
    link.lease = await FakeLeases().try_acquire(link.gateway.name)
    return link


async def test_a_newer_stream_ends_the_older_and_gets_the_orders() -> None:
    links = GatewayLinks(FakeObservations())
    older = await counting(links.attach(GATEWAY))
    newer = await counting(links.attach(GATEWAY))
    with pytest.raises(Aborted):
        await older.until_ended()
    links.detach(older)
    links.offer(command())
    assert await links.waiting(10) == [(newer, [Carry(command())])]


async def test_a_command_that_is_offered_twice_waits_once() -> None:
    links = GatewayLinks(FakeObservations())
    link = await counting(links.attach(GATEWAY))
    for _ in range(2):
        links.offer(command())
    (waiting,) = await links.waiting(10)
    assert waiting == (link, [Carry(command())])
    link.forget(waiting[1])
    links.offer(command())
    assert await links.waiting(10) == [waiting], "sent before, it may be sent again"


async def test_what_waits_goes_out_in_order_and_not_all_at_once() -> None:
    links = GatewayLinks(FakeObservations())
    await counting(links.attach(GATEWAY))
    commands = [replace(command(), command=CommandId(f"c{number}")) for number in range(5)]
    for each in commands:
        links.offer(each)
    found = [orders for _ in range(3) for _, orders in await links.waiting(2)]
    assert [order.command for orders in found for order in orders] == commands
    assert [len(orders) for orders in found] == [2, 2, 1]


async def test_a_gateway_that_does_not_read_is_let_go() -> None:
    links = GatewayLinks(FakeObservations())
    link = await counting(links.attach(GATEWAY))
    for number in range(MOST_WAITING + 1):
        links.offer(replace(command(), command=CommandId(f"c{number}")))
    with pytest.raises(ResourceExhausted):
        await link.until_ended()


async def test_a_watcher_that_does_not_read_is_let_go_after_what_it_has() -> None:
    broadcast: CommandBroadcast = Broadcast(10)
    async with ReadCommands(FakeCommandArchive(), broadcast).watch(DeviceFilter()) as commands:
        broadcast.publish(*[command()] * 11)
        for _ in range(10):
            await anext(commands)
        with pytest.raises(ResourceExhausted):
            await anext(commands)


async def test_a_watcher_is_told_when_other_processes_may_have_gone_unheard() -> None:
    broadcast = CommandBroadcast()
    async with ReadCommands(FakeCommandArchive(), broadcast).watch(DeviceFilter()) as commands:
        broadcast.publish(command(), Gap())
        assert await anext(commands) == command()
        with pytest.raises(Unavailable) as failure:
            await anext(commands)
    assert failure.value.reason == "WATCH_INTERRUPTED"


async def test_nothing_is_answered_before_the_model_was_ever_known() -> None:
    model = FakeModel()
    with pytest.raises(Unavailable) as failure:
        await model.devices.require([BATTERY_ID])
    assert failure.value.reason == "SITE_MODEL_UNKNOWN"


async def test_a_device_that_was_only_just_created_is_waited_for() -> None:
    model = FakeModel()
    await model.take(battery_asset())
    await model.devices.require([BATTERY_ID])
    with pytest.raises(NotFound):
        model.devices.get(BATTERY_ID, T0)
    waiting = asyncio.create_task(model.devices.require([BATTERY_ID]))
    await asyncio.sleep(0.05)
    await model.know()
    await waiting
    assert model.devices.get(BATTERY_ID, T0).device == BATTERY_ID


def test_a_notice_of_any_size_fits_into_payloads_and_comes_back() -> None:
    names = tuple(CommandId(f"{number:063d}") for number in range(500))
    notice = Notice(orders=names, moved=names[:100], due=T0, wanted=GATEWAY)
    said = list(payloads(notice, "a"))
    assert all(len(each.encode()) < 8000 for each in said)
    heard = [notice_from_payload(each, "b") for each in said]
    assert [name for each in heard if each for name in each.orders] == list(names)
    assert [name for each in heard if each for name in each.moved] == list(names[:100])
    assert [each.due for each in heard if each and each.due] == [T0]
    assert notice_from_payload(said[0], "a") is None, "its own"
    assert notice_from_payload("nonsense", "b") is None
