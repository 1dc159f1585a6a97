"""Simulated chargers on their real protocols, with the gateway's own drivers at the other end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_world import free_port
from tests.fakes.manual_clock import ManualClock
from tests.fakes.ocpp_gateway import (
    CHARGER,
    POINTS,
    OcppGateway,
    charger,
    ocpp_gateway,
    ocpp_profile,
)
from wattmesh_gateway.drivers.modbus_tcp.driver import ModbusDriver
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, ModbusTcpConnection
from wattmesh_twin.adapters.ocpp_point import OcppTwin
from wattmesh_twin.adapters.visits import COLUMNS, load_visits
from wattmesh_twin.adapters.wallbox import WallboxTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import Charger, Visit
from wattmesh_twin.domain.charging_profiles import ChargingProfiles
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.domain.watched_limit import WatchedLimit

HOUR = timedelta(hours=1)
CURRENT = SetpointKind.CURRENT_A
CAR = VehicleSpec(capacity_wh=50_000.0)


def there(moment: datetime, hours: float = 5.0) -> Visit:
    return Visit(
        arrival=moment - HOUR / 60,
        departure=moment + hours * HOUR,
        vehicle=CAR,
        arrival_soc_ratio=0.3,
        token="tag-7",
    )


@asynccontextmanager
async def charge_point(gateway: OcppGateway, visit: Visit) -> AsyncIterator[ChargerTwin]:
    profiles = ChargingProfiles(max_current_a=32.0)
    twin = ChargerTwin(Charger(visits=(visit,)), profiles, SystemClock())
    point = OcppTwin("cp-1", f"ws://127.0.0.1:{gateway.port}", twin, 32.0)
    running = asyncio.create_task(point.run())
    try:
        yield twin
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[OcppGateway]:
    async with ocpp_gateway(tmp_path) as running:
        yield running


async def test_a_vehicle_at_a_charge_point_is_told_and_obeys_a_lease(
    gateway: OcppGateway,
) -> None:
    opened = await gateway.open()
    sets = opened.sets
    assert sets is not None
    async with charge_point(gateway, there(datetime.now(UTC))) as twin:
        await eventually(lambda: bool(gateway.kept.sessions), 20)
        await eventually(lambda: twin.look().current_a == pytest.approx(6.0), 20)
        applied = await sets.apply(CURRENT, 10.0, timedelta(seconds=2))
        assert (await applied.read_back()).mismatch == ""
        assert twin.look().power_w == pytest.approx(6_900.0)
        await eventually(lambda: twin.look().power_w == pytest.approx(4_140.0), 20)
    assert gateway.kept.sessions[-1].token == "tag-7"
    assert gateway.kept.values("plugged_in_ratio")[-1] == 1


async def test_meter_values_come_at_the_interval_that_is_asked_for(tmp_path: Path) -> None:
    async with ocpp_gateway(tmp_path) as gateway:
        every_second = replace(charger(), reporting_interval=timedelta(seconds=1))
        opened = await gateway.driver.open(every_second, ocpp_profile())
        assert opened.listens is not None
        opened.listens.begin()
        assert await gateway.driver.wait_ready(10.0)
        async with charge_point(gateway, there(datetime.now(UTC))):
            await eventually(lambda: len(gateway.kept.values("active_power_w")) >= 2, 20)
    assert gateway.kept.values("active_power_w")[-1] == pytest.approx(4_140.0)


async def test_a_vehicle_that_leaves_ends_its_session_with_its_energy(
    gateway: OcppGateway,
) -> None:
    await gateway.open()
    leaving = there(datetime.now(UTC), hours=2 / 3600)
    async with charge_point(gateway, leaving):
        await eventually(
            lambda: (
                bool(gateway.kept.sessions) and gateway.kept.sessions[-1].departure_time is not None
            ),
            20,
        )
    session = gateway.kept.sessions[-1]
    assert abs((session.departure_time or leaving.arrival) - leaving.departure) < HOUR / 3600
    assert session.charged_energy_wh is not None


async def test_a_wallbox_obeys_and_falls_back_when_the_gateway_is_gone() -> None:
    clock = ManualClock(datetime(2026, 6, 1, 12, tzinfo=UTC))
    limit = WatchedLimit(
        set_a=16.0,
        failsafe_a=0.0,
        max_current_a=16.0,
        watchdog=timedelta(seconds=15),
        heard=clock.now(),
    )
    twin = ChargerTwin(Charger(visits=(there(clock.now()),)), limit, clock)
    port = free_port()
    profile = load_profiles(SCHEMAS)["amperfied-energy-control"]
    device = Device(
        id=CHARGER,
        profile=profile.name,
        gateway=GatewayId("test"),
        connection=ModbusTcpConnection(host="127.0.0.1", port=port),
        reporting_interval=timedelta(minutes=1),
        points=POINTS & profile.quantities,
    )
    async with WallboxTwin(twin, limit, "127.0.0.1", port):
        driver = ModbusDriver(clock, 2.0)
        opened = await driver.open(device, profile)
        assert opened.sets is not None
        assert opened.reads is not None
        applied = await opened.sets.apply(CURRENT, 10.0, HOUR)
        assert (await applied.read_back()).mismatch == ""
        read = {each.point.segment: each.value for each in await opened.reads.read()}
        assert (read["active_power_w"], read["current_a"]) == (6900.0, 10.0)
        clock.advance(timedelta(seconds=61))
        assert twin.look().power_w == pytest.approx(4_140.0)
        read = {each.point.segment: each.value for each in await opened.reads.read()}
        assert read["import_energy_wh"] > 100
        driver.close()


def test_visits_come_from_a_file_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    good = "2026-06-01T08:00:00Z,2026-06-01T16:00:00Z,0.3,50000,16,3,tag-1"
    file.write_text(",".join(COLUMNS) + f"\n{good}\n")
    (visit,) = load_visits(file)
    assert (visit.token, visit.vehicle) == ("tag-1", replace(CAR))
    file.write_text(",".join(COLUMNS) + f"\n{good}\n{good.replace('50000', '-1')}\n")
    with pytest.raises(InvalidArgument, match=r"visits.csv:3: "):
        load_visits(file)
