"""What the grid asks, from demand response: followed, and kept in memory."""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import grpc

from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2 as service_pb2,
)
from wattmesh.demandresponse.v1 import (
    demand_response_service_pb2_grpc,
    event_pb2,
    programme_pb2,
)
from wattmesh_contracts.values import (
    duration_from_proto,
    money_to_proto,
    series_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound, WattmeshError
from wattmesh_kernel.ids import GroupId, PlanId, SiteId
from wattmesh_kernel.programme_ids import ParticipationId
from wattmesh_kernel.series import Series
from wattmesh_planner.domain.events import (
    GridEvent,
    LimitTerms,
    PriceTerms,
    Promise,
    ReductionTerms,
    ReserveTerms,
    Terms,
)
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_log = logging.getLogger(__name__)

_TAKES_PART = (
    event_pb2.PARTICIPATION_STATE_OPTED_IN,
    event_pb2.PARTICIPATION_STATE_COMMITTED,
)
_OVER = (event_pb2.EVENT_STATE_COMPLETED, event_pb2.EVENT_STATE_CANCELLED)
_BASELINE_AGE = timedelta(minutes=15)
"""How long a baseline is believed: the day before an event moves it."""


class GrpcGridEvents:
    """Follows events and participations, and again whenever the stream breaks."""

    def __init__(
        self, channel: grpc.aio.Channel, view: SiteModelView, clock: Clock, deadline_seconds: float
    ) -> None:
        self._stub = demand_response_service_pb2_grpc.DemandResponseServiceStub(channel)
        self._view = view
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._loss = LossLog(_log, "the stream of grid events")
        self._lost_since: datetime | None = None
        self._events: dict[str, event_pb2.Event] = {}
        self._parts: dict[str, event_pb2.Participation] = {}
        self._programmes: dict[str, programme_pb2.Programme] = {}
        self._enrolments: dict[str, programme_pb2.Enrolment] = {}
        self._baselines: dict[tuple[ParticipationId, bytes], tuple[datetime, Series]] = {}

    async def sites(self) -> AsyncIterator[SiteId]:
        """Yield each site of which something else is asked than before, for ever."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            try:
                with rpc_errors():
                    async for news in self._stub.WatchEvents(
                        service_pb2.WatchEventsRequest(parent="programmes/-")
                    ):
                        self._loss.back()
                        backoff.reset()
                        self._lost_since = None
                        for site in await self._take(news):
                            yield site
            except WattmeshError as error:
                self._loss.lost(error)
                self._lost_since = self._lost_since or self._clock.now()
            await backoff.wait()

    def of(self, subjects: Collection[str]) -> Sequence[GridEvent]:
        """Return the events, not over yet, that sites or groups take part in."""
        found = (self._event_of(each) for each in self._parts.values())
        return [each for each in found if each is not None and each.subject in subjects]

    def lost_for(self) -> timedelta | None:
        """Return for how long nobody has told anything; None: what is known is up to date."""
        return None if self._lost_since is None else self._clock.now() - self._lost_since

    async def baseline_w(self, event: GridEvent) -> Series:
        """Return what a reduction is counted against [W], asked anew every quarter of an hour."""
        programme = self._programmes[event.id.event.programme.name]
        request = service_pb2.ComputeBaselineRequest(
            subject=event.subject,
            baseline=programme.baseline,
            range=time_range_to_proto(event.span),
        )
        key = (event.id, request.SerializeToString(deterministic=True))
        kept = self._baselines.get(key)
        if kept is None or self._clock.now() - kept[0] > _BASELINE_AGE:
            with rpc_errors():
                answer = await self._stub.ComputeBaseline(request, timeout=self._deadline_seconds)
            series = series_from_proto(answer.power_w)
            if not series.resolution % event.step or not event.step % series.resolution:
                series = _on(series, event)
            kept = self._baselines[key] = (self._clock.now(), series)
        return kept[1]

    async def commit(self, promise: Promise, plan: PlanId) -> None:
        """Say what a plan promises."""
        commitment = event_pb2.EventCommitment(
            plan=plan.name,
            baseline_powers_w=promise.baseline_w,
            committed_powers_w=promise.committed_w,
            confidence_ratio=promise.confidence_ratio,
        )
        commitment.up_powers_w.extend(promise.up_w)
        commitment.down_powers_w.extend(promise.down_w)
        for each in promise.sites:
            commitment.sites.add(
                site=each.site,
                planned_powers_w=each.planned_w,
                up_powers_w=each.up_w,
                down_powers_w=each.down_w,
            )
        if promise.expected_cost is not None:
            commitment.expected_cost.CopyFrom(money_to_proto(promise.expected_cost))
        if promise.expected_payment is not None:
            commitment.expected_payment.CopyFrom(money_to_proto(promise.expected_payment))
        request = service_pb2.CommitParticipationRequest(
            name=promise.event.name, commitment=commitment
        )
        with rpc_errors():
            await self._stub.CommitParticipation(request, timeout=self._deadline_seconds)

    async def _take(self, news: service_pb2.WatchEventsResponse) -> set[SiteId]:
        """Keep what is told; return the sites of which something else is asked now."""
        named = {each.name for each in news.events}
        touched = {name for name, part in self._parts.items() if _event_name(part.name) in named}
        touched |= {each.name for each in news.participations}
        before = {name: self._asked(name) for name in touched}
        for event in news.events:
            self._events[event.name] = event
            await self._know_programme(event)
        for part in news.participations:
            self._parts[part.name] = part
            await self._know_enrolment(part)
        changed = [name for name in touched if self._asked(name) != before[name]]
        subjects = {self._subject(name) for name in changed}
        self._forget_what_is_over()
        return {site for subject in subjects for site in self._sites_of(subject)}

    def _asked(self, name: str) -> GridEvent | None:
        part = self._parts.get(name)
        return None if part is None else self._event_of(part)

    def _event_of(self, part: event_pb2.Participation) -> GridEvent | None:
        event = self._events.get(_event_name(part.name))
        enrolment = self._enrolments.get(part.enrolment)
        if event is None or enrolment is None or part.state not in _TAKES_PART:
            return None
        span = time_range_from_proto(event.range)
        if event.state in _OVER or span.end <= self._clock.now():
            return None
        programme = self._programmes[event.name.partition("/events/")[0]]
        return GridEvent(
            id=ParticipationId.parse(part.name),
            subject=enrolment.subject,
            span=span,
            step=(
                duration_from_proto(event.resolution)
                if event.HasField("resolution")
                else span.duration
            ),
            priority=event.priority,
            terms=_terms(event, programme, enrolment, part, begun=span.start <= self._clock.now()),
        )

    async def _know_programme(self, event: event_pb2.Event) -> None:
        name = event.name.partition("/events/")[0]
        request = service_pb2.GetProgrammeRequest(name=name)
        try:
            with rpc_errors():
                answer = await self._stub.GetProgramme(request, timeout=self._deadline_seconds)
        except NotFound:  # it was deleted: its last event goes on by its rules
            self._programmes.setdefault(name, programme_pb2.Programme(name=name))
            return
        self._programmes[name] = answer.programme

    async def _know_enrolment(self, part: event_pb2.Participation) -> None:
        request = service_pb2.GetEnrolmentRequest(name=part.enrolment)
        try:
            with rpc_errors():
                answer = await self._stub.GetEnrolment(request, timeout=self._deadline_seconds)
        except NotFound:
            return
        self._enrolments[part.enrolment] = answer.enrolment

    def _subject(self, name: str) -> str:
        part = self._parts.get(name)
        enrolment = None if part is None else self._enrolments.get(part.enrolment)
        return "" if enrolment is None else enrolment.subject

    def _sites_of(self, subject: str) -> Iterable[SiteId]:
        if subject.startswith("groups/"):
            group = self._view.model.groups.get(GroupId.parse(subject))
            return () if group is None else group.sites[:1]
        return (SiteId.parse(subject),) if subject else ()

    def _forget_what_is_over(self) -> None:
        over = {name for name, event in self._events.items() if event.state in _OVER}
        for name in over:
            del self._events[name]
        self._parts = {
            name: part for name, part in self._parts.items() if _event_name(name) not in over
        }
        kept = {self._parts[name].name for name in self._parts}
        self._baselines = {
            key: value for key, value in self._baselines.items() if key[0].name in kept
        }


def _terms(
    event: event_pb2.Event,
    programme: programme_pb2.Programme,
    enrolment: programme_pb2.Enrolment,
    part: event_pb2.Participation,
    *,
    begun: bool,
) -> Terms:
    """Return what is asked. Once a reduction has begun, what was promised and is missing costs.

    Of a reserve that has begun what was promised is held, before that what is asked and offered.
    """
    most_w = enrolment.max_power_w if enrolment.HasField("max_power_w") else None
    match event.WhichOneof("kind"):
        case "limit":
            return LimitTerms(
                max_import_w=tuple(event.limit.max_import_powers_w),
                max_export_w=tuple(event.limit.max_export_powers_w),
                max_phase_import_w=tuple(event.limit.max_phase_import_powers_w),
                max_phase_export_w=tuple(event.limit.max_phase_export_powers_w),
                node=event.limit.node,
            )
        case "price":
            return PriceTerms(
                import_per_kwh=tuple(event.price.import_prices_per_kwh),
                export_per_kwh=tuple(event.price.export_prices_per_kwh),
                additional=event.price.additional,
            )
        case "reserve":
            held = part.commitment if begun else event.reserve
            return ReserveTerms(
                up_w=_offered(held.up_powers_w, most_w),
                down_w=_offered(held.down_powers_w, most_w),
                activation=duration_from_proto(programme.activation_duration),
                price_per_kw_hour=programme.payment.price_per_kw_hour,
                promised=begun,
                test=event.test,
            )
        case _:
            own = event.reduction.HasField("price_per_kwh")
            paid = event.reduction.price_per_kwh if own else programme.payment.price_per_kwh
            owed = programme.payment.penalty_price_per_kwh if begun and not event.test else 0.0
            return ReductionTerms(
                price_per_kwh=paid + owed,
                price_per_kw=programme.payment.price_per_kw,
                test=event.test,
                powers_w=tuple(event.reduction.reduction_powers_w),
                most_power_w=most_w,
            )


def _offered(powers_w: Iterable[float], most_w: float | None) -> tuple[float, ...]:
    return tuple(each if most_w is None else min(each, most_w) for each in powers_w)


def _on(series: Series, event: GridEvent) -> Series:
    """Return a baseline in the event's own intervals."""
    if series.resolution <= event.step:
        each = event.step // series.resolution
        return Series(series.start, event.step, series.values.reshape(-1, each).mean(axis=1))
    return series.to_resolution(event.step)


def _event_name(participation: str) -> str:
    return participation.partition("/participations/")[0]
