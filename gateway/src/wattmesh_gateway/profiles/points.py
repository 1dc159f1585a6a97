"""Reads the points of a profile: quantities the kernel knows, each with how to get it."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from wattmesh_gateway.profiles.node import Node
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
