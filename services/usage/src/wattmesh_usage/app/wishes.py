"""Zone schedules, occupancy and runs: what each kind has of its own."""

from dataclasses import replace
from typing import cast

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import OccupancyId, RunId, ZoneScheduleId
from wattmesh_usage.app.keep import Keep
from wattmesh_usage.app.ports import Change, Records
from wattmesh_usage.domain.records import Kind, Record
from wattmesh_usage.domain.runs import (
    BEGUN,
    DeferrableRun,
    RunReport,
    RunState,
    expired,
    reported,
)
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule


class KeepZoneSchedules(Keep[ZoneSchedule]):
    """Zone schedules."""

    def __init__(self, records: Records) -> None:
        super().__init__(Kind.ZONE_SCHEDULE, ZoneScheduleId.parse, records)


class KeepOccupancies(Keep[Occupancy]):
    """Occupancies, with when they became known."""

    def __init__(self, records: Records, clock: Clock) -> None:
        super().__init__(Kind.OCCUPANCY, OccupancyId.parse, records)
        self._clock = clock

    async def _put(
        self, change: Change, resource: Occupancy, kept: Record[Occupancy] | None
    ) -> Record[Occupancy]:
        known = self._clock.now() if kept is None else kept.resource.create_time
        return cast(Record[Occupancy], await change.put(replace(resource, create_time=known)))


class KeepRuns(Keep[DeferrableRun]):
    """Runs: a final one never changes, one that has begun goes on to its end."""

    def __init__(self, records: Records) -> None:
        super().__init__(Kind.DEFERRABLE_RUN, RunId.parse, records)

    async def delete(self, name: str, *, etag: str = "", allow_missing: bool = False) -> None:
        """Withdraw a run: it stays as cancelled. Of a final one nothing changes.

        Error: FailedPrecondition `RUN_HAS_BEGUN` for one that runs its profile through.
        """
        self._parse(name)
        async with self._records.change() as change:
            kept = await self._found(change, name, etag, allow_missing)
            if kept is None or kept.resource.final:
                return
            if kept.resource.state in BEGUN and kept.resource.profile is not None:
                raise _begun(kept.resource)
            await change.put(replace(kept.resource, state=RunState.CANCELLED))

    async def report(self, name: str, report: RunReport) -> Record[DeferrableRun]:
        """Take what is planned for a run and metered of it. Errors: NotFound; `RUN_IS_FINAL`."""
        self._parse(name)
        async with self._records.change() as change:
            kept = await self._found(change, name, "", False)
            assert kept is not None, "NotFound was raised"
            after = reported(kept.resource, report)
            if after == kept.resource:
                return kept
            return cast(Record[DeferrableRun], await change.put(after))

    async def _put(
        self, change: Change, resource: DeferrableRun, kept: Record[DeferrableRun] | None
    ) -> Record[DeferrableRun]:
        if kept is not None and kept.resource.final:
            state = kept.resource.state.value
            raise FailedPrecondition("RUN_IS_FINAL", f"{kept.name} is {state} and never changes")
        if kept is not None and kept.resource.state in BEGUN:
            raise _begun(kept.resource)
        return cast(Record[DeferrableRun], await change.put(resource))


class ExpireRuns:
    """Ends the runs whose window has ended."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def __call__(self) -> None:
        """End them now."""
        async with self._records.change() as change:
            for run in await change.runs_until(self._clock.now()):
                await change.put(expired(run))


def _begun(run: DeferrableRun) -> FailedPrecondition:
    return FailedPrecondition("RUN_HAS_BEGUN", f"{run.id} has begun and goes on to its end")
