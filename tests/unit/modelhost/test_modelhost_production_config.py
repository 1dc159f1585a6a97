"""What production's TensorFlow Serving is told must fit what is trained."""

from pathlib import Path

from google.protobuf import text_format

from wattmesh_forecast.adapters import serving_protos  # the bare package first
from wattmesh_forecast.domain.kinds import MODELLED

CONFIG = Path(__file__).parents[3] / "deploy" / "tf-serving" / "models.config"


def test_the_configuration_serves_every_model_with_three_versions() -> None:
    assert serving_protos.predict_pb2
    from tensorflow_serving.config import model_server_config_pb2

    config = text_format.Parse(
        CONFIG.read_text("utf-8"), model_server_config_pb2.ModelServerConfig()
    )
    models = config.model_config_list.config

    assert {model.name: model.base_path for model in models} == {
        kind.value: f"/models/{kind.value}" for kind in MODELLED
    }
    assert all(model.model_version_policy.latest.num_versions == 3 for model in models)
