"""Vehicles, needs and sessions: what each kind has of its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import ChargingNeedId, ChargingSessionId, VehicleId
from wattmesh_usage.app.keep import Keep
from wattmesh_usage.app.ports import Change, Records
from wattmesh_usage.app.settle import Settle
from wattmesh_usage.domain.needs import ChargingNeed, NeedState
from wattmesh_usage.domain.records import Kind, Record
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle


class KeepVehicles(Keep[Vehicle]):
    """Vehicles."""

    def __init__(self, records: Records) -> None:
        super().__init__(Kind.VEHICLE, VehicleId.parse, records)


class KeepNeeds(Keep[ChargingNeed]):
    """Needs: a final one never changes, and each finds its session."""

    def __init__(self, records: Records, settle: Settle) -> None:
        super().__init__(Kind.CHARGING_NEED, ChargingNeedId.parse, records)
        self._settle = settle

    async def delete(self, name: str, *, etag: str = "", allow_missing: bool = False) -> None:
        """Withdraw a need: it stays as cancelled. Of a final one nothing changes."""
        self._parse(name)
        async with self._records.change() as change:
            kept = await self._found(change, name, etag, allow_missing)
            if kept is not None and not kept.resource.final:
                await change.put(replace(kept.resource, state=NeedState.CANCELLED))
                await self._settle.needs(change, kept.resource.id.site)

    async def _put(
        self, change: Change, resource: ChargingNeed, kept: Record[ChargingNeed] | None
    ) -> Record[ChargingNeed]:
        if kept is not None and kept.resource.final:
            state = kept.resource.state.value
            raise FailedPrecondition("NEED_IS_FINAL", f"{kept.name} is {state} and never changes")
        await _check_capacity(change, resource)
        await change.put(resource)
        await self._settle.needs(change, resource.id.site)
        settled = await change.find(resource.id.name)
        assert settled is not None, "it was put"
        return cast(Record[ChargingNeed], settled)


class ReportSessions(Keep[ChargingSession]):
    """Sessions, as charge points report them."""

    def __init__(self, records: Records, settle: Settle) -> None:
        super().__init__(Kind.CHARGING_SESSION, ChargingSessionId.parse, records)
        self._settle = settle

    async def report(
        self,
        name: str,
        merge: Callable[[ChargingSession | None], ChargingSession],
        *,
        etag: str = "",
        allow_missing: bool = False,
    ) -> Record[ChargingSession]:
        """Take a report. One that is older than the stored, or after the end, changes nothing.

        Errors: NotFound; Aborted; FailedPrecondition `SESSION_OVERLAPS`; those of `merge`.
        """

        def newest(kept: ChargingSession | None) -> ChargingSession:
            return kept if kept is not None and kept.ended else _newer(kept, merge(kept))

        return await self.update(name, newest, etag=etag, allow_missing=allow_missing)

    async def _put(
        self, change: Change, resource: ChargingSession, kept: Record[ChargingSession] | None
    ) -> Record[ChargingSession]:
        before = None if kept is None else kept.resource
        settled = await self._settle.session(change, resource, before)
        return cast(Record[ChargingSession], await change.put(settled))


class ExpireNeeds:
    """Ends the needs whose time has come."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def __call__(self) -> None:
        """End them now."""
        async with self._records.change() as change:
            for need in await change.needs_until(self._clock.now()):
                await change.put(need.expired())


def _newer(kept: ChargingSession | None, report: ChargingSession) -> ChargingSession:
    return kept if kept is not None and report.measure_time < kept.measure_time else report


async def _check_capacity(change: Change, need: ChargingNeed) -> None:
    """Refuse a state of charge for a vehicle whose capacity nobody knows."""
    if need.soc_ratio is None or need.vehicle is None:
        return
    kept = await change.find(need.vehicle.name)
    known = kept is not None and isinstance(kept.resource, Vehicle) and kept.resource.capacity_wh
    if not known:
        raise FailedPrecondition(
            "CAPACITY_UNKNOWN", f"the capacity of {need.vehicle} is not known: say the energy"
        )
