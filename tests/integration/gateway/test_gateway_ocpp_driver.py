"""The central system against charge points over real websockets, in both versions of OCPP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.charge_point import Call, dialled_in, station_dialled_in
from tests.fakes.eventually import eventually
from tests.fakes.ocpp_gateway import OcppGateway, ocpp_gateway
from wattmesh_gateway.app.ports import Sets
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.session import SessionState
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CURRENT = SetpointKind.CURRENT_A
POWER = SetpointKind.ACTIVE_POWER_W


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[OcppGateway]:
    async with ocpp_gateway(tmp_path) as running:
        yield running


async def settable(gateway: OcppGateway) -> Sets:
    opened = await gateway.open()
    assert opened.sets is not None
    return opened.sets


def sockets(gateway: OcppGateway, id_: str = "cp-1", version: str = "ocpp1.6") -> connect:
    url = f"ws://127.0.0.1:{gateway.port}/{id_}"
    return connect(url, subprotocols=[version], close_timeout=1)  # type: ignore[list-item]


async def ask(socket: ClientConnection, *message: object) -> object:
    await socket.send(json.dumps(message))
    while True:
        answer = json.loads(await socket.recv())
        if answer[0] != 2:
            return answer


async def test_a_stay_becomes_readings_and_one_session(gateway: OcppGateway) -> None:
    await gateway.open()
    kept = gateway.kept
    async with dialled_in(gateway.port, "cp-1") as point:
        assert (await point.boot()).status == "Accepted"
        await point.status("Preparing", NOON)
        number = await point.start_transaction("tag-1", 5000, NOON + timedelta(minutes=1))
        await point.meter_values(
            NOON + timedelta(minutes=10),
            {"value": "6.2", "unit": "kWh", "measurand": "Energy.Active.Import.Register"},
            {"value": "2300", "measurand": "Power.Active.Import", "phase": "L1"},
            {"value": "2400", "measurand": "Power.Active.Import", "phase": "L2"},
            {"value": "55", "unit": "Percent", "measurand": "SoC", "location": "EV"},
            transaction=number,
        )
        await point.stop_transaction(number, 7500, NOON + timedelta(minutes=30))
        await point.status("Available", NOON + timedelta(minutes=40))
    assert kept.values("import_energy_wh") == [5000, 6200, 7500]
    assert kept.values("session_energy_wh") == [0, 1200, 2500]
    assert kept.values("active_power_w") == [4700]
    assert kept.values("soc_ratio") == [0.55]
    assert (kept.values("plugged_in_ratio")[0], kept.values("plugged_in_ratio")[-1]) == (1, 0)
    last = kept.sessions[-1]
    assert {each.key for each in kept.sessions} == {last.key}
    assert (last.state, last.token) == (SessionState.ENDED, "tag-1")
    assert (last.charged_energy_wh, last.soc_ratio) == (2500, 0.55)
    assert (last.arrival_time, last.departure_time) == (NOON, NOON + timedelta(minutes=40))


async def test_a_station_of_the_newer_version_tells_the_same(gateway: OcppGateway) -> None:
    await gateway.open()
    kept = gateway.kept
    async with station_dialled_in(gateway.port, "cp-1") as station:
        assert (await station.boot()).status == "Accepted"
        at = {"charging_state": "Charging"}
        await station.event("Started", NOON, "t-1", 5000, **at)
        await station.event("Updated", NOON + timedelta(minutes=10), "t-1", 6200, **at)
        gone = {"stopped_reason": "EVDisconnected"}
        await station.event("Ended", NOON + timedelta(minutes=30), "t-1", 7500, **gone)
        await eventually(lambda: station.variables.get("TxUpdatedInterval") == "60")
    assert kept.values("import_energy_wh") == [5000, 6200, 7500]
    assert kept.values("session_energy_wh") == [0, 1200, 2500]
    assert [each.state for each in kept.sessions][-1] is SessionState.ENDED
    assert kept.sessions[-1].token == "tag-2"
    assert kept.sessions[-1].departure_time == NOON + timedelta(minutes=30)


async def test_a_charge_point_gets_its_failsafe_and_is_asked_to_measure(
    gateway: OcppGateway,
) -> None:
    await gateway.open()
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        await eventually(lambda: "StatusNotification" in point.triggered)
        assert point.configuration["MeterValueSampleInterval"] == "60"
        assert point.profiles.limit() == 6.0
        assert point.profiles.limit(datetime.now(UTC) + 1000 * HOUR) == 6.0


async def test_no_limit_is_leased_before_there_is_a_failsafe_to_fall_back_to(
    gateway: OcppGateway,
) -> None:
    """One that has dialled in and said nothing yet was told nothing either."""
    sets = await settable(gateway)

    async def leased() -> bool:
        with suppress(DeviceUnavailable):  # until it has dialled in
            await sets.apply(CURRENT, 10.0, HOUR)
            return True
        return False

    async with dialled_in(gateway.port, "cp-1") as point:
        await eventually(leased)
        assert point.profiles.limit() == 10.0
        assert point.profiles.limit(datetime.now(UTC) + 2 * HOUR) == 6.0


async def test_a_lease_is_obeyed_and_ended_by_the_charge_point_itself(
    gateway: OcppGateway,
) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        await eventually(lambda: "StatusNotification" in point.triggered)
        applied = await sets.apply(CURRENT, 16.0, timedelta(minutes=10))
        assert (applied.value, point.profiles.limit()) == (16.0, 16.0)
        assert (await applied.read_back()).mismatch == ""
        assert sets.ends_by_itself(CURRENT)
        end = datetime.now(UTC) + timedelta(minutes=10)
        assert point.profiles.limit(end - timedelta(seconds=30)) == 16.0
        assert point.profiles.limit(end + timedelta(seconds=1)) == 6.0


async def test_a_station_of_the_newer_version_obeys_a_lease_too(gateway: OcppGateway) -> None:
    sets = await settable(gateway)
    async with station_dialled_in(gateway.port, "cp-1") as station:
        await station.boot()
        await eventually(lambda: station.profiles.limit() == 6.0)
        applied = await sets.apply(CURRENT, 10.5, timedelta(minutes=10))
        assert (await applied.read_back()).value == pytest.approx(10.5)
        assert station.profiles.limit() == 10.5
        assert station.profiles.limit(datetime.now(UTC) + timedelta(minutes=11)) == 6.0
        assert (await sets.release(CURRENT)).mismatch == ""
        assert station.profiles.limit() == 6.0


async def test_power_is_written_as_current_of_the_phases_and_never_more(
    gateway: OcppGateway,
) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        applied = await sets.apply(POWER, 11_000.0, HOUR)
        assert point.profiles.limit() == 15.9
        assert applied.value == pytest.approx(15.9 * 690)
        await sets.apply(POWER, 0.0, HOUR)
        assert point.profiles.limit() == 0.0


async def test_what_no_charge_point_can_do_is_refused_unwritten(gateway: OcppGateway) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        for kind, value in ((CURRENT, 5.0), (CURRENT, 33.0), (POWER, -2000.0), (POWER, 1000.0)):
            with pytest.raises(DeviceRefused):
                await sets.apply(kind, value, HOUR)
        assert [each["stack_level"] for each in point.profiles.by_id.values()] in ([], [0])


async def test_a_limit_that_does_not_hold_is_a_mismatch(gateway: OcppGateway) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        applied = await sets.apply(CURRENT, 16.0, HOUR)
        point.profiles.by_id.clear()
        found = await applied.read_back()
        assert (found.value, found.mismatch) == (32.0, "32 holds, not 16")


async def test_a_released_charge_point_is_at_its_failsafe(gateway: OcppGateway) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        await eventually(lambda: "StatusNotification" in point.triggered)
        await sets.apply(CURRENT, 16.0, HOUR)
        assert (await sets.release(CURRENT)).mismatch == ""
        assert (await sets.release(CURRENT)).mismatch == ""
        assert point.profiles.limit() == 6.0


async def test_a_charge_point_that_is_away_or_never_answers_is_unavailable(
    tmp_path: Path,
) -> None:
    async with ocpp_gateway(tmp_path, ocpp_timeout_seconds=0.2) as gateway:
        sets = await settable(gateway)
        with pytest.raises(DeviceUnavailable, match="has not dialled in"):
            await sets.apply(CURRENT, 16.0, HOUR)
        async with dialled_in(gateway.port, "cp-1") as point:
            point.mute = True
            await point.boot()
            with pytest.raises(DeviceUnavailable, match="no answer"):
                await sets.apply(CURRENT, 16.0, HOUR)


async def test_a_transaction_told_again_has_its_number_also_after_a_restart(
    tmp_path: Path,
) -> None:
    async with ocpp_gateway(tmp_path) as gateway:
        await gateway.open()
        async with dialled_in(gateway.port, "cp-1") as point:
            first = await point.start_transaction("tag-1", 5000, NOON)
            assert await point.start_transaction("tag-1", 5000, NOON) == first
            assert await point.start_transaction("tag-1", 6000, NOON + HOUR) != first
    async with ocpp_gateway(tmp_path) as gateway:
        await gateway.open()
        async with dialled_in(gateway.port, "cp-1") as point:
            assert await point.start_transaction("tag-1", 5000, NOON) == first
            await point.stop_transaction(first, 9000, NOON + HOUR)
        assert gateway.kept.values("import_energy_wh") == [5000, 9000]
        assert gateway.kept.sessions[-1].arrival_time == NOON


async def test_what_was_metered_while_nobody_answered_counts_at_its_time(
    gateway: OcppGateway,
) -> None:
    await gateway.open()
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.status("Available", NOON + 5 * HOUR)
        number = await point.start_transaction("tag-1", 1000, NOON)
        await point.stop_transaction(number, 4000, NOON + HOUR)
    ended = gateway.kept.sessions[-1]
    assert (ended.state, ended.charged_energy_wh) == (SessionState.ENDED, 3000)
    assert (ended.arrival_time, ended.departure_time) == (NOON, NOON + HOUR)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.call(Call.Heartbeat())
    assert gateway.kept.values("plugged_in_ratio")[-1] == 0


async def test_nothing_is_answered_that_was_not_kept(gateway: OcppGateway) -> None:
    await gateway.open()
    gateway.kept.broken = True
    async with dialled_in(gateway.port, "cp-1") as point:
        asking = asyncio.create_task(point.boot())
        with pytest.raises(OSError, match="no space left"):
            await gateway.background.watch()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled() or asking.exception() is not None


async def test_who_is_not_known_is_refused_and_said_once_by_name(
    gateway: OcppGateway, caplog: pytest.LogCaptureFixture
) -> None:
    await gateway.open()
    for _ in range(2):
        with pytest.raises(InvalidStatus) as refused:
            await sockets(gateway, "stranger")
        assert refused.value.response.status_code == 404
    assert caplog.text.count("'stranger' is no charge point of the site model") == 1


async def test_a_charge_point_that_was_removed_is_hung_up(gateway: OcppGateway) -> None:
    opened = await gateway.open()
    async with sockets(gateway) as socket:
        opened.close()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    with pytest.raises(InvalidStatus):
        await sockets(gateway)


async def test_a_password_is_asked_for_where_there_is_one(tmp_path: Path) -> None:
    async with ocpp_gateway(tmp_path, ocpp_password="secret") as gateway:
        await gateway.open()
        with pytest.raises(InvalidStatus) as refused:
            await sockets(gateway)
        assert refused.value.response.status_code == 401
        async with dialled_in(gateway.port, "cp-1", password="secret") as point:
            assert (await point.boot()).status == "Accepted"


async def test_only_listed_tokens_may_charge_where_there_is_a_list(tmp_path: Path) -> None:
    async with ocpp_gateway(tmp_path, ocpp_tokens=["tag-1"]) as gateway:
        await gateway.open()
        async with dialled_in(gateway.port, "cp-1") as point:
            good = await point.call(Call.Authorize(id_tag="tag-1"))
            bad = await point.call(Call.Authorize(id_tag="tag-9"))
    assert (good.id_tag_info["status"], bad.id_tag_info["status"]) == ("Accepted", "Invalid")


async def test_a_second_connection_of_a_live_charge_point_takes_nothing_from_it(
    gateway: OcppGateway,
) -> None:
    sets = await settable(gateway)
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.boot()
        with pytest.raises(InvalidStatus) as refused:
            await sockets(gateway)
        assert refused.value.response.status_code == 409
        assert (await sets.apply(CURRENT, 16.0, HOUR)).value == 16.0


async def test_a_charge_point_comes_back_though_its_old_line_was_never_closed(
    gateway: OcppGateway,
) -> None:
    sets = await settable(gateway)
    async with sockets(gateway) as old:
        await ask(old, 2, "1", "Heartbeat", {})
        old.transport.pause_reading()  # a line that is dead, and does not say so
        async with dialled_in(gateway.port, "cp-1") as point:
            await point.boot()
            assert (await sets.apply(CURRENT, 16.0, HOUR)).value == 16.0
        old.transport.abort()


HOSTILE = {
    "no JSON": "\x00garbage",
    "no list": '{"a": 1}',
    "empty list": "[]",
    "nested": "[" * 100_000,
    "digits": f'[2,"1","MeterValues",{{"connectorId":{"9" * 4000},"meterValue":[]}}]',
    "no schema": '[2,"1","MeterValues",{"connectorId":"x"}]',
    "path": '[2,"1","../../v16/schemas/Heartbeat",{}]',
    "strange action": '[2,"1",["MeterValues"],{}]',
    "strange id": '[2,{"a":[1]},"Heartbeat",{}]',
    "answers nobody asked for": '[3,"wattmesh-1",{"status":"Accepted"}]',
    "payload is a list": '[2,"1","Heartbeat",[1,2]]',
    "surrogate": '[2,"1","StartTransaction",{"connectorId":1,"idTag":"\\ud800","meterStart":1,'
    '"timestamp":"2026-01-01T00:00:00Z"}]',
    "year 9999": '[2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError",'
    '"status":"Charging","timestamp":"9999-12-31T23:59:59-14:00"}]',
    "a phase beyond numbers": '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":'
    '"2026-01-01T00:00:00Z","sampledValue":[{"value":"5","measurand":"Power.Active.Import"},{"value":'
    '"1e308","measurand":"Power.Active.Import","phase":"L1","unit":"kW"}]}]}]',
    "nested as deep as it is read": '[2,"1","DataTransfer",{"vendorId":"a","data":'
    + '{"a":' * 400
    + "1"
    + "}" * 400
    + "}]",
    "infinite": '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":'
    '"2026-01-01T00:00:00Z","sampledValue":[{"value":"1e999"},{"value":"NaN"}]}]}]',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_message_is_answered_or_dropped_and_the_next_one_understood(
    gateway: OcppGateway, text: str
) -> None:
    await gateway.open()
    async with sockets(gateway) as socket:
        await socket.send(text)
        answer = await ask(socket, 2, "next", "Heartbeat", {})
        while isinstance(answer, list) and answer[1] != "next":
            answer = json.loads(await socket.recv())
        assert isinstance(answer, list)
        assert answer[:2] == [3, "next"]


async def test_a_huge_frame_ends_that_connection_alone(gateway: OcppGateway) -> None:
    await gateway.open()
    other = DeviceId.parse("sites/office/devices/other")
    await gateway.open("cp-2", device=other)
    async with dialled_in(gateway.port, "cp-2") as healthy:
        async with sockets(gateway) as socket:
            await socket.send("x" * 300_000)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert (await healthy.boot()).status == "Accepted"


async def test_a_flood_of_messages_holds_up_no_other_charge_point(gateway: OcppGateway) -> None:
    await gateway.open()
    await gateway.open("cp-2", device=DeviceId.parse("sites/office/devices/other"))

    async def flood(socket: ClientConnection) -> None:
        while True:
            await socket.send('[2,"1","Heartbeat",{}]')

    begun = asyncio.get_running_loop().time()
    async with sockets(gateway) as socket, dialled_in(gateway.port, "cp-2") as healthy:
        flooding = asyncio.create_task(flood(socket))
        for _ in range(3):
            await healthy.call(Call.Heartbeat())
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        socket.transport.abort()
    heard = [each.origin for each in gateway.kept.deliveries]
    seconds = asyncio.get_running_loop().time() - begun
    assert heard.count("ocpp1.6/cp-1/Heartbeat") <= 50 * (seconds + 2)


async def test_what_made_no_sense_is_set_aside_and_can_be_read_again(
    gateway: OcppGateway,
) -> None:
    opened = await gateway.open()
    assert opened.listens is not None
    async with dialled_in(gateway.port, "cp-1") as point:
        await point.meter_values(NOON + 10_000 * 24 * HOUR, {"value": "1"})
        await point.meter_values(NOON, {"value": "7"}, {"value": "2", "unit": "kvarh"})
        await point.meter_values(NOON, {"value": "x"})
    assert len(gateway.kept.problems) == 3
    delivery = gateway.kept.deliveries[0]
    later = datetime.now(UTC) + 10_000 * 24 * HOUR
    (again,) = opened.listens.understand(delivery.origin, delivery.payload, later)
    assert [each.value for each in again.readings] == [1.0]
