"""Wallboxes on Modbus and MQTT at the real gateway: sessions, setpoints, and kills in between."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, free_port, gateway_world
from tests.fakes.manual_clock import ManualClock
from wattmesh.type.v1 import setpoint_pb2
from wattmesh.usage.v1 import charging_pb2
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import Connection, Device, ModbusTcpConnection, MqttConnection
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_twin.adapters.go_e import GoETwin
from wattmesh_twin.adapters.keba import KebaTwin
from wattmesh_twin.adapters.wallbox import WallboxTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import Charger, FixedOffer, Visit
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.domain.watched_limit import WatchedLimit

SITE = SiteId("home-1")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CURRENT = setpoint_pb2.SETPOINT_KIND_CURRENT_A
PROFILES = {
    "amperfied": "amperfied-energy-control",
    "keba": "keba-p30",
    "go-e": "go-e-charger",
}
POINTS = frozenset({"import_energy_wh", "active_power_w", "plugged_in_ratio"})


@dataclass(kw_only=True)
class Yard:
    """Three wallboxes with a vehicle each, on a clock that the test moves, and the gateway."""

    world: GatewayWorld
    clock: ManualClock
    twins: dict[str, ChargerTwin]
    sequence: int = 0

    async def tell(self, amperes: float) -> None:
        """Tell all of them a current; each must read it back."""
        self.sequence += 1
        end = datetime.now(UTC) + HOUR
        for name in self.twins:
            command = f"commands/{name}-{self.sequence}"
            self.world.control.dispatch(
                command, device_name(name), amperes, end, self.sequence, kind=CURRENT
            )
        for name in self.twins:
            command = f"commands/{name}-{self.sequence}"
            await self.world.control.wait_for(command, State.COMMAND_STATE_VERIFIED)

    def powers_w(self) -> list[float]:
        return [round(each.look().power_w) for each in self.twins.values()]

    def sessions(self) -> dict[str, charging_pb2.ChargingSession]:
        """The newest session of each, by its asset; none may have had two."""
        found = {each.name.split("/")[3]: each for each in self.world.usage.sessions.values()}
        assert len(found) == len(self.world.usage.sessions)
        return found

    def charged_wh(self) -> dict[str, float]:
        return {name: each.charged_energy_wh for name, each in self.sessions().items()}

    def drawn_wh(self) -> dict[str, float]:
        return {name: each.look().state.import_wh for name, each in self.twins.items()}

    def stored(self, name: str, quantity: str) -> list[float]:
        """What metering has of a point, by time."""
        point = f"{device_name(name)}/points/{quantity}"
        found = sorted(self.world.metering.stored.items())
        return [value for (which, _), value in found if which == point]


def device_name(name: str) -> str:
    return f"sites/home-1/devices/{name}"


def charger_twin(clock: ManualClock) -> tuple[ChargerTwin, WatchedLimit]:
    limit = WatchedLimit(
        set_a=6.0,
        failsafe_a=6.0,
        max_current_a=16.0,
        watchdog=timedelta(0),
        heard=clock.now(),
    )
    visit = Visit(
        arrival=NOON - HOUR,
        departure=NOON + 8 * HOUR,
        vehicle=VehicleSpec(capacity_wh=80_000.0),
        arrival_soc_ratio=0.1,
    )
    return ChargerTwin(Charger(visits=(visit,)), limit, clock), limit


@asynccontextmanager
async def yard(folder: Path) -> AsyncIterator[Yard]:
    clock = ManualClock(NOON)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(gateway_world(folder))
        background = await stack.enter_async_context(BackgroundTasks())
        (amperfied, limit), port = charger_twin(clock), free_port()
        await stack.enter_async_context(WallboxTwin(amperfied, limit, "127.0.0.1", port))
        (keba, watched), other = charger_twin(clock), free_port()
        await stack.enter_async_context(KebaTwin(keba, watched, "127.0.0.1", other))
        go_e, _ = charger_twin(clock)
        go_e.offer(FixedOffer(offered_a=0.0))
        url = f"mqtt://127.0.0.1:{world.broker_port}"
        connections: dict[str, Connection] = {
            "amperfied": ModbusTcpConnection(host="127.0.0.1", port=port),
            "keba": ModbusTcpConnection(host="127.0.0.1", port=other),
            "go-e": MqttConnection(address="42"),
        }
        world.sites.change(*(wallbox(world, name, to) for name, to in connections.items()))
        await world.gateway.start()
        await eventually(lambda: "serving on" in world.gateway.log, 60)
        background.start(GoETwin(go_e, 16.0, url, "42", SECOND).run())
        yield Yard(
            world=world, clock=clock, twins={"amperfied": amperfied, "keba": keba, "go-e": go_e}
        )


def wallbox(world: GatewayWorld, name: str, connection: Connection) -> Device:
    battery, _ = world.devices(SECOND)
    return replace(
        battery,
        id=DeviceId(SITE, name),
        profile=PROFILES[name],
        connection=connection,
        points=POINTS,
        functions=(replace(battery.functions[0], asset=AssetId(SITE, name)),),
    )


@pytest.mark.time_limit(150)
async def test_wallboxes_have_sessions_obey_and_lose_nothing_over_a_kill(tmp_path: Path) -> None:
    async with yard(tmp_path) as there:
        world, clock = there.world, there.clock
        await eventually(lambda: len(there.sessions()) == 3, 30)
        assert all(not each.HasField("departure_time") for each in there.sessions().values())

        await there.tell(10.0)
        assert there.powers_w() == [6900, 6900, 6900]
        charging = charging_pb2.CHARGING_SESSION_STATE_CHARGING
        clock.advance(HOUR / 60)
        await eventually(
            lambda: all(each.state == charging for each in there.sessions().values()), 30
        )
        before = there.charged_wh()

        await world.gateway.kill()
        clock.advance(HOUR / 2)
        while_away = there.drawn_wh()["go-e"]
        await world.gateway.start()
        await world.control.connected()
        await there.tell(0.0)
        assert there.powers_w() == [0, 0, 0]
        drawn = there.drawn_wh()
        assert all(drawn[name] > before[name] + 100 for name in before)
        await eventually(lambda: there.charged_wh() == pytest.approx(drawn, abs=2.0), 60)
        # Sessions and readings go their own ways: one may be told before the other.
        await eventually(lambda: round(while_away) in there.stored("go-e", "import_energy_wh"), 30)
        await eventually(
            lambda: all(there.stored(name, "plugged_in_ratio") for name in there.twins), 30
        )
        for name in there.twins:
            registers = there.stored(name, "import_energy_wh")
            assert registers == sorted(registers)
            assert set(there.stored(name, "plugged_in_ratio")) == {1.0}

        clock.advance(8 * HOUR)
        ended = charging_pb2.CHARGING_SESSION_STATE_ENDED
        await eventually(lambda: all(s.state == ended for s in there.sessions().values()), 30)
        assert len(there.sessions()) == 3
        for name, charged in there.charged_wh().items():
            assert charged == pytest.approx(there.drawn_wh()[name], abs=2.0), name
        await eventually(lambda: there.stored("keba", "plugged_in_ratio")[-1:] == [0.0], 30)
