"""wattmesh.forecast.v1 ↔ the domain."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import assert_never

from wattmesh.forecast.v1 import forecast_pb2
from wattmesh_contracts.values import (
    duration_from_proto,
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_forecast.app.evaluate import Evaluation
from wattmesh_forecast.app.list_models import ListedModel
from wattmesh_forecast.app.ports import Position
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.input_faults import InputFault
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.labels import Label
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome, Reason
from wattmesh_forecast.domain.training import TrainingOrder
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange

_REASONS = {
    Reason.UNKNOWN_ASSET: forecast_pb2.FORECAST_FAILURE_REASON_UNKNOWN_ASSET,
    Reason.KIND_NOT_FORECAST: forecast_pb2.FORECAST_FAILURE_REASON_KIND_NOT_FORECAST,
    Reason.NO_HISTORY: forecast_pb2.FORECAST_FAILURE_REASON_NO_HISTORY,
    Reason.HISTORY_UNAVAILABLE: forecast_pb2.FORECAST_FAILURE_REASON_HISTORY_UNAVAILABLE,
    Reason.INCOMPLETE_SITE_MODEL: forecast_pb2.FORECAST_FAILURE_REASON_INCOMPLETE_SITE_MODEL,
    Reason.INTERNAL: forecast_pb2.FORECAST_FAILURE_REASON_INTERNAL,
}
_LABELS = {
    None: forecast_pb2.MODEL_LABEL_UNSPECIFIED,
    Label.STABLE: forecast_pb2.MODEL_LABEL_STABLE,
    Label.CANARY: forecast_pb2.MODEL_LABEL_CANARY,
    Label.SHADOW: forecast_pb2.MODEL_LABEL_SHADOW,
}
_KINDS = {
    Kind.LOAD: forecast_pb2.FORECAST_KIND_LOAD,
    Kind.PV: forecast_pb2.FORECAST_KIND_PV,
    Kind.WIND: forecast_pb2.FORECAST_KIND_WIND,
    Kind.OCCUPANCY: forecast_pb2.FORECAST_KIND_OCCUPANCY,
}

_FAULTS = {
    InputFault.SPIKE: forecast_pb2.INPUT_FAULT_SPIKE,
    InputFault.OUTAGE: forecast_pb2.INPUT_FAULT_OUTAGE,
    InputFault.CURTAILED: forecast_pb2.INPUT_FAULT_CURTAILED,
    InputFault.STUCK: forecast_pb2.INPUT_FAULT_STUCK,
}
_REFUSALS = {
    None: forecast_pb2.MODEL_REFUSAL_UNSPECIFIED,
    Refusal.UNAVAILABLE: forecast_pb2.MODEL_REFUSAL_UNAVAILABLE,
    Refusal.MALFORMED: forecast_pb2.MODEL_REFUSAL_MALFORMED,
    Refusal.CROSSING: forecast_pb2.MODEL_REFUSAL_CROSSING,
    Refusal.IMPLAUSIBLE: forecast_pb2.MODEL_REFUSAL_IMPLAUSIBLE,
}


def assets_from_proto(names: Sequence[str]) -> tuple[AssetId, ...]:
    """Return asset ids; InvalidArgument when there are none."""
    if not names:
        raise InvalidArgument("NO_ASSETS", "at least one asset is needed", field="assets")
    return tuple(AssetId.parse(name) for name in names)


def wanted_from_proto(request: forecast_pb2.IssueForecastsRequest) -> Wanted:
    """Return what is asked for."""
    if not request.HasField("resolution"):
        raise InvalidArgument("MISSING_FIELD", "resolution is required", field="resolution")
    return Wanted(
        assets=assets_from_proto(request.assets),
        span=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
        ratios=tuple(request.quantile_ratios),
    )


def is_about_occupancy(request: forecast_pb2.IssueForecastsRequest) -> bool:
    """Return whether occupants are asked for; InvalidArgument for what follows from the asset."""
    if request.kind == forecast_pb2.FORECAST_KIND_UNSPECIFIED:
        return False
    if request.kind != forecast_pb2.FORECAST_KIND_OCCUPANCY:
        raise InvalidArgument(
            "INVALID_KIND", "only occupancy is asked for by its kind", field="kind"
        )
    return True


def forecast_to_proto(forecast: Forecast) -> forecast_pb2.Forecast:
    """Return a forecast as its proto."""
    last = None if forecast.last_measured is None else _timestamp(forecast.last_measured)
    age = None if forecast.input_age is None else _duration(forecast.input_age)
    return forecast_pb2.Forecast(
        name=forecast.name,
        asset=forecast.asset.name,
        kind=_KINDS[forecast.kind],
        issue_time=_timestamp(forecast.issue_time),
        source=forecast.source,
        start_time=_timestamp(forecast.start),
        last_measured_time=last,
        input_age=age,
        input_findings=[
            forecast_pb2.InputFinding(fault=_FAULTS[each.fault], hours=each.hours)
            for each in forecast.findings
        ],
        model_refusal=_REFUSALS[forecast.refusal],
        resolution=_duration(forecast.resolution),
        quantiles=[
            forecast_pb2.Quantile(ratio=ratio, values=values.tolist())
            for ratio, values in zip(forecast.ratios, forecast.power_w, strict=True)
        ],
    )


# The forecasts of one call have their times in common.
_timestamp = lru_cache(maxsize=256)(timestamp_to_proto)
_duration = lru_cache(maxsize=256)(duration_to_proto)


def outcome_to_proto(outcome: Outcome) -> forecast_pb2.AssetForecast:
    """Return what became of an asset's forecast."""
    match outcome:
        case Issued(forecast=forecast):
            return forecast_pb2.AssetForecast(
                asset=forecast.asset.name, forecast=forecast_to_proto(forecast)
            )
        case NotForecast(asset=asset):
            failure = failure_to_proto(outcome)
            return forecast_pb2.AssetForecast(asset=asset.name, failure=failure)
        case _:
            assert_never(outcome)


