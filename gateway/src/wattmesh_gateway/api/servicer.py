"""GatewayService."""

import grpc

from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_gateway.api.convert import (
    device_from_parent,
    page_to_proto,
    profile_name_from_proto,
    profile_to_proto,
    quarantine_page_to_proto,
    quarantine_position_from_token,
    quarantined_to_proto,
    replayed_to_proto,
    status_to_proto,
    telegram_number_from_name,
)
from wattmesh_gateway.app.quarantine import QuarantinedTelegrams
from wattmesh_gateway.app.tell_profiles import TellProfiles
from wattmesh_gateway.app.tell_status import TellStatus


class GatewayServicer(gateway_pb2_grpc.GatewayServiceServicer):
    """Tells what the gateway counted, holds and talks to, and how."""

    def __init__(
        self,
        tell_status: TellStatus,
        tell_profiles: TellProfiles,
        quarantine: QuarantinedTelegrams,
    ) -> None:
        self._tell_status = tell_status
        self._tell_profiles = tell_profiles
        self._quarantine = quarantine

    async def GetGatewayStatus(  # noqa: N802 (the name in the contract)
        self,
        request: gateway_pb2.GetGatewayStatusRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.GetGatewayStatusRequest, gateway_pb2.GetGatewayStatusResponse
        ],
    ) -> gateway_pb2.GetGatewayStatusResponse:
        """Return counters, spool and devices."""
        return status_to_proto(await self._tell_status.tell())

    async def GetDeviceProfile(  # noqa: N802
        self,
        request: gateway_pb2.GetDeviceProfileRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.GetDeviceProfileRequest, gateway_pb2.GetDeviceProfileResponse
        ],
    ) -> gateway_pb2.GetDeviceProfileResponse:
        """Return one device profile."""
        profile = self._tell_profiles.get(profile_name_from_proto(request.name))
        return gateway_pb2.GetDeviceProfileResponse(device_profile=profile_to_proto(profile))

    async def ListDeviceProfiles(  # noqa: N802
        self,
        request: gateway_pb2.ListDeviceProfilesRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.ListDeviceProfilesRequest, gateway_pb2.ListDeviceProfilesResponse
        ],
    ) -> gateway_pb2.ListDeviceProfilesResponse:
        """List the device profiles by name."""
        return page_to_proto(self._tell_profiles.list(request.page_size, request.page_token))

    async def GetQuarantinedTelegram(  # noqa: N802
        self,
        request: gateway_pb2.GetQuarantinedTelegramRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.GetQuarantinedTelegramRequest,
            gateway_pb2.GetQuarantinedTelegramResponse,
        ],
    ) -> gateway_pb2.GetQuarantinedTelegramResponse:
        """Return one telegram that was set aside."""
        found = await self._quarantine.get(telegram_number_from_name(request.name))
        return gateway_pb2.GetQuarantinedTelegramResponse(
            quarantined_telegram=quarantined_to_proto(found)
        )

    async def ListQuarantinedTelegrams(  # noqa: N802
        self,
        request: gateway_pb2.ListQuarantinedTelegramsRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.ListQuarantinedTelegramsRequest,
            gateway_pb2.ListQuarantinedTelegramsResponse,
        ],
    ) -> gateway_pb2.ListQuarantinedTelegramsResponse:
        """List telegrams that were set aside."""
        device = device_from_parent(request.parent)
        after = quarantine_position_from_token(request.page_token)
        return quarantine_page_to_proto(
            await self._quarantine.page(device, after, request.page_size)
        )

    async def ReplayQuarantinedTelegrams(  # noqa: N802
        self,
        request: gateway_pb2.ReplayQuarantinedTelegramsRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.ReplayQuarantinedTelegramsRequest,
            gateway_pb2.ReplayQuarantinedTelegramsResponse,
        ],
    ) -> gateway_pb2.ReplayQuarantinedTelegramsResponse:
        """Read again what was set aside."""
        return replayed_to_proto(await self._quarantine.replay(device_from_parent(request.parent)))
