"""SunSpec model definitions, read from the JSON files of the pysunspec2 wheel."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

HEADER_REGISTERS = 2
"""Every model begins with its id and its length, which the length does not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointDefinition:
    """A point of a model: `offset` and `size` in registers, from the model's id register on.

    `scale_factor` names the point that holds the power of ten of this one, or is a fixed one.
    """

    name: str
    type: str
    offset: int
    size: int
    scale_factor: str | int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDefinition:
    """A model: its points in register order."""

    id: int
    points: Mapping[str, PointDefinition]

    @property
    def size(self) -> int:
        """All of its registers, the header included."""
        return sum(point.size for point in self.points.values())


@cache
def model_definition(model_id: int) -> ModelDefinition:
    """Return a SunSpec model's definition; points of inner groups are named `Group.Point`.

    Only models without repeating groups have one layout, and only those are read.
    """
    text = files("sunspec2").joinpath(f"models/json/model_{model_id}.json").read_text("utf-8")
    points: dict[str, PointDefinition] = {}
    offset = 0
    for name, definition in _points(json.loads(text)["group"], ""):
        point = PointDefinition(
            name=name,
            type=definition["type"],
            offset=offset,
            size=definition["size"],
            scale_factor=definition.get("sf"),
        )
        points[name] = point
        offset += point.size
    return ModelDefinition(id=model_id, points=points)


def _points(group: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "count" in group:
        raise ValueError(f"group {group['name']} repeats: its model has no single layout")
    for point in group["points"]:
        yield prefix + point["name"], point
    for inner in group.get("groups", []):
        yield from _points(inner, f"{prefix}{inner['name']}.")
