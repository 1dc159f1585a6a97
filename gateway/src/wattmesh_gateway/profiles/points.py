"""What the profiles of all protocols share: points by their quantities, paths and scales."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from wattmesh_gateway.profiles.node import Keys, Node
from wattmesh_kernel.quantities import QUANTITIES

T = TypeVar("T")


def parse_points(node: Node, parse: Callable[[Node], T]) -> Mapping[str, T]:
    """Read a mapping of quantities, each with what `parse` makes of it."""
    points = node.entries()
    if not points:
        raise node.error("must name at least one point")
    for name, child in points.items():
        if name not in QUANTITIES:
            raise child.error(f"unknown quantity; known are {', '.join(QUANTITIES)}")
    return {name: parse(child) for name, child in points.items()}


def parse_scale(keys: Keys) -> float:
    """Read `scale`, 1 where it is left out."""
    if "scale" not in keys:
        return 1.0
    scale = keys["scale"].number()
    if scale == 0.0:
        raise keys["scale"].error("must not be 0")
    return scale
