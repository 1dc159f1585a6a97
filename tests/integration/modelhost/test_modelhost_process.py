import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.fakes.eventually import within
from tests.fakes.modelhost_process import ModelHostProcess
from wattmesh_forecast.adapters.serving_protos import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    types_pb2,
)

from tensorflow_serving.apis import get_model_metadata_pb2, model_management_pb2  # isort: skip

pytestmark = pytest.mark.time_limit(180)

TINY = Path(__file__).parents[2] / "fakes" / "tiny_model.py"


@pytest.fixture(scope="session")
def tiny_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two complete versions that are not served yet: version 1 doubles, version 2 triples."""
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, TINY, folder, "2", "3"], check=True, capture_output=True)
    return folder


class Models:
    """A folder in which versions appear."""

    def __init__(self, folder: Path, ready: Path) -> None:
        self.folder = folder
        self._ready = ready

    def publish(self, version: int) -> None:
        being_written = self.folder / "tiny" / f".new-{version}"
        shutil.copytree(self._ready / str(version), being_written)
        being_written.rename(self.folder / "tiny" / str(version))


@pytest.fixture
def models(tmp_path: Path, tiny_versions: Path) -> Models:
    return Models(tmp_path, tiny_versions)


def request(
    model: str = "tiny",
    *,
    version: int | None = None,
    signature: str = "",
    name: str = "x",
    shape: tuple[int, ...] = (1, 2),
) -> Any:
    asked = predict_pb2.PredictRequest()
    asked.model_spec.name = model
    asked.model_spec.signature_name = signature
    if version is not None:
        asked.model_spec.version.value = version
    tensor = asked.inputs[name]
    tensor.dtype = types_pb2.DT_FLOAT
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = np.full(shape, 10, dtype=np.float32).tobytes()
    return asked


def answer(response: Any) -> list[float]:
    return list(np.frombuffer(response.outputs["y"].tensor_content, dtype=np.float32))


async def until(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    async with within(20):
        while await ask() != wanted:
            await asyncio.sleep(0.05)


async def check_states(channel: grpc.aio.Channel) -> None:
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "tiny"
    status = model_service_pb2_grpc.ModelServiceStub(channel)

    states = (await status.GetModelStatus(asked)).model_version_status

    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(s.version, s.state) for s in states] == [(2, available), (1, available)]


async def check_metadata(predictions: Any) -> None:
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "tiny"

    metadata = (await predictions.GetModelMetadata(asked)).metadata["signature_def"]

    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert metadata.Unpack(signatures)
    x = signatures.signature_def["serving_default"].inputs["x"]
    assert (x.name, x.dtype) == ("serving_default_x:0", types_pb2.DT_FLOAT)
    assert [dim.size for dim in x.tensor_shape.dim] == [-1, 2]


async def check_refusals(predictions: Any, channel: grpc.aio.Channel) -> None:
    for wrong, code, words in (
        (request("nope"), "NOT_FOUND", "Servable not found for request: Latest(nope)"),
        (request(version=7), "NOT_FOUND", "Servable not found for request: Specific(tiny, 7)"),
        (request(signature="s"), "FAILED_PRECONDITION", 'Serving signature key "s" not found.'),
        (request(name="z"), "INVALID_ARGUMENT", "Sent extra: {z} but missing: {x}."),
        (request(shape=(1, 3)), "INVALID_ARGUMENT", "input x has the shape [1, 3]"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await predictions.Predict(wrong)
        assert caught.value.code().name == code
        assert words in str(caught.value.details())

    reload = model_management_pb2.ReloadConfigRequest()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(reload)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_real_savedmodel_is_served_a_new_version_taken_up_and_mistakes_answered(
    models: Models,
) -> None:
    async with (
        ModelHostProcess(models.folder) as host,
        grpc.aio.insecure_channel(host.target) as channel,
    ):
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        async def newest() -> object:
            try:
                return (await predictions.Predict(request())).model_spec.version.value
            except grpc.aio.AioRpcError as error:
                return error.code()

        models.publish(1)
        await until(newest, 1)
        assert answer(await predictions.Predict(request())) == [20, 20]
        models.publish(2)
        await until(newest, 2)
        assert answer(await predictions.Predict(request())) == [30, 30]
        assert answer(await predictions.Predict(request(version=1))) == [20, 20]

        await check_states(channel)
        await check_metadata(predictions)
        await check_refusals(predictions, channel)
        assert await host.terminate() == 0
