"""What machines wrote down of the runs that people wanted of them."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.ledger import Floats, lines_of


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineLedger:
    """A machine's own count by the end of each hour, and what it would have begun at once.

    Times are seconds since 1970, energies [Wh] registers; so is `met`, the runs that were done by
    the ends of their windows. `windows` are those of the runs that somebody loaded, in order.
    """

    times_s: Sequence[float]
    import_wh: Sequence[float]
    at_once_wh: Sequence[float]
    met: Sequence[float]
    windows: Sequence[TimeRange]

    def whole(self, span: TimeRange) -> list[TimeRange]:
        """Return the runs that a span has whole: loaded in it, and to be done by its end."""
        return [each for each in self.windows if span.start <= each.start and each.end <= span.end]

    def open(self, span: TimeRange) -> int:
        """Return how many runs a span has in part: they may be done outside of it."""
        some = [each for each in self.windows if each.start < span.end and span.start < each.end]
        return len(some) - len(self.whole(span))

    def done(self, span: TimeRange) -> int:
        """Return how many of the runs that a span has whole were done."""
        return sum(self._done(each) for each in self.whole(span))

    def sooner_wh(self, span: TimeRange, count: int) -> Floats:
        """Return what each of so many intervals would have more, begun at once [Wh].

        Of a run that a span has in part nothing: what it took so far and what it would have taken
        are not the same work.
        """
        ends = np.linspace(span.start.timestamp(), span.end.timestamp(), count + 1)
        found = np.zeros(count)
        for run in self.whole(span):
            inside = np.clip(ends, run.start.timestamp(), self._next(run))
            for register, sign in ((self.at_once_wh, 1.0), (self.import_wh, -1.0)):
                found += sign * np.diff(np.interp(inside, self.times_s, register))
        return found

    def _next(self, run: TimeRange) -> float:
        """Return when it was loaded again: what it draws until then is of this run."""
        later = (each.start.timestamp() for each in self.windows if each.start > run.start)
        return min(later, default=np.inf)

    def _done(self, run: TimeRange) -> int:
        """Return whether a run was done, from the counts before it and after its window."""
        before = bisect_right(self.times_s, run.start.timestamp()) - 1
        after = bisect_left(self.times_s, run.end.timestamp())
        if after == len(self.times_s):
            return 0
        return int(self.met[after] > self.met[max(before, 0)])


def machine_ledgers(folder: Path) -> dict[str, MachineLedger]:
    """Return the ledger of every machine by its asset's name; registers begin at 0."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines_of(folder / "machines.jsonl"):
        rows[line["asset"]].append(line)
    return {asset: _ledger(lines) for asset, lines in rows.items()}


def sooner_wh(
    ledgers: Mapping[str, MachineLedger], machines: Sequence[str], span: TimeRange, count: int
) -> Floats:
    """Return what each interval would have more of machines by name, begun at once [Wh]."""
    known = [ledgers[each] for each in machines if each in ledgers]
    return np.asarray(sum((each.sooner_wh(span, count) for each in known), np.zeros(count)))


def _ledger(lines: Sequence[Mapping[str, Any]]) -> MachineLedger:
    times_s = [datetime.fromisoformat(line["time"]).timestamp() for line in lines]
    windows = {tuple(line["window"]) for line in lines if line["window"]}
    return MachineLedger(
        times_s=[times_s[0] - 3600.0, *times_s],
        import_wh=_register(lines, "import_wh"),
        at_once_wh=_register(lines, "at_once_wh"),
        met=_register(lines, "met"),
        windows=sorted(
            (
                TimeRange(datetime.fromisoformat(start), datetime.fromisoformat(end))
                for start, end in windows
            ),
            key=lambda each: each.start,
        ),
    )


def _register(lines: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [0.0, *(float(line[name]) for line in lines)]
