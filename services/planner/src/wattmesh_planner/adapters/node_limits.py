"""Nodes of a site or group in the optimizer's problem, with what events let flow through them."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.sites import Node
from wattmesh_planner.domain.events import GridEvent, LimitTerms, Values
from wattmesh_planner.domain.inputs import PlanInputs

_ANY_W = 1e9
"""More than any node bears [W]."""


def nodes_to_proto(
    owner: str, nodes: Sequence[Node], inputs: PlanInputs
) -> Iterator[problem_pb2.Node]:
    """Yield the nodes of a site or group, `owner`, each within what it bears and what is asked."""
    for node in nodes:
        message = _node(node)
        limits, asked = message.limits, _asked(owner, node.id, inputs)
        limits.max_import_powers_w.extend(_least(asked, inputs, lambda each: each.max_import_w))
        limits.max_export_powers_w.extend(_least(asked, inputs, lambda each: each.max_export_w))
        _limit_conductors(limits, asked, inputs)
        yield message


def limit_connection(message: problem_pb2.Site, inputs: PlanInputs) -> None:
    """Add what events let flow through each single conductor of a site's grid connection.

    What they let through it as a whole is a limit of each event by itself.
    """
    asked = _asked(message.name, "", inputs)
    if any(t.max_phase_import_w or t.max_phase_export_w for _, t in asked):
        _limit_conductors(message.connection_limits, asked, inputs)


_Asked = Sequence[tuple[GridEvent, LimitTerms]]


def _asked(owner: str, node: str, inputs: PlanInputs) -> _Asked:
    return [
        (each, each.terms)
        for each in inputs.events
        if isinstance(each.terms, LimitTerms) and (each.subject, each.terms.node) == (owner, node)
    ]


def _limit_conductors(limits: problem_pb2.PowerLimits, asked: _Asked, inputs: PlanInputs) -> None:
    into = _least(asked, inputs, lambda each: each.max_phase_import_w)
    out = _least(asked, inputs, lambda each: each.max_phase_export_w)
    limits.max_phase_import_powers_w.extend(into)
    limits.max_phase_export_powers_w.extend(out)


def _least(
    asked: _Asked, inputs: PlanInputs, values_of: Callable[[LimitTerms], tuple[float, ...]]
) -> list[float]:
    """Return the least of what events allow in each interval [W]; empty: they say nothing."""
    found: list[Values] = [
        event.at_most(values, inputs.target, inputs.resolution)
        for event, terms in asked
        if (values := values_of(terms))
    ]
    if not found:
        return []
    least: Values = np.minimum(np.min(found, axis=0), _ANY_W)
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
