"""What may come beside what is expected, as the optimizer's ensemble."""

import numpy as np

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.sites import LoadRating
from wattmesh_planner.domain.inputs import AssetInputs, Floats, PlanInputs


def ensemble_to_proto(inputs: PlanInputs) -> problem_pb2.Ensemble | None:
    """Return the members that the goals ask for; None: none, or none are known.

    An asset of which no members are known comes in each of them as it is expected.
    """
    goals = inputs.scope.goals
    known = [
        (asset, _members_w(asset, members_w))
        for site in inputs.sites
        for asset in site.assets
        if asset.forecast is not None and (members_w := asset.forecast.members_w) is not None
    ]
    if not goals.ensemble_member_count or not known:
        return None
    count = min(goals.ensemble_member_count, *(len(members_w) for _, members_w in known))
    return problem_pb2.Ensemble(
        members=[
            problem_pb2.EnsembleMember(
                powers=[
                    problem_pb2.MemberPowers(asset=asset.asset.name, powers_w=members_w[number])
                    for asset, members_w in known
                ]
            )
            for number in range(count)
        ],
        risk_ratio=goals.risk_ratio or 0.0,
    )


def _members_w(asset: AssetInputs, members_w: Floats) -> Floats:
    """Return what a problem takes of members: generation never consumes there."""
    if isinstance(asset.asset.rating, LoadRating):
        return members_w
    return np.minimum(members_w, 0.0)
