"""Which reasons the source gives, and with which codes: read from its syntax, not run.

A reason is the first argument of an error's constructor, or what is handed to a function that hands
its own `reason` to one. Reasons put together at run time stand in `PUT_TOGETHER`.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

ELSEWHERE = {"wattmesh_twin", "wattmesh_local", "wattmesh_modelhost"}
"""Packages that serve no contract of ours: their errors end in a terminal or in another's API."""

CODES = {
    "InvalidArgument": "INVALID_ARGUMENT",
    "NotFound": "NOT_FOUND",
    "AlreadyExists": "ALREADY_EXISTS",
    "FailedPrecondition": "FAILED_PRECONDITION",
    "Aborted": "ABORTED",
    "Unauthenticated": "UNAUTHENTICATED",
    "PermissionDenied": "PERMISSION_DENIED",
    "DeadlineExceeded": "DEADLINE_EXCEEDED",
    "Unimplemented": "UNIMPLEMENTED",
    "Internal": "INTERNAL",
    "Unavailable": "UNAVAILABLE",
    "ResourceExhausted": "RESOURCE_EXHAUSTED",
}

_KINDS = ("ASSET", "DEVICE", "GROUP", "SITE", "TARIFF")
_OF_CHARGING = ("CHARGING_NEED", "CHARGING_SESSION")
_OF_PROGRAMMES = ("PROGRAMME", "ENROLMENT", "EVENT")
_WISHES = ("ZONE_SCHEDULE", "OCCUPANCY", "DEFERRABLE_RUN")
PUT_TOGETHER = {
    "wattmesh_metering/app/check_records.py": {
        ("NOT_FOUND", f"{kind}_NOT_FOUND") for kind in ("ASSET", "SITE", "TARIFF")
    },
    "wattmesh_metering/app/keep_records.py": {
        *(("NOT_FOUND", f"{kind}_NOT_FOUND") for kind in _KINDS),
        *(("ALREADY_EXISTS", f"{kind}_EXISTS") for kind in _KINDS),
    },
    "wattmesh_metering/domain/known_model.py": {("NOT_FOUND", "SITE_NOT_FOUND")},
    "wattmesh_usage/app/keep.py": {
        *(("NOT_FOUND", f"{kind}_NOT_FOUND") for kind in ("VEHICLE", *_OF_CHARGING, *_WISHES)),
        *(("ALREADY_EXISTS", f"{kind}_EXISTS") for kind in ("VEHICLE", "CHARGING_NEED", *_WISHES)),
    },
    "wattmesh_demandresponse/app/keep.py": {
        *(("NOT_FOUND", f"{kind}_NOT_FOUND") for kind in (*_OF_PROGRAMMES, "PARTICIPATION")),
        *(("ALREADY_EXISTS", f"{kind}_EXISTS") for kind in _OF_PROGRAMMES),
    },
    "wattmesh_planner/app/trigger_plan.py": {
        ("FAILED_PRECONDITION", "NOTHING_TO_STEER"),
        ("FAILED_PRECONDITION", "SCOPE_INCOMPLETE"),
    },
}
"""Code and reason, by the file that puts them together."""


class Raised:
    """Every reason in the source with its codes, and what could not be read."""

    def __init__(self) -> None:
        self.codes: defaultdict[str, set[str]] = defaultdict(set)
        self.unread: list[str] = []
        sources = [_Source(path) for path in _paths()]
        self._codes = {**CODES, **dict(each for one in sources for each in one.error_classes())}
        self._owners = dict(each for one in sources for each in one.error_classes(own_reason=True))
        self._handing = dict(entry for each in sources for entry in each.handing_on(self._codes))
        for source in sources:
            self._read(source)
        for found in PUT_TOGETHER.values():
            for code, reason in found:
                self.codes[reason].add(code)

    def _read(self, source: "_Source") -> None:
        for call, owner in source.calls():
            name = _name(call.func) or ""
            code, place = self._codes.get(name), 0
            if name == "__init__":
                code = self._owners.get(owner)
            elif name in self._handing and isinstance(call.func, ast.Name):
                code, place = self._handing[name]
            if code is not None:
                self._take(source, call, code, _argument(call, place))

    def _take(self, source: "_Source", call: ast.Call, code: str, reason: ast.expr | None) -> None:
        given = source.texts(reason)
        for text in given:
            self.codes[text].add(code)
        if not given and not source.is_known_to_be_other(reason):
            self.unread.append(f"{source.place}:{call.lineno}")


class _Source:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.place = path.relative_to(ROOT).as_posix().partition("/src/")[2]
        self._tree = ast.parse(path.read_text())
        self._assigned: defaultdict[str, set[str]] = defaultdict(set)
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._assigned[node.targets[0].id] |= _constants(node.value)

    def error_classes(self, *, own_reason: bool = False) -> Iterator[tuple[str, str]]:
        """Give the errors that are defined here, with their codes: told, or with a reason."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ClassDef):
                bases = [CODES[name] for base in node.bases if (name := _name(base)) in CODES]
                names = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
                if bases and ("__init__" in names) is own_reason:
                    yield node.name, bases[0]

    def handing_on(self, codes: dict[str, str]) -> Iterator[tuple[str, tuple[str, int]]]:
        """Give the functions that hand their own `reason` to an error, and its place."""
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = [each.arg for each in node.args.args]
            if "reason" not in names:
                continue
            for call in ast.walk(node):
                code = codes.get(_name(call.func) or "") if isinstance(call, ast.Call) else None
                if code and isinstance(call, ast.Call) and _name(_argument(call, 0)) == "reason":
                    yield node.name, (code, names.index("reason"))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Give every call, with the class it stands in."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ClassDef):
                for call in ast.walk(node):
                    if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                        yield call, node.name
            elif isinstance(node, ast.Call) and _name(node.func) != "__init__":
                yield node, ""

    def texts(self, reason: ast.expr | None) -> set[str]:
        """Return the texts that an argument may be."""
        if reason is None:
            return set()
        if isinstance(reason, ast.Name):
            return self._assigned[reason.id]
        return _constants(reason) if isinstance(reason, ast.Constant | ast.IfExp) else set()

    def is_known_to_be_other(self, reason: ast.expr | None) -> bool:
        """Return whether a reason is handed on, given again, or put together in a known way."""
        handed = _name(reason) == "reason"  # a parameter, or the reason of another error
        return handed or self.place in PUT_TOGETHER


def _paths() -> Iterator[Path]:
    for folder in sorted([*ROOT.glob("services/*/src/*"), *ROOT.glob("gateway/src/*")]):
        if folder.name not in ELSEWHERE:
            yield from sorted(folder.rglob("*.py"))


def _name(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _argument(call: ast.Call, place: int) -> ast.expr | None:
    named = [each.value for each in call.keywords if each.arg == "reason"]
    return call.args[place] if len(call.args) > place else next(iter(named), None)


def _constants(node: ast.expr) -> set[str]:
    found = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    return {each for each in found if isinstance(each, str) and each.isupper()}
