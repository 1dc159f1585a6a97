"""A YAML document that knows where each of its keys stands, read strictly."""

from collections.abc import Iterator
from enum import Enum
from typing import TypeVar

import yaml

from wattmesh_gateway.domain.errors import ProfileError

E = TypeVar("E", bound=Enum)


class Node:
    """One value of the document. Every reader raises ProfileError naming file, line and key."""

    def __init__(self, file: str, key: str, node: yaml.Node) -> None:
        self._file = file
        self._key = key
        self._node = node

    def error(self, problem: str) -> ProfileError:
        """Return the error that says what is wrong here."""
        line = self._node.start_mark.line + 1
        return ProfileError(f"{self._file}:{line}: {self._key or 'document'}: {problem}")

    def mapping(self, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> "Keys":
        """Read a mapping with exactly these keys."""
        keys = self.entries()
        allowed = (*required, *optional)
        for name, node in keys.items():
            if name not in allowed:
                raise node.error(f"unknown key; known here are {', '.join(allowed)}")
        for name in required:
            if name not in keys:
                raise self.error(f"the key '{name}' is missing")
        return keys

    def entries(self) -> "Keys":
        """Read a mapping with any keys."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error("must be a mapping of keys to values")
        keys: Keys = {}
        for key_node, value in self._node.value:
            name = str(key_node.value)
            child = Node(self._file, f"{self._key}.{name}" if self._key else name, value)
            if name in keys:
                raise child.error("the key stands here twice")
            keys[name] = child
        return keys

    def items(self) -> Iterator["Node"]:
        """Read a list of at least one item."""
        if not isinstance(self._node, yaml.SequenceNode) or not self._node.value:
            raise self.error("must be a list of at least one item")
        for index, item in enumerate(self._node.value):
            yield Node(self._file, f"{self._key}[{index}]", item)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def is_text(self, text: str) -> bool:
        """Whether the value is this text."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.value == text

    def text(self) -> str:
        """Read a text that is not empty."""
        value = self._scalar()
        if not isinstance(value, str) or not value:
            raise self.error(f"must be a text, not {value!r}")
        return value

    def number(self) -> float:
        """Read a number."""
        value = self._scalar()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"must be a number, not {value!r}")
        return float(value)

    def integer(self, minimum: int, maximum: int) -> int:
        """Read a whole number within bounds."""
        value = self._scalar()
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"must be a whole number, not {value!r}")
        if not minimum <= value <= maximum:
            raise self.error(f"must be {minimum} to {maximum}, not {value}")
        return value

    def boolean(self) -> bool:
        """Read true or false."""
        value = self._scalar()
        if not isinstance(value, bool):
            raise self.error(f"must be true or false, not {value!r}")
        return value

    def choice(self, kind: type[E]) -> E:
        """Read one of the values of an enumeration."""
        return self._member(kind, self._scalar())

    def key_as(self, kind: type[E]) -> E:
        """Read this value's key as one of the values of an enumeration."""
        return self._member(kind, self._key.rpartition(".")[2])

    def _member(self, kind: type[E], value: object) -> E:
        for member in kind:
            if member.value == value:
                return member
        known = ", ".join(str(member.value) for member in kind)
        raise self.error(f"{value!r} is none of {known}")

    def _scalar(self) -> object:
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("must be a single value")
        value: object = yaml.constructor.SafeConstructor().construct_object(self._node)
        return value


Keys = dict[str, Node]


def parse_document(file: str, text: str) -> Node:
    """Return the root of a YAML document; ProfileError when it is not one."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ProfileError(f"{file}: not YAML: {error}") from error
    if root is None:
        raise ProfileError(f"{file}: the file is empty")
    return Node(file, "", root)
