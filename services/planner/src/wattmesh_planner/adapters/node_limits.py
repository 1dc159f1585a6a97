"""Nodes of a site or group in the optimizer's problem, with what events let flow through them."""

from collections.abc import Iterator, Sequence

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
        asked = [
            event
            for event in inputs.events
            if isinstance(event.terms, LimitTerms)
            and (event.subject, event.terms.node) == (owner, node.id)
        ]
        message.limits.max_import_powers_w.extend(_least(asked, inputs, exported=False))
        message.limits.max_export_powers_w.extend(_least(asked, inputs, exported=True))
        yield message


def _least(events: Sequence[GridEvent], inputs: PlanInputs, *, exported: bool) -> list[float]:
    """Return the least of what events allow in each interval [W]; empty: they say nothing."""
    found: list[Values] = []
    for event in events:
        assert isinstance(event.terms, LimitTerms)
        values = event.terms.max_export_w if exported else event.terms.max_import_w
        if values:
            found.append(event.at_most(values, inputs.target, inputs.resolution))
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
