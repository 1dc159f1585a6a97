import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest

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
def tiny_versions(tmp_path_factory):
    """Two complete versions that are not served yet: version 1 doubles, version 2 triples."""
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, TINY, folder, "2", "3"], check=True, capture_output=True)
    return folder


@pytest.fixture
def models(tmp_path, tiny_versions):
    def serve(version):
        shutil.copytree(tiny_versions / str(version), tmp_path / "tiny" / f".new-{version}")
        (tmp_path / "tiny" / f".new-{version}").rename(tmp_path / "tiny" / str(version))

    serve(1)
    serve.folder = tmp_path
    return serve


def request(model="tiny", *, version=None, signature="", name="x", shape=(1, 2)):
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


def answer(response):
    return np.frombuffer(response.outputs["y"].tensor_content, dtype=np.float32).tolist()


async def until(ask, wanted):
    async with asyncio.timeout(20):
        while await ask() != wanted:
            await asyncio.sleep(0.05)


async def check_states(channel):
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "tiny"
    status = model_service_pb2_grpc.ModelServiceStub(channel)

    states = (await status.GetModelStatus(asked)).model_version_status

    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(s.version, s.state) for s in states] == [(2, available), (1, available)]


async def check_metadata(predictions):
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "tiny"

    metadata = (await predictions.GetModelMetadata(asked)).metadata["signature_def"]

    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert metadata.Unpack(signatures)
    x = signatures.signature_def["serving_default"].inputs["x"]
    assert (x.name, x.dtype) == ("serving_default_x:0", types_pb2.DT_FLOAT)
    assert [dim.size for dim in x.tensor_shape.dim] == [-1, 2]


async def check_refusals(predictions, channel):
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
        assert words in caught.value.details()

    reload = model_management_pb2.ReloadConfigRequest()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(reload)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_real_savedmodel_is_served_a_new_version_taken_up_and_mistakes_answered(models):
    async with (
        ModelHostProcess(models.folder) as host,
        grpc.aio.insecure_channel(host.target) as channel,
    ):
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

        async def newest():
            try:
                return (await predictions.Predict(request())).model_spec.version.value
            except grpc.aio.AioRpcError as error:
                return error.code()

        await until(newest, 1)
        assert answer(await predictions.Predict(request())) == [20, 20]
        models(2)
        await until(newest, 2)
        assert answer(await predictions.Predict(request())) == [30, 30]
        assert answer(await predictions.Predict(request(version=1))) == [20, 20]

        await check_states(channel)
        await check_metadata(predictions)
        await check_refusals(predictions, channel)
        assert await host.terminate() == 0
