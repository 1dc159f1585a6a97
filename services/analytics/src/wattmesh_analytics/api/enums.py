"""Enums of the contract ↔ those of the domain."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from wattmesh_kernel.errors import InvalidArgument

E = TypeVar("E", bound=Enum)
N = TypeVar("N", bound=int)


class EnumPair(Generic[E, N]):
    """Each value of an enum with its number in the contract, to be read both ways.

    A number of the contract that stands beside no value is refused.
    """

    def __init__(self, numbers: Mapping[E, N]) -> None:
        self._numbers = numbers
        self._values: Mapping[int, E] = {number: value for value, number in numbers.items()}

    def to_proto(self, value: E) -> N:
        """Return a value's number."""
        return self._numbers[value]

    def from_proto(self, number: int, field: str, what: str) -> E:
        """Return what a number stands for; InvalidArgument: a number for nothing is `what`."""
        found = self._values.get(number)
        if found is None:
            raise InvalidArgument("UNKNOWN_VALUE", f"{number} is {what}", field=field)
        return found
