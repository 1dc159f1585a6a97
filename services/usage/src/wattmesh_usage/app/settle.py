"""Which need a session is charged by, what became of the need, and what is expected of both."""

from dataclasses import replace

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import SiteId
from wattmesh_usage.app.ports import Change, Zones
from wattmesh_usage.domain.departures import NewStay
from wattmesh_usage.domain.expectation import expectation, is_outgrown
from wattmesh_usage.domain.needs import ChargingNeed, NeedState, chosen
from wattmesh_usage.domain.sessions import ChargingSession, sated_energy_wh

_MOST_PAST_STAYS = 1000


class Settle:
    """Brings sessions and needs of a site together, within a change."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    async def session(
        self, change: Change, session: ChargingSession, before: ChargingSession | None
    ) -> ChargingSession:
        """Return a session with its vehicle, need and expectation; its need is kept as it is now.

        Error: FailedPrecondition `SESSION_OVERLAPS` when another vehicle was there at that time.
        """
        await _check_alone(change, session)
        session = await _identified(change, session)
        session = replace(session, sated_energy_wh=sated_energy_wh(session, before))
        need = await _need_of(change, session)
        if need is not None:
            after = need.after(session)
            session = replace(session, need=need.id)
            if after != need:
                await change.put(after)
        if session.ended or not _is_news(session, before):
            return session
        return await self._expected(change, session, need)

    async def needs(self, change: Change, site: SiteId) -> None:
        """Have every session of a site look again for its need."""
        for session in await change.open_sessions(site):
            freed = session
            if session.need is not None:
                kept = await change.find(session.need.name)
                if kept is None or _is_cancelled(kept.resource):
                    freed = replace(session, need=None)
            need = await _need_of(change, freed)
            if need is None and freed == session:
                continue
            if need is not None:
                after = need.after(session)
                freed = replace(freed, need=need.id)
                if after != need:
                    await change.put(after)
            await change.put(await self._expected(change, freed, need))

    async def _expected(
        self, change: Change, session: ChargingSession, need: ChargingNeed | None
    ) -> ChargingSession:
        """Return a session with what past ones of its site let expect of it."""
        stay = NewStay(
            vehicle="" if session.vehicle is None else session.vehicle.name,
            arrival_time=session.arrival_time,
            declared_time=None if need is None else need.departure_time,
        )
        past = await change.past_stays(session.id.site, _MOST_PAST_STAYS)
        zone = self._zones.zone(session.id.site)
        known = expectation(stay, past, zone, session.charged_energy_wh)
        return replace(session, expectation=known)


async def _check_alone(change: Change, session: ChargingSession) -> None:
    for other in await change.sessions_of(session.id.asset, session.arrival_time):
        if session.overlaps(other):
            raise FailedPrecondition(
                "SESSION_OVERLAPS", f"{other.id} is at the charge point at that time"
            )


async def _identified(change: Change, session: ChargingSession) -> ChargingSession:
    """Return a session with the vehicle that its token belongs to."""
    if session.vehicle is not None or not session.token:
        return session
    vehicle = await change.vehicle_with(session.token)
    return session if vehicle is None else replace(session, vehicle=vehicle.id)


async def _need_of(change: Change, session: ChargingSession) -> ChargingNeed | None:
    """Return the need that a session is charged by: the one it has, or the best that is free."""
    if session.need is not None:
        kept = await change.find(session.need.name)
        return kept.resource if kept and isinstance(kept.resource, ChargingNeed) else None
    needs = await change.open_needs(session.id.site)
    return chosen([each for each in needs if each.state is NeedState.WAITING], session)


def _is_cancelled(resource: object) -> bool:
    return isinstance(resource, ChargingNeed) and resource.state is NeedState.CANCELLED


def _is_news(session: ChargingSession, before: ChargingSession | None) -> bool:
    """Return whether something has come up by which more is expected."""
    if before is None or session.expectation is None or is_outgrown(session):
        return True
    return (session.vehicle, session.need) != (before.vehicle, before.need)
