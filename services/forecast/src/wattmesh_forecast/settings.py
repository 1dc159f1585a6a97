"""Settings of forecast."""

from pathlib import Path

from pydantic import Field

from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_runtime.settings import ServiceSettings


class ForecastSettings(ServiceSettings):
    """What forecast is told by its environment, besides what every service is."""

    database_url: str
    """PostgreSQL; the schema `forecast` is forecast's own."""
    metering_target: str
    """Where metering serves; history and site model come from there."""
    model_server_target: str
    """Where TensorFlow Serving (or the local model host) serves."""
    models_directory: Path
    """Base folder of `<model>/<version>/`, which the model server reads as well."""
    model_signing_key_file: Path | None = None
    """Ed25519 key as PEM with which versions are vouched for; None: they are not."""
    model_server_timeout_seconds: float = Field(default=0.7, gt=0)
    """How long a model may take to answer before the seasonal forecast does [s of wall time]."""
    model_server_retry_seconds: float = Field(default=1.0, gt=0)
    """How often a model that was away is looked for [s of wall time]."""
    site_model_file: Path | None = None
    """Where the last known site model is kept for the next start; None: nowhere."""
    retrain_days: float = Field(default=7, ge=0)
    """How often models are trained anew [days of the mesh's clock]; 0: only when it is ordered."""
    weather_url: str | None = None
    """Base URL of a weather service in Open-Meteo's shape; None: forecasts know no weather."""
    warm_up_assets: int = Field(default=200, ge=0)
    """The past of assets that appear, at the start all of them, is read ahead for so many."""


class TrainingSettings(ServiceSettings):
    """What a training job is told by its environment."""

    metering_target: str
    """Where metering serves."""
    models_directory: Path
    """Where the version is written."""
    model_signing_key_file: Path | None = None
    """Ed25519 key as PEM with which it is vouched for; None: it is not."""
    training_members: int = Field(default=TrainingConfig().members, ge=1)
    """How many networks are trained and averaged; each takes its time."""
    training_threads: int = Field(default=2, ge=1)
    """Processor threads TensorFlow may use."""
