"""What commands effected and when devices were away, from control."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import grpc

from wattmesh.control.v1 import (
    control_pb2,
    control_pb2_grpc,
    device_event_pb2,
    effect_pb2,
    execution_pb2,
    execution_pb2_grpc,
)
from wattmesh_analytics.domain.operation_indicators import (
    CommandOutcome,
    Effect,
    Outage,
    outages_of,
)
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors

_PAGE = 1000
_LOOK_BACK = timedelta(days=7)
"""What happened before says how a device stood when a span begins."""
_TAKEN = (control_pb2.COMMAND_STATE_APPLIED, control_pb2.COMMAND_STATE_VERIFIED)
_EFFECTS: Mapping[int, Effect] = {
    effect_pb2.EFFECT_CONFIRMED: Effect.CONFIRMED,
    effect_pb2.EFFECT_PARTIAL: Effect.PARTIAL,
    effect_pb2.EFFECT_NONE: Effect.INEFFECTIVE,
    effect_pb2.EFFECT_CONTRARY: Effect.INEFFECTIVE,
}
_EVENTS: Mapping[int, tuple[str, bool]] = {
    device_event_pb2.DEVICE_EVENT_TYPE_OFFLINE: ("offline", False),
    device_event_pb2.DEVICE_EVENT_TYPE_ONLINE: ("offline", True),
    device_event_pb2.DEVICE_EVENT_TYPE_SET_ASIDE: ("set aside", False),
    device_event_pb2.DEVICE_EVENT_TYPE_TAKEN_UP: ("set aside", True),
}
"""What an event is about, and whether it ends it."""


class GrpcControlled:
    """Asks control for commands and events of a site's devices."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._commands = control_pb2_grpc.ControlServiceStub(channel)
        self._execution = execution_pb2_grpc.ExecutionServiceStub(channel)

    async def commands(self, site: SiteId, span: TimeRange) -> Sequence[CommandOutcome]:
        """Return the commands to a site's devices that begin in a span and were taken."""
        request = control_pb2.ListCommandsRequest(
            parent=f"{site.name}/devices/-",
            start_range=time_range_to_proto(span),
            states=_TAKEN,
            page_size=_PAGE,
        )
        found = list[CommandOutcome]()
        while True:
            with rpc_errors():
                answer = await self._commands.ListCommands(request)
            found += [
                CommandOutcome(
                    start=datetime_from_proto(each.range.start_time, "range"),
                    effect=_EFFECTS.get(each.effect_verdict.effect, Effect.UNKNOWN),
                    device=DeviceId.parse(each.device),
                )
                for each in answer.commands
            ]
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found

    async def outages(self, site: SiteId, span: TimeRange) -> Sequence[Outage]:
        """Return when a site's devices could not be reached, or were left out of control."""
        before = TimeRange(span.start - _LOOK_BACK, span.end)
        request = execution_pb2.ListDeviceEventsRequest(
            parent=f"{site.name}/devices/-",
            range=time_range_to_proto(before),
            types=[device_event_pb2.DeviceEventType.ValueType(each) for each in _EVENTS],
            page_size=_PAGE,
        )
        events = list[tuple[datetime, DeviceId, object, bool]]()
        while True:
            with rpc_errors():
                answer = await self._execution.ListDeviceEvents(request)
            for each in answer.events:
                kind, back = _EVENTS[each.type]
                time = datetime_from_proto(each.event_time, "event_time")
                events.append((time, DeviceId.parse(each.device), kind, back))
            request.page_token = answer.next_page_token
            if not request.page_token:
                # Control tells the newest first; of one instant the later word counts.
                return outages_of(events[::-1], span.end)
