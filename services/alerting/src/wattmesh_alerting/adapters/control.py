"""What control knows: events of devices, lines to gateways, stops."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta

import grpc

from wattmesh.control.v1 import (
    device_event_pb2,
    execution_pb2,
    execution_pb2_grpc,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.gateway.v1 import gateway_link_pb2_grpc, link_pb2
from wattmesh_alerting.domain.condition import Cleared, Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_PAGE = 1000
_MOST_PAGES = 20
_LOOK_BACK = timedelta(days=7)
_EVENTS: Mapping[int, tuple[Rule, bool]] = {
    device_event_pb2.DEVICE_EVENT_TYPE_OFFLINE: (Rule.DEVICE_OFFLINE, True),
    device_event_pb2.DEVICE_EVENT_TYPE_ONLINE: (Rule.DEVICE_OFFLINE, False),
    device_event_pb2.DEVICE_EVENT_TYPE_SET_ASIDE: (Rule.DEVICE_SET_ASIDE, True),
    device_event_pb2.DEVICE_EVENT_TYPE_TAKEN_UP: (Rule.DEVICE_SET_ASIDE, False),
    device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS: (Rule.COMMAND_WITHOUT_EFFECT, True),
    device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_BACK: (Rule.COMMAND_WITHOUT_EFFECT, False),
    device_event_pb2.DEVICE_EVENT_TYPE_RELEASE_PENDING: (Rule.RELEASE_PENDING, True),
    device_event_pb2.DEVICE_EVENT_TYPE_RELEASED: (Rule.RELEASE_PENDING, False),
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_METER_STALE: (Rule.LOOP_METER_STALE, True),
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_METER_USED: (Rule.LOOP_METER_STALE, False),
}
"""Which rule an event is about, and whether its condition begins or ends."""
_RULES = frozenset(rule for rule, _ in _EVENTS.values())
_TYPES = tuple(device_event_pb2.DeviceEventType.ValueType(each) for each in _EVENTS)


class DeviceEvents:
    """Source: the last week's events say what holds, each further one what changes."""

    name = "what happens to devices"

    def __init__(self, channel: grpc.aio.Channel, view: SiteModelView, clock: Clock) -> None:
        self._stub = execution_pb2_grpc.ExecutionServiceStub(channel)
        self._view = view
        self._clock = clock

    async def news(self) -> AsyncIterator[News]:
        """Yield what holds, then what changes. Error: Unavailable."""
        parent = "sites/-/devices/-"
        with rpc_errors():
            watch = self._stub.WatchDeviceEvents(
                execution_pb2.WatchDeviceEventsRequest(parent=parent)
            )
            await watch.initial_metadata()
            yield survey(_RULES, await self._holding(parent), self._clock.now())
            async for response in watch:
                found = self._of_event(response.event)
                if found is not None:
                    yield found

    async def _holding(self, parent: str) -> list[Condition]:
        """Return what the newest event of each device and rule says."""
        now = self._clock.now()
        span = TimeRange(now - _LOOK_BACK, now + timedelta(minutes=1))
        request = execution_pb2.ListDeviceEventsRequest(
            parent=parent, range=time_range_to_proto(span), types=_TYPES, page_size=_PAGE
        )
        newest = dict[tuple[Rule, str], Condition | Cleared]()
        for _ in range(_MOST_PAGES):
            answer = await self._stub.ListDeviceEvents(request)
            for event in answer.events:
                found = self._of_event(event)
                if found is not None:
                    newest.setdefault(found.key, found)
            request.page_token = answer.next_page_token
            if not request.page_token:
                break
        return [each for each in newest.values() if isinstance(each, Condition)]

    def _of_event(self, event: device_event_pb2.DeviceEvent) -> Condition | Cleared | None:
        if event.type not in _EVENTS:
            return None
        rule, begins = _EVENTS[event.type]
        since = datetime_from_proto(event.event_time, "event_time")
        if not begins:
            return Cleared(rule=rule, subject=event.device, since=since)
        device = DeviceId.parse(event.device)
        known = self._view.model.devices.get(device)
        return Condition(
            rule=rule,
            subject=event.device,
            since=since,
            site=device.site,
            gateway=None if known is None else known.gateway,
            description=event.message,
            links=(event.command,) if event.command else (),
        )


class GatewayLines:
    """Looks at the lines to gateways and at their clocks."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._clock = clock

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        lines = list[link_pb2.GatewayLink]()
        request = link_pb2.ListGatewayLinksRequest(page_size=_PAGE)
        with rpc_errors():
            while True:
                answer = await self._stub.ListGatewayLinks(request)
                lines += answer.gateway_links
                request.page_token = answer.next_page_token
                if not request.page_token:
                    break
        conditions = [found for line in lines for found in _of_line(line)]
        return [survey((Rule.GATEWAY_LOST, Rule.CLOCK_OFF), conditions, self._clock.now())]


def _of_line(line: link_pb2.GatewayLink) -> Iterable[Condition]:
    gateway = GatewayId.parse(line.gateway)
    if not line.connected:
        yield Condition(
            rule=Rule.GATEWAY_LOST,
            subject=line.gateway,
            since=datetime_from_proto(line.change_time, "change_time"),
            gateway=gateway,
            description="it has hung up, or nothing is heard of it",
            links=(line.name,),
        )
    elif line.clock_skew.state in (link_pb2.CLOCK_STATE_OFF, link_pb2.CLOCK_STATE_REFUSED):
        yield Condition(
            rule=Rule.CLOCK_OFF,
            subject=line.gateway,
            since=datetime_from_proto(line.clock_skew.compare_time, "compare_time"),
            gateway=gateway,
            description=line.clock_skew.message,
            value=line.clock_skew.skew.ToTimedelta().total_seconds(),
            unit="s",
            links=(line.name,),
        )


class Stops:
    """Looks at what people have stopped."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = operator_pb2_grpc.OperatorServiceStub(channel)
        self._clock = clock

    async def __call__(self) -> list[News]:
        """Return what holds by them. Error: Unavailable."""
        with rpc_errors():
            answer = await self._stub.ListHolds(hold_pb2.ListHoldsRequest(page_size=_PAGE))
        conditions = [
            Condition(
                rule=Rule.STOPPED,
                subject=hold.subject,
                since=datetime_from_proto(hold.create_time, "create_time"),
                site=_site(hold.subject),
                description=f"by {hold.owner}: {hold.reason}",
                links=(hold.name,),
            )
            for hold in answer.holds
            if hold.kind == hold_pb2.HOLD_KIND_STOP and hold.in_force
        ]
        return [survey((Rule.STOPPED,), conditions, self._clock.now())]


def _site(subject: str) -> SiteId | None:
    """Return the site that a site or one of its devices belongs to; None of a group."""
    parts = subject.split("/")
    return SiteId(parts[1]) if parts[0] == "sites" else None
