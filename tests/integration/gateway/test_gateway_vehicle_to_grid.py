"""A charger that takes power out of a vehicle, at the real gateway: both ways, and when it ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, gateway_world
from tests.fakes.manual_clock import ManualClock
from wattmesh.usage.v1 import charging_pb2
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import MqttConnection
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_twin.adapters.v2g_charger import SAFE_POWER_W, V2gChargerTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import Charger, FixedOffer, Visit
from wattmesh_twin.domain.vehicle import VehicleSpec

SITE = SiteId("home-1")
NAME = "sites/home-1/devices/v2g"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POINTS = frozenset(
    {"import_energy_wh", "export_energy_wh", "active_power_w", "soc_ratio", "plugged_in_ratio"}
)
CAR = VehicleSpec(capacity_wh=60_000.0, max_discharge_power_w=10_000.0, least_soc_ratio=0.3)


@dataclass(kw_only=True)
class Drive:
    """A charger with a vehicle, on a clock that the test moves, and the gateway."""

    world: GatewayWorld
    clock: ManualClock
    twin: ChargerTwin
    sequence: int = 0

    async def tell(self, power_w: float, lease: timedelta = HOUR) -> str:
        """Tell it a power; it must be read back."""
        self.sequence += 1
        command = f"commands/v2g-{self.sequence}"
        end = datetime.now(UTC) + lease
        self.world.control.dispatch(command, NAME, power_w, end, self.sequence, lease)
        await self.world.control.wait_for(command, State.COMMAND_STATE_VERIFIED)
        return command

    def stored(self, quantity: str) -> list[float]:
        """What metering has of a point, by time."""
        point = f"{NAME}/points/{quantity}"
        found = sorted(self.world.metering.stored.items())
        return [value for (which, _), value in found if which == point]

    async def shows(self, quantity: str, value: float, off: float = 0.0) -> None:
        """Wait until metering's newest reading is a value."""
        wanted = pytest.approx(value, abs=off)
        await eventually(lambda: self.stored(quantity)[-1:] == [wanted], 30)

    def session(self) -> charging_pb2.ChargingSession:
        (found,) = self.world.usage.sessions.values()
        return found


@asynccontextmanager
async def drive(folder: Path) -> AsyncIterator[Drive]:
    clock = ManualClock(NOON)
    visit = Visit(
        arrival=NOON - HOUR, departure=NOON + 8 * HOUR, vehicle=CAR, arrival_soc_ratio=0.5
    )
    twin = ChargerTwin(Charger(visits=(visit,)), FixedOffer(offered_a=0.0), clock)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(gateway_world(folder))
        background = await stack.enter_async_context(BackgroundTasks())
        battery, _ = world.devices(SECOND)
        charger = replace(
            battery,
            id=DeviceId(SITE, "v2g"),
            profile="mqtt-v2g-charger",
            connection=MqttConnection(address="car/port"),
            points=POINTS,
            functions=(replace(battery.functions[0], asset=AssetId(SITE, "v2g")),),
        )
        world.sites.change(charger)
        await world.gateway.start()
        await eventually(lambda: "serving on" in world.gateway.log, 60)
        url = f"mqtt://127.0.0.1:{world.broker_port}"
        background.start(V2gChargerTwin(twin, 11_040.0, url, "car/port", SECOND).run())
        yield Drive(world=world, clock=clock, twin=twin)


@pytest.mark.time_limit(120)
async def test_a_vehicle_gives_charges_and_is_charged_once_its_lease_is_over(
    tmp_path: Path,
) -> None:
    async with drive(tmp_path) as there:
        world, clock = there.world, there.clock
        await eventually(lambda: len(world.usage.sessions) == 1, 30)

        await there.tell(-3000.0)
        assert there.twin.look().power_w == -3000.0
        clock.advance(30 * MINUTE)
        await there.shows("active_power_w", -3000.0)
        await there.shows("export_energy_wh", 1500.0, 0.1)
        await there.shows("import_energy_wh", 0.0)
        await there.shows("soc_ratio", 0.5 - 1500 / 0.9 / 60_000, 1e-3)
        discharging = charging_pb2.CHARGING_SESSION_STATE_DISCHARGING
        await eventually(lambda: there.session().state == discharging, 30)

        told = await there.tell(5000.0)
        assert there.twin.look().power_w == 5000.0
        clock.advance(12 * MINUTE)
        await there.shows("active_power_w", 5000.0)
        await there.shows("import_energy_wh", 1000.0, 0.1)
        await there.shows("export_energy_wh", 1500.0, 0.1)

        # Withdrawn: it is read back in its safe state.
        world.control.cancel(told, NAME)
        await world.control.wait_for(told, State.COMMAND_STATE_CANCELLED)
        await eventually(lambda: there.twin.look().power_w == SAFE_POWER_W, 30)

        # Nobody is there any more to end it: it does by itself.
        await there.tell(-3000.0, 20 * MINUTE)
        before_wh = there.twin.look().state.export_wh
        await world.gateway.kill()
        clock.advance(HOUR)
        look = there.twin.look()
        assert look.power_w == SAFE_POWER_W
        assert look.state.export_wh - before_wh == pytest.approx(1000.0, abs=10.0)

        clock.advance(8 * HOUR)
        await world.gateway.start()
        ended = charging_pb2.CHARGING_SESSION_STATE_ENDED
        await eventually(lambda: there.session().state == ended, 60)
        state, session = there.twin.look().state, there.session()
        assert session.discharged_energy_wh == pytest.approx(state.export_wh, abs=0.1)
        assert session.charged_energy_wh == pytest.approx(state.import_wh, abs=0.1)
