"""The home of the planner's tests, of which the grid asks something for two hours."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from tests.fakes.planner_home import HOME, HOUR, START
from tests.fakes.planner_world import world_of_a_home
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_kernel.programme_ids import EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.events import GridEvent, Terms
from wattmesh_planner.domain.inputs import PlanInputs

EVENING = START + 5 * HOUR
SPAN = TimeRange.of(EVENING, 2 * HOUR)


def asked(
    terms: Terms, name: str = "e1", *, priority: int = 0, step: timedelta = HOUR
) -> GridEvent:
    """Something that is asked of the home for two hours; a reduction below 3 kW."""
    return GridEvent(
        id=ParticipationId(EventId(ProgrammeId("street"), name), "home-1"),
        subject=HOME.name,
        span=SPAN,
        step=step,
        priority=priority,
        terms=terms,
        baseline_w=Series.filled(SPAN, step, 3_000.0),
    )


async def inputs(*events: GridEvent) -> PlanInputs:
    world = await world_of_a_home()
    await world.plan()
    return replace(world.asked, events=events)


def net_w(plan: plan_pb2.Plan) -> list[float]:
    (site,) = plan.sites
    net = np.array(site.import_powers_w) - np.array(site.export_powers_w)
    return [float(each) for each in net[5:7]]
