"""SunSpec model definitions, as published in the JSON files that pysunspec2 carries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_MODELS = files("sunspec2") / "models" / "json"


@dataclass(frozen=True, kw_only=True, slots=True)
class SunSpecField:
    """A point of a model: where it lies after the model's id register, and how.

    `scale_factor` is the name of the point that holds the power of ten, or the power itself.
    """

    offset: int
    size: int
    type: str
    scale_factor: str | int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SunSpecModel:
    """A model's points by name; those of repeating groups are left out."""

    id: int
    fields: Mapping[str, SunSpecField]


@cache
def sunspec_model(model_id: int) -> SunSpecModel | None:
    """Return the definition of a model, or None when SunSpec has none of that number."""
    file = _MODELS / f"model_{model_id}.json"
    if not file.is_file():
        return None
    fields: dict[str, SunSpecField] = {}
    offset = 0
    for point in json.loads(file.read_text(encoding="utf-8"))["group"]["points"]:
        size = int(point["size"])
        fields[point["name"]] = SunSpecField(
            offset=offset, size=size, type=point["type"], scale_factor=point.get("sf")
        )
        offset += size
    return SunSpecModel(id=model_id, fields=fields)
