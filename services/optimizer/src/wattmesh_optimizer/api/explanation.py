"""Explanations and violations to their protos."""

from wattmesh.optimizer.v1 import optimizer_pb2, plan_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_optimizer.domain.plan import AssetExplanation, Explanation, Violation


def explanation_to_proto(explanation: Explanation) -> plan_pb2.Explanation:
    """Return an explanation as its proto."""
    return plan_pb2.Explanation(
        sites=[
            plan_pb2.SiteExplanation(site_name=name, energy_values_per_kwh=values.tolist())
            for name, values in explanation.energy_values_per_kwh.items()
        ],
        assets=[_asset(asset) for asset in explanation.assets],
        binding_constraints=[
            plan_pb2.BindingConstraint(
                subject=each.subject,
                constraint=each.constraint,
                intervals=each.intervals.tolist(),
                values_per_kwh=each.values_per_kwh.tolist(),
                total_value=each.total_value,
                message=each.message,
            )
            for each in explanation.binding_constraints
        ],
        marginal_values=[
            plan_pb2.MarginalValue(
                subject=each.subject,
                quantity=each.quantity,
                unit=each.unit,
                value_per_unit=each.value_per_unit,
            )
            for each in explanation.marginal_values
        ],
    )


def _asset(asset: AssetExplanation) -> plan_pb2.AssetExplanation:
    stored = asset.stored_values_per_kwh
    return plan_pb2.AssetExplanation(
        asset_name=asset.name,
        reasons=[reason.value for reason in asset.reasons],  # type: ignore[misc]
        stored_values_per_kwh=[] if stored is None else stored.tolist(),
    )


def violation_to_proto(violation: Violation) -> optimizer_pb2.Violation:
    """Return a violation as its proto."""
    return optimizer_pb2.Violation(
        subject=violation.subject,
        constraint=violation.constraint,
        time=timestamp_to_proto(violation.time),
        asked=violation.asked,
        possible=violation.possible,
        unit=violation.unit,
        physical=violation.physical,
        message=violation.message,
    )
