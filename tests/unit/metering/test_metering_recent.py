"""What judging remembers of readings is what there is, or it is asked for."""

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Rows
from wattmesh_metering.domain.recent import RecentReadings, joined

DEPTH = 4
Kept = dict[int, list[tuple[int, float]]]


class Judge:
    """Commits readings and judges them, with a table to read what is not remembered."""

    def __init__(self) -> None:
        self.kept: Kept = {}
        self.recent = RecentReadings(DEPTH, most_rows=200)
        self.read = 0
        self.commits = 0

    def commit(self, readings: Kept, *, remember: bool = True) -> int:
        """Keep readings; return the number of the commit."""
        self.commits += 1
        for key, own in readings.items():
            self.kept[key] = sorted({**dict(self.kept.get(key, ())), **dict(own)}.items())
        rows = [(key, *each) for key, own in sorted(readings.items()) for each in sorted(own)]
        keys, times_us, values = zip(*rows, strict=True)
        if remember:
            size = len(rows)
            self.recent.keep(
                self.commits,
                Rows(
                    keys=np.array(keys, np.int64),
                    times_us=np.array(times_us, np.int64),
                    values=np.array(values),
                    qualities=np.ones(size, np.int64),
                    resets=np.zeros(size, np.bool_),
                ),
            )
        return self.commits

    def judge(self, commits: list[int], spans: dict[int, tuple[int, int]]) -> Kept:
        """Return what is seen around the spans, and learn it."""
        keys, firsts, lasts = (
            np.array(column, np.int64)
            for column in zip(*((key, *span) for key, span in spans.items()), strict=True)
        )
        known, remembered = self.recent.of(commits, keys, firsts)
        read = [
            (place, *row)
            for place, key in enumerate(spans)
            if not known[place]
            for row in self.around(key, *spans[key])
        ]
        self.read += len(read)
        places, times_us, values = zip(*read, strict=True) if read else ((), (), ())
        told = np.array(places, np.int64), np.array(times_us, np.int64), np.array(values, float)
        seen = joined([remembered, told], len(keys))
        self.recent.judged(commits, keys, lasts, seen)
        return {key: self.listed(seen, place) for place, key in enumerate(spans)}

    def around(self, key: int, first: int, last: int) -> list[tuple[int, float]]:
        """Return what is kept in a span, and DEPTH readings on both sides."""
        own = self.kept.get(key, [])
        before = [each for each in own if each[0] < first][-DEPTH:]
        after = [each for each in own if each[0] > last][:DEPTH]
        return [*before, *(each for each in own if first <= each[0] <= last), *after]

    @staticmethod
    def listed(seen: Histories, place: int) -> list[tuple[int, float]]:
        """Return what is seen of a place."""
        history = seen.of(place)
        return list(zip(history.times_us.tolist(), history.values.tolist(), strict=True))


def readings(*times: int) -> list[tuple[int, float]]:
    return [(time, time * 1.5) for time in times]


def test_what_one_process_keeps_and_judges_is_not_read_back() -> None:
    judge = Judge()
    first = judge.commit({1: readings(*range(10)), 2: readings(3)})
    judge.judge([first], {1: (0, 9), 2: (3, 3)})
    read = judge.read
    second = judge.commit({1: readings(10, 11), 2: readings(4)})
    third = judge.commit({1: readings(12)})
    spans = {1: (10, 12), 2: (4, 4)}
    assert judge.judge([second, third], spans) == {
        key: judge.around(key, *span) for key, span in spans.items()
    }
    assert judge.read == read


def test_whatever_comes_in_whichever_order_is_seen_as_it_is_kept() -> None:
    chance = np.random.default_rng(5)
    judge = Judge()
    waiting: dict[int, dict[int, tuple[int, int]]] = {}
    newest = 0
    for _ in range(300):
        newest += 3
        late = chance.random() < 0.2
        begin = int(chance.integers(0, newest)) if late else newest
        own = {
            int(key): readings(*range(begin, begin + int(chance.integers(1, 4))))
            for key in chance.choice(5, 2, replace=False)
        }
        new = {
            key: [each for each in rows if each not in judge.kept.get(key, [])]
            for key, rows in own.items()
        }
        if not all(new.values()):
            continue
        number = judge.commit(new, remember=chance.random() < 0.9)
        waiting[number] = {key: (rows[0][0], rows[-1][0]) for key, rows in new.items()}
        if chance.random() < 0.1:  # somebody else has judged it, or nothing is remembered
            judge.recent.clear() if chance.random() < 0.5 else waiting.clear()
        if waiting and chance.random() < 0.5:
            spans: dict[int, tuple[int, int]] = {}
            for touched in waiting.values():
                for key, (first, last) in touched.items():
                    before = spans.get(key, (first, last))
                    spans[key] = min(before[0], first), max(before[1], last)
            seen = judge.judge(sorted(waiting), spans)
            assert seen == {key: judge.around(key, *span) for key, span in spans.items()}
            waiting.clear()
    assert judge.read
