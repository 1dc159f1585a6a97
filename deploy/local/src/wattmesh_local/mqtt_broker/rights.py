"""Who may say and hear what at the broker: Mosquitto's access lists, understood as it does."""

from collections.abc import Mapping
from dataclasses import dataclass

_ACCESS = {
    "read": frozenset({"read"}),
    "write": frozenset({"write"}),
    "readwrite": frozenset({"read", "write"}),
}
_MEANS_MORE = frozenset("+#/")
"""In a name they would make a pattern somebody else's topics."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What may be done below a topic filter, in which `%u` stands for a name."""

    access: frozenset[str]
    topic_filter: str

    def allows(self, action: str, topic: str, name: str) -> bool:
        """Return whether `name` may read or write a topic, or all that a filter takes."""
        return action in self.access and covers(self.topic_filter.replace("%u", name), topic)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """An access list: rules by name, and patterns for everybody who has one."""

    rules: Mapping[str, tuple[Rule, ...]]
    patterns: tuple[Rule, ...]

    @classmethod
    def parse(cls, text: str) -> "Rights":
        """Read an access list. Error: ValueError at a line that Mosquitto has and this has not."""
        rules: dict[str, tuple[Rule, ...]] = {}
        patterns: tuple[Rule, ...] = ()
        user: str | None = None
        for line in text.splitlines():
            match line.split():
                case [] | ["#", *_]:
                    continue
                case ["user", name]:
                    user = name
                case ["topic", access, topic] if access in _ACCESS and user is not None:
                    rule = Rule(access=_ACCESS[access], topic_filter=topic)
                    rules[user] = (*rules.get(user, ()), rule)
                case ["pattern", access, topic] if access in _ACCESS and "%c" not in topic:
                    patterns = (*patterns, Rule(access=_ACCESS[access], topic_filter=topic))
                case _:
                    raise ValueError(f"not understood: {line!r}")
        return cls(rules=rules, patterns=patterns)

    def may(self, action: str, name: str, topic: str) -> bool:
        """Return whether a name may `read` or `write` a topic, or all that a filter takes."""
        patterns = () if not name or _MEANS_MORE & set(name) else self.patterns
        return any(
            each.allows(action, topic, name) for each in (*self.rules.get(name, ()), *patterns)
        )


def covers(wide: str, topic: str) -> bool:
    """Return whether all that a topic or filter takes is taken by the filter `wide`."""
    if topic.startswith("$") and not wide.startswith("$"):
        return False
    outer, inner = wide.split("/"), topic.split("/")
    for index, level in enumerate(outer):
        if level == "#":
            return True
        if index >= len(inner) or inner[index] == "#":
            return False
        if level not in ("+", inner[index]):
            return False
    return len(outer) == len(inner)
