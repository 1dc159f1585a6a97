"""Nodes and conductors of sites and groups in the optimizer's problem, with what they may bear.

Beside what the site model says of them that is what events and owners let flow through them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.sites import Node
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.events import GridEvent, LimitTerms, Values
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.owners_limits import OwnersLimit

_ANY_W = 1e9
"""More than any node bears [W]."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One of the limits per interval of a point, and who lets how much through there [W]."""

    name: str
    of_event: Callable[[LimitTerms], tuple[float, ...]]
    of_owner: Callable[[OwnersLimit], float | None]


_WHOLE = (
    _Column("max_import_powers_w", lambda e: e.max_import_w, lambda o: o.max_import_w),
    _Column("max_export_powers_w", lambda e: e.max_export_w, lambda o: o.max_export_w),
)
_CONDUCTORS = (
    _Column(
        "max_phase_import_powers_w", lambda e: e.max_phase_import_w, lambda o: o.max_phase_import_w
    ),
    _Column(
        "max_phase_export_powers_w", lambda e: e.max_phase_export_w, lambda o: o.max_phase_export_w
    ),
)


def nodes_to_proto(
    owner: str, nodes: Sequence[Node], inputs: PlanInputs
) -> Iterator[problem_pb2.Node]:
    """Yield the nodes of a site or group, `owner`, each within what it bears and what is asked."""
    for node in nodes:
        message = _node(node)
        for column, lowest_w in _limited(owner, node.id, (*_WHOLE, *_CONDUCTORS), inputs):
            getattr(message.limits, column).extend(lowest_w)
        yield message


def limit_connection(message: problem_pb2.Site, inputs: PlanInputs) -> None:
    """Add what events and owners let flow through each conductor of a site's grid connection.

    What they let through it as a whole is a limit of each by itself.
    """
    for column, lowest_w in _limited(message.name, "", _CONDUCTORS, inputs):
        getattr(message.connection_limits, column).extend(lowest_w)


def limit_group(message: problem_pb2.SiteGroup, inputs: PlanInputs) -> None:
    """Add what events and owners let flow through each conductor that a group's sites share."""
    for column, lowest_w in _limited(message.name, "", _CONDUCTORS, inputs):
        getattr(message.limits, column).extend(lowest_w)


def _limited(
    owner: str, node: str, columns: Sequence[_Column], inputs: PlanInputs
) -> Iterator[tuple[str, list[float]]]:
    """Yield the columns of which anybody says anything at a node, "" the owner's connection."""
    asked = _asked(owner, node, inputs)
    owners = [each for each in inputs.limits if (each.subject, each.node) == (owner, node)]
    for column in columns:
        let_w = _columns(asked, inputs, column.of_event) + _held(owners, inputs, column.of_owner)
        if let_w:
            yield column.name, _lowest(let_w)


_Asked = Sequence[tuple[GridEvent, LimitTerms]]


def _asked(owner: str, node: str, inputs: PlanInputs) -> _Asked:
    return [
        (each, each.terms)
        for each in inputs.events
        if isinstance(each.terms, LimitTerms) and (each.subject, each.terms.node) == (owner, node)
    ]


def _columns(
    asked: _Asked, inputs: PlanInputs, values_of: Callable[[LimitTerms], tuple[float, ...]]
) -> list[Values]:
    return [
        event.at_most(values, inputs.target, inputs.resolution)
        for event, terms in asked
        if (values := values_of(terms))
    ]


def _held(
    limits: Sequence[OwnersLimit],
    inputs: PlanInputs,
    value_of: Callable[[OwnersLimit], float | None],
) -> list[Values]:
    """Return what owners allow in each interval [W]; inf where a limit does not hold."""
    intervals = [
        TimeRange.of(start, inputs.resolution) for start in inputs.target.starts(inputs.resolution)
    ]
    found = []
    for limit in limits:
        value, span = value_of(limit), limit.within(inputs.target)
        if value is not None and span is not None:
            holds = [each.intersect(span) is not None for each in intervals]
            found.append(np.where(holds, value, np.inf))
    return found


def _lowest(columns: Sequence[Values]) -> list[float]:
    """Return the least of what is allowed in each interval [W]."""
    least: Values = np.minimum(np.min(columns, axis=0), _ANY_W)
    return [float(each) for each in least]


def _node(node: Node) -> problem_pb2.Node:
    return problem_pb2.Node(
        id=node.id,
        parent_id=node.parent_id,
        limits=problem_pb2.PowerLimits(
            max_import_power_w=node.max_import_power_w,
            max_export_power_w=node.max_export_power_w,
            max_phase_import_power_w=node.max_phase_import_power_w,
            max_phase_export_power_w=node.max_phase_export_power_w,
        ),
        import_efficiency_ratio=node.import_efficiency_ratio,
        export_efficiency_ratio=node.export_efficiency_ratio,
        display_name=node.display_name,
    )
