"""What a service made of what it was sent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.calling import Answered
from tests.fuzz.methods import Method

FAULTS = ("INTERNAL", "UNKNOWN")
"""Codes that say that the service failed, whatever the caller has sent."""
MOST_LOG_BYTES = 1_000
MOST_RSS_GROWTH_MB = 50.0
_EXAMPLES = 20


@dataclass(kw_only=True)
class Tally:
    """Counts calls by method and code; keeps examples of faults."""

    calls: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    log_bytes: int = 0
    most_log_bytes: int = 0
    most_logged: str = ""
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, method: Method, answered: Answered, logged: str) -> None:
        """Count one call, and what was logged while it was served."""
        name = method.path[1:]
        self.calls[name] += 1
        self.codes[answered.code] += 1
        self.reasons[answered.reason or answered.code] += 1
        log_bytes = len(logged.encode())
        self.log_bytes += log_bytes
        if answered.code == "OK":
            self.succeeded[name] += 1
        if answered.code in FAULTS and len(self.faults) < _EXAMPLES:
            self.faults.append(f"{name}: {answered.code} {answered.message[:200]}")
        if log_bytes > self.most_log_bytes:
            self.most_log_bytes = log_bytes
            self.most_logged = f"{name}: {answered.code} {logged[:400]}"
        if answered.seconds > self.slowest_s:
            self.slowest_s, self.slowest = answered.seconds, name

    @property
    def never_succeeded(self) -> list[str]:
        """Methods of which no call went well: nothing deep was reached there."""
        return sorted(name for name in self.calls if not self.succeeded[name])

    def report(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "calls": self.calls.total(),
            "by_code": dict(self.codes.most_common()),
            "by_reason": dict(self.reasons.most_common(30)),
            "internal": self.codes["INTERNAL"],
            "unknown": self.codes["UNKNOWN"],
            "faults": self.faults,
            "max_log_bytes_per_call": self.most_log_bytes,
            "max_log_bytes_of": self.most_logged,
            "mean_log_bytes_per_call": round(self.log_bytes / max(1, self.calls.total()), 1),
            "slowest_s": round(self.slowest_s, 3),
            "slowest": self.slowest,
            "methods": {
                name: {"calls": count, "ok": self.succeeded[name]}
                for name, count in sorted(self.calls.items())
            },
            "never_succeeded": self.never_succeeded,
        }
