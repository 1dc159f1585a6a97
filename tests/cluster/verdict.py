"""What came of it: every promise beside what was seen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REFUSED = ("UNAVAILABLE", "PERMISSION_DENIED")
"""What strangers are told: no connection without a certificate, and no more than a role may do."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The content of the report, and whether all was kept."""

    content: dict[str, Any]
    sound: bool


def judged(
    *,
    asked: Mapping[str, Any],
    calls: Sequence[Mapping[str, Any]],
    published: Mapping[str, int],
    published_since: Mapping[str, int],
    took: Mapping[str, float],
    may_fail: Sequence[tuple[float, float]],
    disturbed: Mapping[str, str],
    strangers: Mapping[str, Mapping[str, str]],
    broken: Mapping[str, Sequence[str]],
) -> Verdict:
    """Return what is to be said.

    `calls`: of each second, how many went well and which failed. `may_fail`: from when to when
    calls may be told that a part is away [s since 1970]. `published`: readings by device before the
    mesh was asked, `published_since`: after it. `disturbed`: disturbances that the mesh did not go
    over as it should, and why. `strangers`: what became of calls that are not allowed, by part.
    `broken`: promises, and how each was broken by what the database and the home's ledger say.
    """
    failed, excused = Counter[str](), Counter[str]()
    slowest: dict[str, float] = {}
    for each in calls:
        away = any(begin <= each["second"] <= end for begin, end in may_fail)
        (excused if away else failed).update(each["failed"])
        for part, took_ms in each["slowest_ms"].items():
            slowest[part] = max(took_ms, slowest.get(part, 0.0))
    stored = {each["device"]: int(each["stored"]) for each in asked["readings"].get("devices", ())}
    lost = {
        device: count - stored.get(device, 0)
        for device, count in published.items()
        if count > stored.get(device, 0)
    }
    twice = {
        device: stored[device] - count
        for device, count in published_since.items()
        if stored.get(device, 0) > count
    }
    plans = Counter(each["state"].removeprefix("PLAN_STATE_").lower() for each in asked["plans"])
    commands = {
        name: int(asked["commands"].get(name, 0))
        for name in ("issued", "applied", "verified", "failed", "superseded")
    }
    amiss = [each for each in asked["plans"] if each["state"] != "PLAN_STATE_MADE"]
    content = {
        "calls": {
            "answered": sum(each["ok"] for each in calls),
            "failed": dict(failed),
            "failed_while_the_database_was_away": dict(excused),
            "slowest_ms": slowest,
        },
        "readings": {
            "published": published,
            "lost": lost,
            "twice": twice,
            "gateway": asked.get("gateway", {}),
        },
        "plans": {**plans, "amiss": amiss},
        "commands": commands,
        "strangers": {part: dict(codes) for part, codes in strangers.items()},
        "promises_broken": {promise: list(how) for promise, how in broken.items()},
        "disturbances_amiss": dict(disturbed),
        "took_s": dict(took),
        "now": asked["now"],
    }
    sound = (
        bool(calls)
        and not failed
        and bool(published)
        and not lost
        and not twice
        and plans["made"] > 0
        and not amiss
        and commands["failed"] == 0
        and commands["verified"] > 0
        and not disturbed
        and bool(broken)
        and not any(broken.values())
        and bool(strangers)
        and all(code in REFUSED for codes in strangers.values() for code in codes.values())
    )
    return Verdict(content=content, sound=sound)
