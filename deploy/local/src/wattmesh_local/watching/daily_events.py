"""An event of demand response a day, announced four hours ahead, and what became of them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2, programme_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.event_costs import event_costs
from wattmesh_local.watching.sites import WatchedSite, watched_sites
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_log = logging.getLogger(__name__)

PROGRAMME = "programmes/evening"
BEGINS = timedelta(hours=18)
"""After midnight, on the wall clock of the sites."""
LASTS = timedelta(hours=2)
AHEAD = timedelta(hours=4)
ASKED_W = 1_500.0
"""Of each site."""
_LEAST_NOTICE = AHEAD - timedelta(minutes=45)
"""Simulated time goes on while an event is being called."""
_PRICE_PER_KWH = 0.5
_PENALTY_PER_KWH = 0.5


class DailyEvents:
    """Calls them, by the clock of the run, for all sites that have a grid connection."""

    def __init__(self, clients: MeshClients, clock: Clock, zone: ZoneInfo) -> None:
        self._stub = clients.demandresponse
        self._clock = clock
        self._zone = zone

    async def run(self, view: SiteModelView, days: Iterable[datetime]) -> None:
        """Enrol sites, and call an event on each of the days that begin then.

        Error: WattmeshError when it cannot be called.
        """
        hour = timedelta(hours=1)
        enrolled = False
        for day in days:
            start = _on_wall_clock(day, BEGINS, self._zone)
            await self._clock.sleep_until(start - AHEAD - hour)
            with rpc_errors():
                if not enrolled:
                    await self._enrol(watched_sites(view.model, start))
                    enrolled = True
                await self._clock.sleep_until(start - AHEAD)
                await self._call(start)

    async def run_on(self, view: SiteModelView, days: Iterable[datetime]) -> None:
        """Do so for ever, each day by itself: one on which that fails has no event."""
        for day in days:
            try:
                await self.run(view, (day,))
            except WattmeshError as error:
                _log.warning("no event was called on %s: %s", day.date(), error)

    async def _enrol(self, sites: Sequence[WatchedSite]) -> None:
        programme = programme_pb2.Programme(
            name=PROGRAMME,
            display_name="Evening reduction",
            event_kind=programme_pb2.EVENT_KIND_PAID_REDUCTION,
            notice_duration=duration_to_proto(_LEAST_NOTICE),
            baseline=programme_pb2.Baseline(
                method=programme_pb2.BASELINE_METHOD_HIGH_OF_RECENT_DAYS
            ),
            payment=programme_pb2.ProgrammePayment(
                currency_code=sites[0].currency_code,
                price_per_kwh=_PRICE_PER_KWH,
                penalty_price_per_kwh=_PENALTY_PER_KWH,
            ),
            opt_out_allowed=True,
            time_zone=self._zone.key,
        )
        await self._stub.UpdateProgramme(
            pb.UpdateProgrammeRequest(programme=programme, allow_missing=True)
        )
        for site in sites:
            enrolment = programme_pb2.Enrolment(
                name=f"{PROGRAMME}/enrolments/{site.id.segment}",
                subject=site.id.name,
                start_time=timestamp_to_proto(self._clock.now()),
                opted_in_by_default=True,
            )
            await self._stub.UpdateEnrolment(
                pb.UpdateEnrolmentRequest(enrolment=enrolment, allow_missing=True)
            )

    async def _call(self, start: datetime) -> None:
        hour = timedelta(hours=1)
        event = event_pb2.Event(
            name=f"{PROGRAMME}/events/{start.astimezone(self._zone):%Y-%m-%d}",
            range=time_range_to_proto(TimeRange.of(start, LASTS)),
            resolution=duration_to_proto(hour),
            reduction=event_pb2.EventReduction(reduction_powers_w=[ASKED_W] * (LASTS // hour)),
        )
        await self._stub.CreateEvent(pb.CreateEventRequest(event=event))


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What one site had promised of one event [kWh], what it delivered, and what it is paid.

    `expected_cost`: what keeping the promise costs beside that, by the plan that made it.
    """

    committed_kwh: float
    delivered_kwh: float
    payment: float
    site: str = ""
    missing_intervals: int = 0
    expected_cost: float = 0.0


