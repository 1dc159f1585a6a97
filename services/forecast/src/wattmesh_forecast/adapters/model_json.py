"""What is known of a model version, as JSON: beside the version, and from the job that made it."""

from typing import Any

from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_runtime.documents import DocumentCodec

_DOCUMENTS = DocumentCodec[ModelVersion](ModelVersion)


def model_to_json(model: ModelVersion) -> dict[str, Any]:
    """Return a version as a JSON object."""
    document: dict[str, Any] = _DOCUMENTS.to_document(model)
    return document


def model_from_json(json: dict[str, Any]) -> ModelVersion:
    """Return the version behind a JSON object; InvalidArgument when it is none."""
    if "train_start" in json:  # as versions were described before their range was one value
        json = {**json, "train_range": {"start": json["train_start"], "end": json["train_end"]}}
    return _DOCUMENTS.from_document(json)
