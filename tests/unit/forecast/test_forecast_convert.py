from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmesh.forecast.v1 import forecast_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_forecast.api.convert import (
    model_name_from_parent,
    order_from_proto,
    outcome_to_proto,
    position_from_token,
    token_from_position,
    wanted_from_proto,
)
from wattmesh_forecast.api.operations import operation_to_proto
from wattmesh_forecast.app.ports import Position
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.training import Training, TrainingOrder
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange

SPAN = TimeRange.of(datetime(2016, 9, 5, tzinfo=UTC), timedelta(days=1))
LOAD = "sites/home-1/assets/load"


@given(st.datetimes(timezones=st.just(UTC)), st.text())
def test_a_position_survives_its_token(time: datetime, name: str) -> None:
    position = Position(time, name)

    assert position_from_token(token_from_position(position)) == position


def test_there_is_no_token_after_the_last_page() -> None:
    assert token_from_position(None) == ""
    assert position_from_token("") is None


@pytest.mark.parametrize("token", ["x", "bm9uZQ==", "WzEsMl0=", "é"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="page token"):
        position_from_token(token)


def test_a_request_without_resolution_or_range_is_refused() -> None:
    request = forecast_pb2.IssueForecastsRequest(assets=[LOAD], range=time_range_to_proto(SPAN))
    with pytest.raises(InvalidArgument, match="resolution"):
        wanted_from_proto(request)
    request = forecast_pb2.IssueForecastsRequest(assets=[LOAD])
    request.resolution.FromTimedelta(timedelta(hours=1))
    with pytest.raises(InvalidArgument, match="range"):
        wanted_from_proto(request)


def test_an_order_names_model_assets_and_history() -> None:
    order = order_from_proto(
        forecast_pb2.TrainModelRequest(
            model="load", assets=[LOAD], range=time_range_to_proto(SPAN), request_id="r"
        )
    )

    assert order == TrainingOrder(
        model="load", assets=(AssetId.parse(LOAD),), range=SPAN, request_id="r"
    )


def test_every_reason_has_its_name_on_the_wire() -> None:
    said = {
        outcome_to_proto(
            NotForecast(asset=AssetId.parse(LOAD), reason=reason, message="so")
        ).failure.reason
        for reason in Reason
    }

    assert len(said) == len(Reason)
    assert forecast_pb2.FORECAST_FAILURE_REASON_UNSPECIFIED not in said


def test_the_models_to_be_listed_are_all_or_those_of_one_name() -> None:
    assert model_name_from_parent("") == ""
    assert model_name_from_parent("models/load") == "load"
    with pytest.raises(InvalidArgument, match="models/"):
        model_name_from_parent("load")


def test_a_training_is_an_operation_that_runs_and_then_fails_with_its_reason() -> None:
    order = TrainingOrder(model="load", assets=(AssetId.parse(LOAD),), range=SPAN, request_id="r")
    training = Training(name="operations/1", order=order, start_time=SPAN.start)

    running = operation_to_proto(training.at("member 1", 0.25))
    metadata = forecast_pb2.TrainModelMetadata()
    assert not running.done
    assert running.metadata.Unpack(metadata)
    assert (metadata.stage, metadata.progress_ratio) == ("member 1", 0.25)

    failed = operation_to_proto(training.failed("too little history"))
    assert failed.done
    assert failed.error.message == "too little history"
