"""Ensembles: proto to domain and back."""

import secrets
from collections.abc import Sequence
from typing import assert_never

from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2
from wattmesh_contracts.values import duration_from_proto, time_range_from_proto
from wattmesh_forecast.api.convert import assets_from_proto, failure_to_proto, forecast_to_proto
from wattmesh_forecast.app.issue_ensemble import MemberOutcome, Members
from wattmesh_forecast.domain.ensemble import USUAL_MEMBERS, Draw
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument

_SEED_BITS = 53


def ensemble_wanted(request: ensemble_pb2.IssueEnsembleRequest) -> tuple[Wanted, Draw]:
    """Return what is asked for, and how members are drawn; InvalidArgument."""
    if not request.HasField("resolution"):
        raise InvalidArgument("MISSING_FIELD", "resolution is required", field="resolution")
    wanted = Wanted(
        assets=assets_from_proto(request.assets),
        span=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
        ratios=tuple(request.quantile_ratios),
    )
    seed = request.seed if request.HasField("seed") else secrets.randbits(_SEED_BITS)
    return wanted, Draw(members=request.member_count or USUAL_MEMBERS, seed=seed)


def ensemble_to_proto(
    outcomes: Sequence[MemberOutcome], draw: Draw
) -> forecast_pb2.IssueEnsembleResponse:
    """Return an ensemble as its proto."""
    return forecast_pb2.IssueEnsembleResponse(
        results=map(_asset_to_proto, outcomes), member_count=draw.members, seed=draw.seed
    )


def _asset_to_proto(outcome: MemberOutcome) -> forecast_pb2.AssetEnsemble:
    match outcome:
        case Members(forecast=forecast, power_w=power_w):
            members = forecast_pb2.ForecastMembers(
                forecast=forecast_to_proto(forecast),
                members=[ensemble_pb2.EnsembleMember(values_w=each.tolist()) for each in power_w],
            )
            return forecast_pb2.AssetEnsemble(asset=forecast.asset.name, members=members)
        case NotForecast(asset=asset):
            return forecast_pb2.AssetEnsemble(asset=asset.name, failure=failure_to_proto(outcome))
        case _:
            assert_never(outcome)
