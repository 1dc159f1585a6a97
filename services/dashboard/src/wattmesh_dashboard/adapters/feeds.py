"""The streams that the picture is fed by: one of each, however many watch."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from wattmesh.alert.v1 import alert_pb2, alert_service_pb2, alert_service_pb2_grpc
from wattmesh.control.v1 import (
    control_pb2,
    control_pb2_grpc,
    execution_pb2,
    execution_pb2_grpc,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_dashboard.app.live import LivePicture
from wattmesh_dashboard.domain.flow import POWER, SOC, Measured
from wattmesh_dashboard.domain.news import News, Topic
from wattmesh_kernel.errors import InvalidArgument, NotFound, WattmeshError
from wattmesh_kernel.ids import DeviceId, PointId, SiteId
from wattmesh_kernel.sites import SiteModel
from wattmesh_runtime.access.reach import sites_named
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.tasks import race, together
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

_ALL_DEVICES = "sites/-/devices/-"


class Feeds:
    """Feeds a picture from the services, each stream by itself: one that breaks leaves the rest."""

    def __init__(
        self,
        picture: LivePicture,
        view: SiteModelView,
        *,
        metering: grpc.aio.Channel,
        planner: grpc.aio.Channel,
        control: grpc.aio.Channel,
        alerting: grpc.aio.Channel,
    ) -> None:
        self._picture = picture
        self._view = view
        self._metering = metering_pb2_grpc.MeteringServiceStub(metering)
        self._planner = planner_pb2_grpc.PlannerServiceStub(planner)
        self._control = control_pb2_grpc.ControlServiceStub(control)
        self._execution = execution_pb2_grpc.ExecutionServiceStub(control)
        self._operator = operator_pb2_grpc.OperatorServiceStub(control)
        self._alerting = alert_service_pb2_grpc.AlertServiceStub(alerting)

    async def run(self) -> None:
        """Feed for ever."""
        await together(
            self._keep("readings", self._readings),
            self._keep("plans", self._plans),
            self._keep("commands", self._commands),
            self._keep("holds", self._holds),
            self._keep("events", self._events),
            self._keep("alerts", self._alerts),
        )

    async def _keep(self, feed: str, stream: Callable[[], AsyncGenerator[None, None]]) -> None:
        """Run a stream for ever: it gives a turn when it flows, and after each of its news."""
        loss, backoff = LossLog(log, f"the stream of {feed}"), Backoff(0.2, 5.0)
        while True:
            try:
                async with aclosing(stream()) as turns:
                    async for _ in turns:
                        loss.back()
                        backoff.reset()
                        self._picture.tell_feed(feed, connected=True)
            except NotFound:
                log.info("%s: what is followed is not there any more", feed)
            except WattmeshError as error:
                loss.lost(error)
                self._picture.tell_feed(feed, connected=False, message=error.message)
            await backoff.wait()

    async def _readings(self) -> AsyncGenerator[None, None]:
        """Follow the points of all sites, for as long as the model has the same."""
        model = await self._view.wait_until(lambda model: bool(model.devices))
        points = _shown_points(model)
        if not points:
            await self._view.wait_until(lambda model: bool(_shown_points(model)))
            return
        request = metering_pb2.WatchReadingsRequest(points=[point.name for point in points])
        with rpc_errors():
            call = self._metering.WatchReadings(request)
            await call.wait_for_connection()
            yield
            news = aiter(call)
            while True:
                changed = self._view.wait_until(lambda now: _shown_points(now) != points)
                answer = await race(_next(news), changed)
                if not isinstance(answer, metering_pb2.WatchReadingsResponse):
                    call.cancel()
                    return
                self._picture.take_readings(_measured(answer))
                yield

    async def _plans(self) -> AsyncGenerator[None, None]:
        """Follow what becomes of plans, whichever planner makes them."""
        with rpc_errors():
            call = self._planner.WatchPlans(planner_pb2.WatchPlansRequest(summaries=True))
            async for answer in _answers(call):
                if answer is not None and answer.HasField("plan"):
                    self._picture.tell([_plan_news(answer.plan)])
                if answer is not None and answer.ended_scopes:
                    self._picture.tell(map(_ended_scope, answer.ended_scopes))
                yield

    async def _commands(self) -> AsyncGenerator[None, None]:
        request = control_pb2.WatchCommandsRequest(parent=_ALL_DEVICES)
        with rpc_errors():
            call = self._control.WatchCommands(request)
            async for answer in _answers(call):
                if answer is not None:
                    self._picture.tell(_command_news(answer.command))
                yield

    async def _holds(self) -> AsyncGenerator[None, None]:
        with rpc_errors():
            call = self._operator.WatchHolds(hold_pb2.WatchHoldsRequest())
            async for answer in _answers(call):
                if answer is not None and answer.HasField("hold"):
                    self._picture.tell([_hold_news(answer.hold, self._view.model)])
                yield

    async def _events(self) -> AsyncGenerator[None, None]:
        request = execution_pb2.WatchDeviceEventsRequest(parent=_ALL_DEVICES)
        with rpc_errors():
            call = self._execution.WatchDeviceEvents(request)
            async for answer in _answers(call):
                if answer is not None:
                    self._picture.tell(_event_news(answer.event))
                yield

    async def _alerts(self) -> AsyncGenerator[None, None]:
        """Follow alerts: those that are not over first. One that ended unheard is over as well."""
        with rpc_errors():
            call = self._alerting.WatchAlerts(alert_service_pb2.WatchAlertsRequest())
            async for answer in _answers(call):
                if answer is None:
                    self._picture.forget(Topic.ALERT)
                elif answer.HasField("alert"):
                    self._picture.tell([_alert_news(answer.alert, self._view.model)])
                yield


async def _answers(call: Any) -> AsyncGenerator[Any, None]:
    """Give None once the stream is taken, then its answers."""
    await call.wait_for_connection()
    yield None
    async for answer in call:
        yield answer


async def _next(news: Any) -> Any:
    return await anext(news)


def _shown_points(model: SiteModel) -> tuple[PointId, ...]:
    """Return the points that flows are made from."""
    found = {
        device.point(quantity)
        for device in model.devices.values()
        for function in device.functions
        if function.meter_role is not None
        for quantity in device.measures(function) & {POWER, SOC}
    }
    return tuple(sorted(found, key=lambda point: point.name))


def _measured(answer: metering_pb2.WatchReadingsResponse) -> dict[PointId, Measured]:
    return {
        PointId.parse(each.point): Measured(each.value, datetime_from_proto(each.measure_time))
        for each in answer.readings
        if each.HasField("value")
    }


def _plan_news(plan: planner_pb2.Plan) -> News:
    content = pb.WatchLiveResponse(plans=[plan]).SerializeToString()
    sites = tuple(SiteId.parse(site) for site in plan.sites)
    return News(topic=Topic.PLAN, key=plan.scope, content=content, sites=sites)


def _ended_scope(scope: str) -> News:
    return News(topic=Topic.PLAN, key=scope, content=b"", over=True)


def _hold_news(hold: hold_pb2.Hold, model: SiteModel) -> News:
    content = pb.WatchLiveResponse(holds=[hold]).SerializeToString()
    return News(
        topic=Topic.HOLD,
        key=hold.name,
        content=content,
        sites=_sites_of(hold, hold.subject, model),
        over=not hold.in_force,
    )


def _alert_news(alert: alert_pb2.Alert, model: SiteModel) -> News:
    content = pb.WatchLiveResponse(alerts=[alert]).SerializeToString()
    over = alert.state == alert_pb2.ALERT_STATE_RESOLVED
    sites = _sites_of(alert, alert.subject, model)
    return News(topic=Topic.ALERT, key=alert.name, content=content, sites=sites, over=over)


def _sites_of(told: Message, subject: str, model: SiteModel) -> tuple[SiteId, ...]:
    """Return every site that something names, or that belongs to the group that it is about."""
    named = set(map(SiteId.parse, sites_named(told)))
    for group in model.groups.values():
        if f"{subject}/".startswith(f"{group.id.name}/"):
            named.update(group.sites)
    return tuple(sorted(named))


def _command_news(command: control_pb2.Command) -> Iterable[News]:
    content = pb.WatchLiveResponse(commands=[command]).SerializeToString()
    return _of_site(Topic.COMMAND, command.name, command.device, content)


def _event_news(event: Any) -> Iterable[News]:
    content = pb.WatchLiveResponse(events=[event]).SerializeToString()
    key = f"{event.device} {event.event_time.ToNanoseconds()} {event.type}"
    return _of_site(Topic.EVENT, key, event.device, content)


def _of_site(topic: Topic, key: str, device: str, content: bytes) -> Iterable[News]:
    try:
        site: SiteId = DeviceId.parse(device).site
    except InvalidArgument:
        return ()
    return (News(topic=topic, key=key, content=content, sites=(site,)),)
