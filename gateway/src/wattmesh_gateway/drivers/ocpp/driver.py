"""The OCPP driver: which device is which connector of which charge point."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from wattmesh_gateway.app.ports import Driver, OpenedDevice
from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.ocpp.central_system import CentralSystem
from wattmesh_gateway.drivers.ocpp.charge_point import ChargePoint, Keeping
from wattmesh_gateway.drivers.ocpp.device import OcppDevice
from wattmesh_gateway.drivers.ocpp.ledger import Ledger
from wattmesh_gateway.drivers.ocpp.profile import OcppProfile
from wattmesh_gateway.drivers.ocpp.settings import OcppSettings
from wattmesh_kernel.sites import Device, OcppConnection


class OcppDriver:
    """Opens the connectors of charge points."""

    def __init__(
        self, points: dict[str, ChargePoint], keeping: Keeping, system: CentralSystem
    ) -> None:
        self._points = points
        self._keeping = keeping
        self._system = system

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Return a connector that is heard once it is listened to; ProfileError if not on OCPP."""
        match device.connection, profile:
            case OcppConnection() as connection, OcppProfile():
                point = self._point(connection.charge_point_id)
                opened = OcppDevice(
                    *(device, connection, profile, point, self._keeping.clock),
                    begin=partial(self._begin, point),
                )
                return OpenedDevice(
                    listens=opened, sets=opened, close=partial(self._close, point, opened)
                )
            case _:
                raise ProfileError(f"{device.connection} and {profile.name!r} are not for OCPP")

    async def wait_ready(self, within_seconds: float) -> bool:
        """Wait until charge points may dial in, but not longer; say if they may."""
        return await self._system.wait_until_serving(within_seconds)

    def _point(self, id_: str) -> ChargePoint:
        return self._points.setdefault(id_, ChargePoint(id_, self._keeping))

    def _begin(self, point: ChargePoint, device: OcppDevice) -> None:
        self._points[point.id] = point
        point.add(device)
        self._system.wanted()

    def _close(self, point: ChargePoint, device: OcppDevice) -> None:
        point.discard(device)
        if not point.devices and self._points.get(point.id) is point:
            del self._points[point.id]
            point.hang_up()


class NoOcppDriver:
    """Stands where no address is set on which charge points may dial in."""

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Say so: ProfileError."""
        raise ProfileError("no address is set on which charge points may dial in")

    async def wait_ready(self, within_seconds: float) -> bool:
        """Return at once: nothing is said to it."""
        return True


@asynccontextmanager
async def start_ocpp(settings: OcppSettings, surroundings: Surroundings) -> AsyncIterator[Driver]:
    """Start a central system, if there is an address for it; its ledger lies beside the spool."""
    if not settings.ocpp_listen_address:
        yield NoOcppDriver()
        return
    points: dict[str, ChargePoint] = {}
    async with AsyncExitStack() as stack:
        clock = surroundings.clock
        path = surroundings.spool_file.with_suffix(".ocpp")
        ledger = await stack.enter_async_context(Ledger(path, clock.now()))
        keeping = Keeping(
            inbox=surroundings.inbox,
            sessions=surroundings.sessions,
            ledger=ledger,
            clock=clock,
            background=surroundings.background,
            tokens=settings.ocpp_tokens,
        )
        system = CentralSystem(settings, points)
        serving = surroundings.background.start(system.run())
        stack.push_async_callback(surroundings.background.stop, serving)
        yield OcppDriver(points, keeping, system)
