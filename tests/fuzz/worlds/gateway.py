"""A gateway with a battery on Modbus, a meter on MQTT, and telegrams in quarantine."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.eventually import eventually
from tests.fakes.gateway_world import GATEWAY, METER, GatewayWorld, gateway_surroundings
from tests.fuzz.contents import Seeds
from tests.fuzz.world import World, unary_seeds
from wattmesh.gateway.v1 import gateway_pb2 as pb
from wattmesh.gateway.v1 import gateway_pb2_grpc
from wattmesh_gateway.settings import GatewaySettings
from wattmesh_gateway.wiring import wire
from wattmesh_runtime.service import Runtime, Service

_SERVICE = "wattmesh.gateway.v1.GatewayService"


class GatewayUnderFuzz(World):
    """The devices and neighbours of a gateway."""

    name: ClassVar[str] = "gateway"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, around: GatewayWorld) -> None:
        self._around = around
        self._quarantined: list[str] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return self._around.settings

    @property
    def settings_type(self) -> type[GatewaySettings]:
        return GatewaySettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have telegrams in quarantine."""
        if self._quarantined:
            return
        stub = gateway_pb2_grpc.GatewayServiceStub(channel)
        await self._around.publish(b"{", b"\xff" * 200, b"[1]")

        async def there() -> bool:
            request = pb.ListQuarantinedTelegramsRequest(page_size=3)
            answer = await stub.ListQuarantinedTelegrams(request, wait_for_ready=True)
            self._quarantined = [each.name for each in answer.quarantined_telegrams]
            return len(self._quarantined) == 3

        await eventually(there, 60)

    def seeds(self, turn: int) -> Seeds:
        return unary_seeds(
            _SERVICE,
            {
                "GetGatewayStatus": [pb.GetGatewayStatusRequest()],
                "GetDeviceProfile": [
                    pb.GetDeviceProfileRequest(name="deviceProfiles/sunspec-battery")
                ],
                "ListDeviceProfiles": [pb.ListDeviceProfilesRequest(page_size=1)],
                "GetQuarantinedTelegram": [
                    pb.GetQuarantinedTelegramRequest(name=name) for name in self._quarantined
                ],
                "ListQuarantinedTelegrams": [
                    pb.ListQuarantinedTelegramsRequest(page_size=1),
                    pb.ListQuarantinedTelegramsRequest(parent=METER, page_size=1),
                ],
                "ReplayQuarantinedTelegrams": [pb.ReplayQuarantinedTelegramsRequest(parent=METER)],
            },
        )

    def words(self, turn: int) -> Sequence[str]:
        return (GATEWAY, METER, "deviceProfiles/mqtt-grid-meter", *self._quarantined)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[GatewayUnderFuzz]:
    """Give the gateway's surroundings."""
    async with gateway_surroundings(folder) as around:
        yield GatewayUnderFuzz(around)