async def events_content(
    clients: MeshClients, sites: Sequence[WatchedSite], ledger_folder: Path, end: datetime
) -> dict[str, Any]:
    """Return what became of the events, and what they cost, for the report."""
    request = pb.ListParticipationsRequest(parent=f"{PROGRAMME}/events/-", page_size=1000)
    parts = list[event_pb2.Participation]()
    with rpc_errors():
        while True:
            answer = await clients.demandresponse.ListParticipations(request)
            parts.extend(answer.participations)
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
    settled = [each for each in parts if each.HasField("settlement")]
    names = {each.name.partition("/participations/")[0] for each in parts}
    return {
        "called": len(names),
        "participations": len(parts),
        "promised": sum(each.HasField("commitment") for each in parts),
        "settled": len(settled),
        **tally(found := [_delivery(each) for each in settled]),
        "by_site": by_site(found),
        **await event_costs(clients, sites, await _ranges(clients), ledger_folder, end),
    }


async def _ranges(clients: MeshClients) -> list[TimeRange]:
    """Return when events were, as far as they were not called off."""
    request = pb.ListEventsRequest(parent=PROGRAMME, page_size=1000)
    with rpc_errors():
        answer = await clients.demandresponse.ListEvents(request)
    return [
        time_range_from_proto(each.range, "range")
        for each in answer.events
        if each.state != event_pb2.EVENT_STATE_CANCELLED
    ]


def tally(found: Sequence[Delivery]) -> dict[str, float | int | None]:
    """Return committed against delivered energy: how much of it came, and how sure that is.

    `delivered_share`: of what was committed, each participation by itself, so that nobody's surplus
    makes up for what another lacks. `bias_kwh`: mean of delivered less committed.
    `delivered_ratio_p10`: nine tenths of what was promised was promised by those who delivered at
    least that share of it; `delivered_less_committed_kwh_p10`: by how much, of nine of ten
    participations. `paid` is what the programme pays, `expected_cost` what plans spent on it.
    """
    committed = np.array([each.committed_kwh for each in found])
    delivered = np.array([each.delivered_kwh for each in found])
    kept, total = np.clip(delivered, 0.0, committed), float(committed.sum())
    return {
        "committed_kwh": round(total, 3),
        "delivered_kwh": round(float(delivered.sum()), 3),
        "delivered_share": round(float(kept.sum()) / total, 4) if total else None,
        "bias_kwh": round(float((delivered - committed).mean()), 4) if len(found) else None,
        "delivered_ratio_p10": _worst_ratio(committed, delivered, 0.1) if total else None,
        "short_kwh": round(total - float(kept.sum()), 3),
        "delivered_less_committed_kwh_p10": (
            round(float(np.quantile(delivered - committed, 0.1)), 4) if len(found) else None
        ),
        "paid": round(sum(each.payment for each in found), 2),
        "expected_cost": round(sum(each.expected_cost for each in found), 2),
        "missing_intervals": sum(each.missing_intervals for each in found),
    }


def by_site(found: Sequence[Delivery]) -> dict[str, dict[str, float]]:
    """Return what each site had promised, delivered and lacked [kWh], and what it is paid."""
    return {
        site: {
            "committed_kwh": round(sum(each.committed_kwh for each in own), 3),
            "delivered_kwh": round(sum(each.delivered_kwh for each in own), 3),
            "short_kwh": round(
                sum(max(0.0, e.committed_kwh - max(0.0, e.delivered_kwh)) for e in own), 3
            ),
            "paid": round(sum(each.payment for each in own), 2),
        }
        for site in sorted({each.site for each in found})
        for own in [[each for each in found if each.site == site]]
    }


def _worst_ratio(
    committed: NDArray[np.float64], delivered: NDArray[np.float64], part: float
) -> float:
    """Return the ratio of delivered to committed that a part of what is committed is at or below.

    A promise weighs what it is: a watt-hour that was missed by far says little of a programme.
    """
    promised = committed > 0
    ratios, weights = delivered[promised] / committed[promised], committed[promised]
    order = np.argsort(ratios)
    reached = np.cumsum(weights[order]) >= part * weights.sum()
    return round(float(ratios[order][np.argmax(reached)]), 4)


def _delivery(part: event_pb2.Participation) -> Delivery:
    settlement = part.settlement
    return Delivery(
        committed_kwh=float(Decimal(settlement.committed_energy_kwh)),
        delivered_kwh=float(Decimal(settlement.delivered_energy_kwh)),
        payment=float(Decimal(settlement.payment.amount or "0")),
        site=part.name.rpartition("/")[2],
        missing_intervals=settlement.missing_interval_count,
        expected_cost=float(Decimal(part.commitment.expected_cost.amount or "0")),
    )


def _on_wall_clock(midnight: datetime, after: timedelta, zone: ZoneInfo) -> datetime:
    """Return when the wall clock of a day shows a time, through both changes of it."""
    local = midnight.astimezone(zone).replace(tzinfo=None) + after
    return local.replace(tzinfo=zone).astimezone(midnight.tzinfo)