def failure_to_proto(failure: NotForecast) -> forecast_pb2.ForecastFailure:
    """Return why there is no forecast."""
    return forecast_pb2.ForecastFailure(reason=_REASONS[failure.reason], message=failure.message)


def model_name_from_parent(parent: str) -> str:
    """Return the model of `models/{model}`, "" for all of them; InvalidArgument."""
    found = re.fullmatch(r"models/([a-z0-9_-]+)|", parent)
    if found is None:
        raise InvalidArgument(
            "INVALID_PARENT", f"{parent!r} does not look like models/{{model}}", field="parent"
        )
    return found[1] or ""


def position_from_token(token: str) -> Position | None:
    """Return where the page before ended, None for the first page; InvalidArgument."""
    if not token:
        return None
    try:
        time, name = json.loads(base64.urlsafe_b64decode(token.encode()))
        return Position(datetime.fromisoformat(time), str(name))
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        ) from error


def token_from_position(position: Position | None) -> str:
    """Return the token of the page after a position, empty when there is none."""
    if position is None:
        return ""
    text = json.dumps([position.issue_time.isoformat(), position.name])
    return base64.urlsafe_b64encode(text.encode()).decode()


def evaluation_to_proto(evaluation: Evaluation) -> forecast_pb2.EvaluateForecastsResponse:
    """Return an evaluation; ratios are absent when there was nothing to compare."""
    score = evaluation.score
    return forecast_pb2.EvaluateForecastsResponse(
        wape_ratio=score.wape_ratio,
        naive_wape_ratio=score.naive_wape_ratio,
        coverage_ratio=score.coverage_ratio,
        compared=score.compared,
        forecasts_by_source=dict(evaluation.by_source),
        error_sum_w=score.error_w,
        naive_error_sum_w=score.naive_error_w,
    )


def model_to_proto(listed: ListedModel) -> forecast_pb2.Model:
    """Return a model version as its proto."""
    version = listed.version
    return forecast_pb2.Model(
        name=version.name,
        kind=_KINDS[version.kind],
        train_time=timestamp_to_proto(version.train_time),
        train_range=time_range_to_proto(version.train_range),
        holdout_wape_ratio=version.holdout_wape_ratio,
        holdout_naive_wape_ratio=version.holdout_naive_wape_ratio,
        available=listed.available,
        label=_LABELS[listed.label],
    )


def order_from_proto(request: forecast_pb2.TrainModelRequest) -> TrainingOrder:
    """Return what is to be learnt."""
    return TrainingOrder(
        model=request.model,
        assets=assets_from_proto(request.assets),
        range=time_range_from_proto(request.range, "range"),
        request_id=request.request_id,
    )


def optional_range(
    request: forecast_pb2.ListForecastsRequest,
) -> TimeRange | None:
    """Return the range of issue times, None for all."""
    if not request.HasField("issue_range"):
        return None
    return time_range_from_proto(request.issue_range, "issue_range")
