"""The report: for people, and as JSON."""

import json
from collections.abc import Sequence

from wattmesh_gateway.conformance.outcome import Outcome, worst
from wattmesh_gateway.conformance.trace import Trace

_SIGNS = {"passed": "ok  ", "failed": "FAIL", "undecided": "?   ", "skipped": "-   "}


def as_text(trace: Trace, outcomes: Sequence[Outcome]) -> str:
    """Return the report for people, a line for each check."""
    lines = [
        f"{trace.title} ({trace.profile}), {trace.where}",
        f"profile: {trace.tested}",
        f"{len(trace.seen)} values from {trace.begin:%Y-%m-%d %H:%M} UTC on",
        "",
        *(f"{_SIGNS[each.verdict]} {each.check:20} {each.seen}" for each in outcomes),
        "",
        f"all in all: {worst(outcomes).value}",
    ]
    return "\n".join(lines)


def as_json(trace: Trace, outcomes: Sequence[Outcome]) -> str:
    """Return the report for programs."""
    return json.dumps(
        {
            "profile": trace.profile,
            "title": trace.title,
            "tested": trace.tested,
            "where": trace.where,
            "begin_time": trace.begin.isoformat(),
            "values": len(trace.seen),
            "verdict": worst(outcomes).value,
            "checks": [
                {"check": each.check, "verdict": each.verdict.value, "seen": each.seen}
                for each in outcomes
            ],
        },
        indent=2,
    )
