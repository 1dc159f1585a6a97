"""Work that can wait: which run is wanted next, and what is left of it."""

from datetime import datetime, timedelta

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.runs import Run, RunToDo, on_resolution


class DeferrableLoadKind:
    """Does one run at a time, within its window; idle while nobody wants any."""

    needs = Needs(controller=True, wishes=True, run=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[RunToDo | None]:
        """Return what is left of the run that is next; Known(None): nothing is wanted.

        It is assumed to do as told where nothing meters it.
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
        return RunToDo(
            run=run,
            earliest_start=earliest,
            latest_end=latest,
            resolution=resolution,
            profile_w=profile,
            elapsed=elapsed,
            metered_wh=run.used_wh,
        )
    used_wh = run.used_wh if run.used_wh is not None else _told_wh(run, beginning)
    return RunToDo(
        run=run,
        earliest_start=earliest,
        latest_end=latest,
        resolution=resolution,
        energy_wh=max((run.energy_wh or 0.0) - used_wh, 0.0),
        metered_wh=run.used_wh,
    )


def _told_wh(run: Run, beginning: Beginning) -> float:
    """Return what it was told to use since it began [Wh]."""
    if run.began is None:
        return 0.0
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
