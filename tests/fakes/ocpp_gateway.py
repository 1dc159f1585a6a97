"""The OCPP driver as the gateway runs it, with what comes in kept in lists."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.fakes.gateway_world import free_port
from wattmesh_gateway.app.ports import Driver, OpenedDevice
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.session import ChargingSession
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.ocpp.driver import start_ocpp
from wattmesh_gateway.drivers.ocpp.profile import OcppProfile
from wattmesh_gateway.drivers.ocpp.settings import OcppSettings
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.sites import Device, OcppConnection
from wattmesh_runtime.aio.tasks import BackgroundTasks

CHARGER = DeviceId.parse("sites/office/devices/charger")
POINTS = frozenset(
    {
        "import_energy_wh",
        "active_power_w",
        "active_power_l1_w",
        "current_a",
        "voltage_v",
        "soc_ratio",
        "plugged_in_ratio",
        "session_energy_wh",
    }
)


@dataclass(slots=True)
class Kept:
    """An inbox that keeps everything. `broken`: its disk is."""

    deliveries: list[Delivery] = field(default_factory=list)
    sessions: list[ChargingSession] = field(default_factory=list)
    gone: list[DeviceId] = field(default_factory=list)
    broken: bool = False

    def announce(self, delivery: Delivery) -> None:
        """Wait until it is kept."""

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.deliveries.extend(deliveries)

    def lost(self, device: DeviceId, why: str) -> None:
        self.gone.append(device)

    def dropped(self, origin: str) -> None:
        raise AssertionError(f"{origin}: nothing of charge points is ever dropped")

    @property
    def readings(self) -> list[Reading]:
        return [
            reading
            for delivery in self.deliveries
            for telegram in delivery.telegrams
            for reading in telegram.readings
        ]

    @property
    def problems(self) -> list[str]:
        return [
            problem
            for delivery in self.deliveries
            for telegram in delivery.telegrams
            for problem in telegram.problems
        ]

    def values(self, quantity: str) -> list[float]:
        return [each.value for each in self.readings if each.point.segment == quantity]


class KeptSessions:
    """Keeps sessions where the readings are."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def take(self, sessions: Sequence[ChargingSession]) -> None:
        self._kept.sessions.extend(sessions)


@dataclass(slots=True)
class OcppGateway:
    """A running driver and where charge points dial in."""

    driver: Driver
    kept: Kept
    port: int
    background: BackgroundTasks

    async def open(
        self, id_: str = "cp-1", *, device: DeviceId = CHARGER, profile: OcppProfile | None = None
    ) -> OpenedDevice:
        """Open a connector of a charge point and listen to it."""
        opened = await self.driver.open(charger(id_, device), profile or ocpp_profile())
        assert opened.listens is not None
        opened.listens.begin()
        assert await self.driver.wait_ready(10.0)
        return opened


def charger(id_: str = "cp-1", device: DeviceId = CHARGER) -> Device:
    """Return a device that is connector 1 of a charge point."""
    return Device(
        id=device,
        profile="ocpp-charge-point",
        gateway=GatewayId("test"),
        connection=OcppConnection(charge_point_id=id_),
        reporting_interval=timedelta(minutes=1),
        points=POINTS,
    )


def ocpp_profile() -> OcppProfile:
    """Return a profile with a failsafe of 6 A."""
    return OcppProfile(
        name="test",
        title="test",
        protocol="ocpp",
        source="a test",
        points=POINTS,
        failsafe_current_a=6.0,
    )


@asynccontextmanager
async def ocpp_gateway(folder: Path, **settings: object) -> AsyncIterator[OcppGateway]:
    """A driver that runs until the context ends; its ledger lies in the folder."""
    port = free_port()
    kept = Kept()
    told = OcppSettings(
        ocpp_listen_address=f"127.0.0.1:{port}",
        **{"ocpp_timeout_seconds": 2.0, **settings},  # type: ignore[arg-type]
    )
    async with BackgroundTasks() as background:
        surroundings = Surroundings(
            gateway=GatewayId("test"),
            clock=SystemClock(),
            inbox=kept,
            background=background,
            sessions=KeptSessions(kept),
            spool_file=folder / "spool.sqlite",
        )
        async with start_ocpp(told, surroundings) as driver:
            yield OcppGateway(driver=driver, kept=kept, port=port, background=background)
