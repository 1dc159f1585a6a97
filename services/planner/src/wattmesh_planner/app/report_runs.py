"""Tell usage what a plan promises for runs, and what was metered of them."""

import logging
from collections.abc import Iterator
from datetime import datetime

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import RunListener
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs
from wattmesh_planner.domain.plan import DeviceSchedule, Plan
from wattmesh_planner.domain.runs import RunNews, RunToDo

_log = logging.getLogger(__name__)


class ReportRuns:
    """Tells usage; what cannot be told now is told with the next plan. None: nobody to tell."""

    def __init__(self, listener: RunListener | None) -> None:
        self._listener = listener

    async def __call__(self, inputs: PlanInputs, plan: Plan) -> None:
        """Tell what a plan that control took has for each run."""
        if self._listener is None:
            return
        for news in run_news(inputs, plan):
            try:
                await self._listener.tell(news)
            except WattmeshError as error:
                _log.warning("%s was not reported: %s", news.run, error.message)


def run_news(inputs: PlanInputs, plan: Plan) -> Iterator[RunNews]:
    """Yield what there is to say of the runs of a plan."""
    schedules = {each.asset: each for each in plan.schedules}
    for site in inputs.sites:
        for asset in site.assets:
            if isinstance(asset.state, RunToDo):
                yield _news(asset, asset.state, schedules.get(asset.asset.id), inputs.issue_time)


def _news(
    asset: AssetInputs, to_do: RunToDo, schedule: DeviceSchedule | None, now: datetime
) -> RunNews:
    run, planned = to_do.run, _planned(schedule)
    if not run.begun:
        state = "requested" if planned is None else "planned"
        return RunNews(run=run.name, state=state, report_time=now, planned=planned)
    began = min(run.began or now, now)
    actual = TimeRange(began, now)
    if to_do.over:
        state = "done"
    else:
        runs = schedule is not None and bool(schedule.values) and bool(schedule.values[0])
        state = "running" if runs and not run.rests else "paused"
    return RunNews(
        run=run.name, state=state, report_time=now, actual=actual, used_wh=to_do.metered_wh
    )


def _planned(schedule: DeviceSchedule | None) -> TimeRange | None:
    """Return from when to when a schedule has its device run; None: never."""
    if schedule is None:
        return None
    on = [index for index, value in enumerate(schedule.values) if value]
    if not on:
        return None
    return TimeRange(
        schedule.start + on[0] * schedule.resolution,
        schedule.start + (on[-1] + 1) * schedule.resolution,
    )
