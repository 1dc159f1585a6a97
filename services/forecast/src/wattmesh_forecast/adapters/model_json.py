"""What is known of a model version, as JSON: beside the version, and from the job that made it."""

from datetime import datetime
from typing import Any

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.time import TimeRange

_RATIOS = ("holdout_wape_ratio", "holdout_seasonal_wape_ratio", "holdout_naive_wape_ratio")


def model_to_json(model: ModelVersion) -> dict[str, Any]:
    """Return a version as a JSON object."""
    return {
        "model": model.model,
        "version": model.version,
        "kind": model.kind.value,
        "train_time": model.train_time.isoformat(),
        "train_start": model.train_range.start.isoformat(),
        "train_end": model.train_range.end.isoformat(),
        "fingerprint": model.fingerprint,
        **{name: getattr(model, name) for name in _RATIOS},
    }


def model_from_json(json: dict[str, Any]) -> ModelVersion:
    """Return the version behind a JSON object; KeyError or ValueError when it is none."""
    return ModelVersion(
        model=str(json["model"]),
        version=int(json["version"]),
        kind=Kind(json["kind"]),
        train_time=datetime.fromisoformat(json["train_time"]),
        train_range=TimeRange(
            datetime.fromisoformat(json["train_start"]), datetime.fromisoformat(json["train_end"])
        ),
        fingerprint=str(json["fingerprint"]),
        **{name: float(json[name]) for name in _RATIOS},
    )
