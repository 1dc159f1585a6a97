"""How well validation's flags tell faults: precision and recall of each, as JSON.

    make bench-flags [DATA=folder]

Every week one fault of each kind is put into a clean register, alone in the readings around it:
that of a made-up year, or with a folder of the Cambridge estate's meters (`dev_12_buildings_*` and
`messy_8_buildings_*`, parquet of timestamp_utc, building, meter, kwh by the hour) those of its
twelve clean buildings in 2019. A fault is found when a flag of its kind begins within an hour of
it; precision is by all flags of the kind that were raised over all of these and over the clean
weeks. `messy`: runs of hours without any energy, which the publisher put where something was
missing, of a day and longer, as gaps (the readings are left out) and as they came (the register
stands still: of 96 h and longer that is `stuck`).
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask
from wattmesh_metering.domain.vee.comparing import AssetMeters, Meter, compare
from wattmesh_metering.domain.vee.continuity import judge_register
from wattmesh_metering.domain.vee.flags import Evidence, Flag, FlagKind, Limits
from wattmesh_metering.domain.vee.gauges import gaps, stuck

QUARTER_US = 900_000_000
HOUR_US = 4 * QUARTER_US
DAY_US = 24 * HOUR_US
_FEWEST_AROUND = 200
_STUCK_HOURS = 120
_LONGEST_GAP_US = 3 * HOUR_US
_PUT = (
    FlagKind.SPIKE,
    FlagKind.EXCHANGE,
    FlagKind.ROLLOVER,
    FlagKind.GAP,
    FlagKind.STUCK,
    FlagKind.SIGN,
)


@dataclass(kw_only=True)
class Tally:
    """What was put, found rightly, and raised."""

    put: int = 0
    right: int = 0
    raised: int = 0

    def report(self) -> dict[str, float]:
        """Return precision and recall."""
        return {
            "faults": self.put,
            "precision": round(self.right / max(self.raised, 1), 4),
            "recall": round(self.right / max(self.put, 1), 4),
        }


@dataclass(kw_only=True)
class Bench:
    """Puts faults into registers and counts which flags tell them."""

    step_us: int
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    tallies: dict[FlagKind, Tally] = field(
        default_factory=lambda: {kind: Tally() for kind in FlagKind}
    )

    @property
    def around(self) -> int:
        """How many readings there are before and from a fault on."""
        return max(_FEWEST_AROUND, (_STUCK_HOURS + 5) * HOUR_US // self.step_us)

    def weeks(self, clean: Floats, rated: float) -> None:
        """Put a fault of each kind into each week of a clean register, and none."""
        limits = Limits(rated=rated, interval_us=self.step_us)
        times_us: Ints = np.arange(len(clean)) * self.step_us
        week = 7 * DAY_US // self.step_us
        for place in range(self.around + 50, len(clean) - self.around - 50, week):
            rows = slice(place - self.around, place + self.around)
            self._judge(None, times_us[rows], clean[rows], limits)
            for kind in _PUT:
                if kind is FlagKind.SIGN:
                    self._swap(times_us[rows], clean[rows])
                    continue
                values, times = self._faulty(kind, clean[rows].copy(), times_us[rows])
                self._judge(kind, times, values, limits)

    def _faulty(self, kind: FlagKind, values: Floats, times_us: Ints) -> tuple[Floats, Ints]:
        """Return readings with a fault in the middle."""
        middle = self.around
        if kind is FlagKind.SPIKE:
            values[middle] = self.generator.choice([0.0, 4.2e9, values[middle] * 3])
        elif kind is FlagKind.EXCHANGE:
            values[middle:] -= values[middle] - self.generator.uniform(0, 50)
        elif kind is FlagKind.ROLLOVER:
            values += 2.0**32 - (values[middle - 1] + values[middle]) / 2
            values[middle:] -= 2.0**32
        elif kind is FlagKind.STUCK:
            end = middle + _STUCK_HOURS * HOUR_US // self.step_us
            values[end:] -= values[end - 1] - values[middle]
            values[middle:end] = values[middle]
        else:
            return np.delete(values, slice(middle, middle + 6)), np.delete(
                times_us, slice(middle, middle + 6)
            )
        return values, times_us

    def _judge(self, kind: FlagKind | None, times_us: Ints, values: Floats, limits: Limits) -> None:
        evidence = Evidence.of(times_us, values, np.empty(0, np.int64), limits)
        flags = [
            *judge_register(evidence),
            *gaps(evidence),
            *stuck("import_energy_wh", evidence),
        ]
        self._count(kind, int(times_us[0]) + self.around * self.step_us, flags)

    def _swap(self, times_us: Ints, clean: Floats) -> None:
        """Have a check meter count the other way round for the second half."""
        into = clean - clean[0]
        out = np.zeros(len(into))
        swapped_us = -(-int(times_us[self.around]) // DAY_US) * DAY_US
        late = times_us > swapped_us
        rises = np.diff(into, prepend=0.0)
        columns = [into, out, np.cumsum(np.where(late, 0, rises)), np.cumsum(late * rises)]
        histories = Histories(
            keys=(1, 2, 3, 4),
            ends=np.arange(1, 5) * len(into),
            times_us=np.tile(times_us, 4),
            values=np.concatenate(columns),
        )
        meters = AssetMeters(
            counting=(Meter(imports=1, exports=2),), checks=(Meter(imports=3, exports=4),)
        )
        span_us = int(times_us[0]), int(times_us[-1])
        found = [flag for _, flag in compare(meters, histories, span_us, _LONGEST_GAP_US)]
        swapped = {flag.first_us for flag in found if flag.kind is FlagKind.SIGN}
        days = set(range(swapped_us, span_us[1] - DAY_US + 1, DAY_US))
        tally = self.tallies[FlagKind.SIGN]
        tally.put += len(days)
        tally.right += len(days & swapped)
        tally.raised += len(swapped)

    def _count(self, kind: FlagKind | None, at_us: int, flags: Sequence[Flag]) -> None:
        for flag in flags:
            self.tallies[flag.kind].raised += 1
        if kind is not None:
            near = [flag for flag in flags if flag.kind is kind]
            reach_us = max(HOUR_US, self.step_us)
            self.tallies[kind].put += 1
            self.tallies[kind].right += any(abs(each.first_us - at_us) <= reach_us for each in near)

    def report(self) -> dict[str, dict[str, float]]:
        """Return precision and recall of each kind that was put, and what else was raised."""
        found = {kind.value: self.tallies[kind].report() for kind in _PUT}
        others = {
            kind.value: float(tally.raised)
            for kind, tally in self.tallies.items()
            if tally.raised and not tally.put
        }
        return found | ({"raised_beside": others} if others else {})


def made_up(weeks: int) -> dict[str, dict[str, float]]:
    """Return what is found in a made-up register, a reading every quarter of an hour."""
    bench = Bench(step_us=QUARTER_US)
    size = weeks * 672
    bench.weeks(9e7 + np.cumsum(bench.generator.gamma(1.2, 200.0, size)), rated=20_000.0)
    return bench.report()


def measured(folder: Path) -> dict[str, object]:
    """Return what is found in the meters of a folder."""
    bench = Bench(step_us=HOUR_US)
    for _, energy_wh in _meters(next(folder.glob("dev_12_buildings_*.parquet"))):
        bench.weeks(1e6 + np.cumsum(energy_wh), rated=1.2 * float(energy_wh.max()))
    return {
        "injected": bench.report(),
        "messy": _messy(next(folder.glob("messy_8_buildings_*.parquet"))),
    }


def _meters(file: Path) -> Iterator[tuple[str, Floats]]:
    """Yield the electricity of each building in 2019 [Wh] by the hour."""
    import pandas as pd

    table = pd.read_parquet(file)
    table = table[(table.meter == "electricity") & (table.timestamp_utc.dt.year == 2019)]
    for building, own in table.groupby("building", observed=True):
        energy_wh = 1000.0 * own.sort_values("timestamp_utc").kwh.to_numpy(np.float64)
        if len(energy_wh):
            yield str(building), energy_wh


def _messy(file: Path) -> dict[str, dict[str, float]]:
    """Return how runs of zeros are told, as gaps and as a register that stands still."""
    gap, still = Tally(), Tally()
    for _, energy_wh in _meters(file):
        runs = [run for run in _zero_runs(energy_wh) if run[1] - run[0] >= 24]
        times_us: Ints = np.arange(len(energy_wh) + 1) * HOUR_US
        register = 1e6 + np.concatenate([[0.0], np.cumsum(energy_wh)])
        limits = Limits(rated=1.2 * float(energy_wh.max()), interval_us=HOUR_US)
        kept: Mask = np.ones(len(times_us), np.bool_)
        for first, end in runs:
            kept[first + 1 : end] = False
        none = np.empty(0, np.int64)
        evidence = Evidence.of(times_us[kept], register[kept], none, limits)
        _match(gap, runs, [*gaps(evidence)])
        evidence = Evidence.of(times_us, register, none, limits)
        long = [run for run in runs if run[1] - run[0] >= 96]
        _match(still, long, [*stuck("import_energy_wh", evidence)])
    return {"gap": gap.report(), "stuck": still.report()}


def _match(tally: Tally, runs: Sequence[tuple[int, int]], flags: Sequence[Flag]) -> None:
    spans = {(flag.first_us // HOUR_US, flag.last_us // HOUR_US) for flag in flags}
    tally.put += len(runs)
    tally.right += sum(run in spans for run in runs)
    tally.raised += len(spans)


def _zero_runs(energy_wh: Floats) -> list[tuple[int, int]]:
    """Return from where to where nothing flowed, as rows of the register."""
    edges = np.diff(np.concatenate([[False], energy_wh == 0, [False]]).astype(np.int8))
    firsts, ends = (edges == 1).nonzero()[0], (edges == -1).nonzero()[0]
    return list(zip(firsts.tolist(), ends.tolist(), strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--weeks", type=int, default=52)
    arguments = parser.parse_args()
    report: dict[str, object] = {"bench": "flags", "made_up": made_up(arguments.weeks)}
    if arguments.folder is not None:
        report |= measured(arguments.folder)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
