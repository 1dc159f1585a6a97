"""Who is at the charge points, for the view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh.usage.v1 import charging_pb2, usage_service_pb2
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors

_MEDIAN = 0.5
_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Vehicle:
    """A vehicle at a charge point; energies [Wh] and power [W] are None where not known.

    `declared`: its driver has said until when; else `leave_time` is what is expected.
    """

    charge_point: str
    asset: str
    soc_ratio: float | None
    charged_wh: float | None
    required_wh: float | None
    leave_time: datetime | None
    declared: bool
    takes: bool


async def vehicles_at(
    clients: MeshClients, sites: Sequence[WatchedSite], span: TimeRange
) -> list[Vehicle]:
    """Return the vehicles that are there over `span`, by site and charge point."""
    found: list[Vehicle] = []
    for site in sites:
        if not site.charge_points:
            continue
        request = usage_service_pb2.ListChargingSessionsRequest(
            parent=f"{site.id.name}/assets/-", range=time_range_to_proto(span)
        )
        with rpc_errors():
            answer = await clients.usage.ListChargingSessions(request, timeout=2)
        there = [each for each in answer.charging_sessions if not each.HasField("departure_time")]
        needs = await _needs(clients, there)
        found += sorted(
            (_vehicle(site, each, needs.get(each.name)) for each in there),
            key=lambda each: each.charge_point,
        )
    return found


async def _needs(
    clients: MeshClients, sessions: Sequence[charging_pb2.ChargingSession]
) -> Mapping[str, charging_pb2.ChargingNeed]:
    needs = {}
    for session in sessions:
        if session.charging_need:
            request = usage_service_pb2.GetChargingNeedRequest(name=session.charging_need)
            with rpc_errors():
                answer = await clients.usage.GetChargingNeed(request, timeout=2)
            needs[session.name] = answer.charging_need
    return needs


def _vehicle(
    site: WatchedSite,
    session: charging_pb2.ChargingSession,
    need: charging_pb2.ChargingNeed | None,
) -> Vehicle:
    segments = session.name.split("/")
    required_wh: float | None = None
    if need is not None and need.WhichOneof("target") == "energy_wh":
        required_wh = need.energy_wh
    elif need is None and session.HasField("expectation"):
        required_wh = session.expectation.required_energy_wh
    suspended = charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE
    return Vehicle(
        charge_point=f"{site.display_name} {segments[3]}",
        asset="/".join(segments[:4]),
        soc_ratio=session.soc_ratio if session.HasField("soc_ratio") else None,
        charged_wh=session.charged_energy_wh if session.HasField("charged_energy_wh") else None,
        required_wh=required_wh,
        leave_time=_leave_time(session, need),
        declared=need is not None,
        takes=session.state != suspended,
    )


def _leave_time(
    session: charging_pb2.ChargingSession, need: charging_pb2.ChargingNeed | None
) -> datetime | None:
    if need is not None:
        return datetime_from_proto(need.departure_time)
    quantiles = session.expectation.departure_quantiles
    median = (each.departure_time for each in quantiles if each.ratio >= _MEDIAN)
    found = next(median, None)
    return None if found is None else datetime_from_proto(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSessions:
    """Sessions that usage has stored, and of the needs of their drivers how many were met."""

    sessions: int = 0
    met: int = 0
    missed: int = 0


async def kept_sessions(
    clients: MeshClients, sites: Sequence[WatchedSite], span: TimeRange
) -> KeptSessions:
    """Return what usage has stored of the sessions that ended in a span. Error: WattmeshError."""
    found: list[charging_pb2.ChargingSession] = []
    for site in (each for each in sites if each.charge_points):
        request = usage_service_pb2.ListChargingSessionsRequest(
            parent=f"{site.id.name}/assets/-", range=time_range_to_proto(span), page_size=_PAGE
        )
        while True:
            with rpc_errors():
                answer = await clients.usage.ListChargingSessions(request, timeout=5)
            found += answer.charging_sessions
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
    ended = [each for each in found if _ended_in(each, span)]
    states = [need.state for need in (await _needs(clients, ended)).values()]
    return KeptSessions(
        sessions=len(ended),
        met=states.count(charging_pb2.CHARGING_NEED_STATE_MET),
        missed=states.count(charging_pb2.CHARGING_NEED_STATE_MISSED),
    )


def _ended_in(session: charging_pb2.ChargingSession, span: TimeRange) -> bool:
    left = session.HasField("departure_time")
    return left and span.contains(datetime_from_proto(session.departure_time))
