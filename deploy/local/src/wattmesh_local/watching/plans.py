"""What was planned, what was not and why, and what the plans had to do without."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime

from wattmesh.planner.v1 import planner_pb2
from wattmesh_contracts.values import time_range_from_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_local.running.pacing import Planned
from wattmesh_local.watching.accounts import INTERVAL
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_PAGE = 1000


async def plans_in(clients: MeshClients, span: TimeRange) -> AsyncIterator[planner_pb2.Plan]:
    """Give every plan whose first interval begins in `span`, without problem and solution."""
    token = ""
    while True:
        request = planner_pb2.ListPlansRequest(
            page_size=_PAGE, page_token=token, start_range=time_range_to_proto(span)
        )
        with rpc_errors():
            page = await clients.planner.ListPlans(request)
        for plan in page.plans:
            yield plan
        if not (token := page.next_page_token):
            return


async def scopes(clients: MeshClients) -> list[planner_pb2.Scope]:
    """Return every site and group that is planned, or is not and why, by name."""
    found, token = list[planner_pb2.Scope](), ""
    while True:
        request = planner_pb2.ListScopesRequest(page_size=_PAGE, page_token=token)
        with rpc_errors():
            page = await clients.planner.ListScopes(request, timeout=2)
        found += page.scopes
        if not (token := page.next_page_token):
            return found


def count_degradations(plans: Iterable[planner_pb2.Plan]) -> Mapping[str, int]:
    """Return how often what was not known and why, as `topic/reason`, the most frequent first."""
    counted = Counter(degradation_kind(each) for plan in plans for each in plan.degradations)
    return dict(counted.most_common())


def degradation_kind(degradation: planner_pb2.Degradation) -> str:
    """Return `topic/reason` of a degradation, e.g. `state/never_reported`."""
    topic = planner_pb2.FactTopic.Name(degradation.topic).removeprefix("FACT_TOPIC_")
    reason = planner_pb2.DegradationReason.Name(degradation.reason)
    return f"{topic}/{reason.removeprefix('DEGRADATION_REASON_')}".lower()


def scope_state(scope: planner_pb2.Scope) -> str:
    """Return the state of a scope in words, e.g. `planned`."""
    name = planner_pb2.ScopeState.Name(scope.state).removeprefix("SCOPE_STATE_")
    return name.lower().replace("_", " ")


class PlansMade:
    """What is planned for an interval, as the pace of a run follows it."""

    def __init__(self, clients: MeshClients) -> None:
        self._clients = clients

    async def planned(self, start: datetime) -> Planned:
        """Return what is planned for the hour from `start` on.

        How long plans took is said of those as well that vehicles prompted in the hour before.
        """
        span = TimeRange(start - INTERVAL, start + INTERVAL)
        every = [plan async for plan in plans_in(self._clients, span)]
        made = [plan for plan in every if plan.HasField("accept_time")]
        wanted = [
            each.name
            for each in await scopes(self._clients)
            if each.state == planner_pb2.SCOPE_STATE_PLANNED
        ]
        took = (plan.accept_time.ToDatetime() - plan.issue_time.ToDatetime() for plan in made)
        there = {
            plan.scope for plan in made if time_range_from_proto(plan.target_range).start == start
        }
        return Planned(complete=bool(wanted) and there.issuperset(wanted), took=tuple(took))
