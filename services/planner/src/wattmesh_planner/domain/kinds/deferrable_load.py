"""Work that can wait: which run is wanted next, and what is left of it."""

from datetime import datetime, timedelta

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.runs import Run, RunToDo, on_resolution

IMPORT = "import_energy_wh"
_FAR_LESS_RATIO = 0.5


class DeferrableLoadKind:
    """Does one run at a time, within its window; idle while nobody wants any."""

    needs = Needs(watched=frozenset({IMPORT}), controller=True, wishes=True, run=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[RunToDo | None]:
        """Return what is left of the run that is next; Known(None): nothing is wanted.

        It is assumed to do as told where nothing meters it, or nothing was heard for a day.
        """
        fact = beginning.wishes
        if isinstance(fact, Missing):
            return fact
        runs = fact.value if isinstance(fact.value, tuple) else ()
        run = _next(runs, beginning.start)
        if run is None:
            return Known(value=None)
        to_do = _left(run, beginning)
        if isinstance(fact, Assumed):
            return Assumed(value=to_do, why=fact.why, age=fact.age)
        metered = beginning.readings.get(IMPORT)
        if metered is not None:
            age = max(beginning.now - metered.measure_time, timedelta(0))
            if age >= beginning.limits.usable:
                why = Why(topic=Topic.STATE, reason=Reason.STALE, detail="energy of the run")
                return Assumed(value=to_do, why=why, age=age)
        if run.begun and run.used_wh is None:
            why = Why(topic=Topic.STATE, reason=Reason.NEVER_REPORTED, detail="energy of the run")
            return Assumed(value=to_do, why=why)
        return Known(value=to_do)


def _next(runs: tuple[Run, ...], start: datetime) -> Run | None:
    """Return the run that goes on, else the promised, the most important, the most urgent one."""
    open_ = [run for run in runs if run.latest_end > start or run.begun]
    return min(
        open_,
        key=lambda run: (
            not run.begun,
            run.planned is None,
            -run.priority,
            run.latest_end,
            run.name,
        ),
        default=None,
    )


def _left(run: Run, beginning: Beginning) -> RunToDo:
    """Return what is left of a run when the plan begins."""
    start, resolution = beginning.start, _resolution(beginning)
    latest = run.latest_end
    if run.planned is not None and not run.begun and run.planned.start > start:
        latest = min(latest, run.planned.end)
    latest = max(latest, start + resolution)
    earliest = max(start, run.earliest_start or start)
    if run.profile_w:
        profile = on_resolution(run.profile_w, run.profile_resolution, resolution)
        elapsed = 0
        if run.begun and run.began is not None:
            elapsed = min(max((start - run.began) // resolution, 1), len(profile))
            elapsed = _by_meter(profile, elapsed, resolution, run.used_wh)
        return RunToDo(
            run=run,
            earliest_start=earliest,
            latest_end=latest,
            resolution=resolution,
            profile_w=profile,
            elapsed=elapsed,
            metered_wh=run.used_wh,
        )
    used_wh = run.used_wh if run.used_wh is not None else _trusted_wh(run, beginning)
    return RunToDo(
        run=run,
        earliest_start=earliest,
        latest_end=latest,
        resolution=resolution,
        energy_wh=max((run.energy_wh or 0.0) - used_wh, 0.0),
        metered_wh=run.used_wh,
    )


def _by_meter(
    profile_w: tuple[float, ...], elapsed: int, resolution: timedelta, used_wh: float | None
) -> int:
    """Return how much of a profile is over: by the clock, unless its meter says far less.

    One that was interrupted, or did not begin with its plug, is not over because its time is: it
    goes on where its energy is. Devices use less than their profile says: half of it will do.
    """
    hours = resolution / timedelta(hours=1)
    if used_wh is None or used_wh >= _FAR_LESS_RATIO * sum(profile_w[:elapsed]) * hours:
        return elapsed
    over, so_far_wh = 0, 0.0
    for power_w in profile_w:
        so_far_wh += power_w * hours
        if so_far_wh > used_wh:
            break
        over += 1
    return max(over, 1)


def _trusted_wh(run: Run, beginning: Beginning) -> float:
    """Return what a run is taken to have used that is not metered [Wh]: as promised, or told."""
    if run.began is None:
        return 0.0
    if not beginning.told and run.planned is not None:
        passed = (beginning.start - run.began) / run.planned.duration
        return (run.energy_wh or 0.0) * min(max(passed, 0.0), 1.0)
    hour = timedelta(hours=1)
    since = run.began
    return sum(
        max(each.power_w, 0.0) * (each.range.duration / hour)
        for each in beginning.told
        if each.range.start >= since and each.range.start < beginning.start
    )


def _resolution(beginning: Beginning) -> timedelta:
    if len(beginning.intervals) < 2:
        return timedelta(hours=1)
    return beginning.intervals[1] - beginning.intervals[0]
