"""Which readings of a register are believed: whatever is wrong in it, the truth around it stays."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.metering_flags import made_up
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import History
from wattmesh_metering.domain.vee.continuity import WIDTHS, judge_register
from wattmesh_metering.domain.vee.flags import Evidence, Flag, FlagKind, Limits
from wattmesh_metering.domain.vee.gauges import stuck
from wattmesh_metering.domain.vee.judging import Dossier, PointProfile, RaisedFlag, judge, suspects

QUARTER_US = 900_000_000
METER = PointProfile(
    device=DeviceId(SiteId("s"), "d"),
    quantity="import_energy_wh",
    limits=Limits(rated=10_000.0, interval_us=QUARTER_US),
)


def _evidence(values: Sequence[float], rated: float | None = None) -> Evidence:
    times = np.arange(len(values)) * QUARTER_US
    none = np.empty(0, np.int64)
    return Evidence.of(times, np.array(values, np.float64), none, Limits(rated=rated))


def _found(flags: Sequence[Flag]) -> list[tuple[FlagKind, int]]:
    return [(flag.kind, flag.first_us // QUARTER_US) for flag in flags]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 101, 102, 103], []),
        ([100, 101, 9000, 102, 103], [(FlagKind.SPIKE, 2)]),
        ([9000, 101, 102, 103], [(FlagKind.EXCHANGE, 1)]),  # nobody knows what was before
        ([100, 101, 0, 102, 103], [(FlagKind.SPIKE, 2)]),
        ([100, 101, 0, 0, 102], [(FlagKind.SPIKE, 2), (FlagKind.SPIKE, 3)]),
        ([100, 100, 0, 100, 100], [(FlagKind.SPIKE, 2)]),
        ([90_000, 90_010, 5, 10, 15, 20, 25, 30], [(FlagKind.EXCHANGE, 2)]),
        ([3, 4, 0, 2, 5, 8], [(FlagKind.EXCHANGE, 2)]),
        ([99_980, 99_990, 15, 30], [(FlagKind.ROLLOVER, 2)]),
        ([50_000, 50_010, 15, 30], [(FlagKind.EXCHANGE, 2)]),
        ([100, 101, 9e14], [(FlagKind.SPIKE, 2)]),
        ([100, 101, *(9e14 + n for n in range(6))], [(FlagKind.JUMP, 2)]),
        ([100, 101, 9e8, 102, 103, 9e8, 104], [(FlagKind.SPIKE, 2), (FlagKind.SPIKE, 5)]),
        ([1e6, 1e6 - 1e-5, 1e6], []),
    ],
)
def test_what_a_register_shows(
    values: Sequence[float], expected: list[tuple[FlagKind, int]]
) -> None:
    assert _found(judge_register(_evidence(values))) == expected


def test_whole_kilowatt_hours_at_short_intervals_are_no_more_than_rated() -> None:
    times = np.arange(200) * 1_000_000
    values = np.floor(np.arange(200) / 60.0) * 1000.0
    evidence = Evidence.of(times, values, np.empty(0, np.int64), Limits(rated=10_000.0))
    assert judge_register(evidence) == []


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(st.floats(1.0, 2_000.0), min_size=24, max_size=60),
    place=st.integers(6, 17),
    length=st.integers(1, 3),
    size=st.sampled_from([3e5, 1e8, 4.2e9, 9e14]),
)
def test_readings_after_a_glitch_are_believed_and_no_true_one_is_lost(
    steps: list[float], place: int, length: int, size: float
) -> None:
    values = np.cumsum(steps)
    wrong = values.copy()
    wrong[place : place + length] = size
    found = judge_register(_evidence(wrong.tolist(), rated=10_000.0))
    spikes = [(FlagKind.SPIKE, place + n) for n in range(length)]
    assert [each for each in _found(found) if each[0] is not FlagKind.RATE] == spikes


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.floats(10.0, 100.0), min_size=24, max_size=40),
    width=st.sampled_from([each for each in WIDTHS if 1e5 <= each <= 1e12]),
    place=st.integers(6, 17),
)
def test_energies_go_on_over_a_rollover_whatever_the_width(
    steps: list[float], width: float, place: int
) -> None:
    truth = np.cumsum(steps) + width
    truth -= truth[place] - 5.0 - width  # 5 above the width there
    shown = np.where(truth >= width, truth - width, truth)
    (flag,) = judge_register(_evidence(shown.tolist(), rated=10_000.0))
    assert flag.kind is FlagKind.ROLLOVER
    assert flag.lift is not None
    assert abs(flag.lift - width) <= 0.02 * width or math.isclose(flag.lift, width)


def test_a_judgement_around_late_readings_clears_what_holds_no_longer() -> None:
    times = np.arange(6) * QUARTER_US
    history = History(times_us=times, values=np.array([100.0, 150, 200, 250, 300, 350]))
    gap = Flag(
        kind=FlagKind.GAP, first_us=QUARTER_US, last_us=4 * QUARTER_US, message="2 readings missing"
    )
    dossier = Dossier(
        point_key=1, profile=METER, history=history, raised=[RaisedFlag(key=7, flag=gap)]
    )
    judgement = judge(dossier, 2 * QUARTER_US, 3 * QUARTER_US)
    assert (judgement.raised, judgement.cleared) == ((), (7,))


def test_judging_again_changes_nothing() -> None:
    values = np.array([100.0, 150, 9e9, 250, 20, 70, 120, 170])
    history = History(times_us=np.arange(8) * QUARTER_US, values=values)
    dossier = Dossier(point_key=1, profile=METER, history=history)
    first = judge(dossier, 0, 8 * QUARTER_US)
    raised = [RaisedFlag(key=n, flag=flag) for n, flag in enumerate(first.raised)]
    assert {each.flag.kind for each in raised} >= {FlagKind.SPIKE, FlagKind.EXCHANGE}
    again = Dossier(point_key=1, profile=METER, history=history, raised=raised)
    judgement = judge(again, 0, 8 * QUARTER_US)
    assert (judgement.raised, judgement.cleared) == ((), ())


def test_only_points_with_something_to_be_found_are_looked_at_closely() -> None:
    quiet, wrong = [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 0.0, 3.0]
    histories = Histories(
        keys=(0, 1, 2),
        ends=np.array([4, 8, 12]),
        times_us=np.tile(np.arange(4) * QUARTER_US, 3),
        values=np.array([*quiet, *wrong, *quiet]),
    )
    spans_us = [(0, 3 * QUARTER_US)] * 3
    assert suspects(histories, dict.fromkeys(range(3), METER), spans_us) == {1}


def test_a_gap_of_before_is_no_matter_of_readings_that_come_after_it() -> None:
    times_us = np.array([0, 1, 8, 9, 10], np.int64) * QUARTER_US
    history = History(times_us=times_us, values=np.linspace(100.0, 104.0, 5))
    dossier = Dossier(point_key=1, profile=METER, history=history)
    histories = Histories(keys=(0,), ends=np.array([5]), times_us=times_us, values=history.values)

    def found(first: int, last: int) -> tuple[set[int], list[FlagKind]]:
        span_us = first * QUARTER_US, last * QUARTER_US
        judgement = judge(dossier, *span_us)
        near = suspects(histories, {0: METER}, [span_us])
        return near, [flag.kind for flag in judgement.raised]

    assert found(10, 10) == (set(), [])
    assert found(8, 10) == ({0}, [FlagKind.GAP])
    assert found(0, 1) == ({0}, [FlagKind.GAP])


def test_every_fault_put_into_a_clean_register_is_found_and_nothing_else() -> None:
    put = {"spike", "exchange", "rollover", "gap", "stuck", "sign"}
    reports = made_up(weeks=8)
    assert set(reports) == put
    for kind, report in reports.items():
        assert (report["precision"], report["recall"]) == (1.0, 1.0), kind


def test_a_meter_that_shows_the_same_for_days_is_stuck() -> None:
    values = [float(n) for n in range(10)] + [10.0] * 500 + [11.0]
    (flag,) = stuck("import_energy_wh", _evidence(values))
    assert (flag.first_us, flag.last_us) == (10 * QUARTER_US, 509 * QUARTER_US)
    assert not list(stuck("active_power_w", _evidence([0.0] * 1000)))
