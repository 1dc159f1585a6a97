"""Trainings as google.longrunning operations."""

from google.longrunning import operations_pb2
from google.rpc import code_pb2

from wattmesh.forecast.v1 import forecast_pb2
from wattmesh_forecast.api.convert import model_to_proto
from wattmesh_forecast.app.list_models import ListedModel
from wattmesh_forecast.domain.training import Training, TrainingState


def operation_to_proto(training: Training) -> operations_pb2.Operation:
    """Return a training as an operation: running, with its result, or with its error."""
    operation = operations_pb2.Operation(
        name=training.name, done=training.state is not TrainingState.RUNNING
    )
    operation.metadata.Pack(
        forecast_pb2.TrainModelMetadata(
            progress_ratio=training.progress_ratio, stage=training.stage
        )
    )
    if training.state is TrainingState.FAILED:
        operation.error.code = code_pb2.FAILED_PRECONDITION
        operation.error.message = training.error
    if training.result is not None:
        model = model_to_proto(ListedModel(version=training.result, available=False))
        operation.response.Pack(forecast_pb2.TrainModelResult(model=model))
    return operation
