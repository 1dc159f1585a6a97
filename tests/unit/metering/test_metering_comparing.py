"""Meters that contradict each other are told, and those that agree within their class are not."""

from collections import Counter

import numpy as np
import pytest

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats
from wattmesh_metering.domain.rollups import DAY_US, QUARTER_US
from wattmesh_metering.domain.vee.comparing import AssetMeters, Meter, compare
from wattmesh_metering.domain.vee.flags import FlagKind

WEEKS = 3
SIZE = WEEKS * 7 * 96
BEGIN_US = 4 * DAY_US  # weeks count from a Thursday, as 1970 did
SPAN_US = (BEGIN_US - DAY_US // 2, BEGIN_US + WEEKS * 7 * DAY_US + DAY_US // 2)
GAP_US = 3 * 3_600_000_000
MAIN, CHECK = Meter(imports=1, exports=2), Meter(imports=3, exports=4)


def _flows(seed: int = 3) -> Floats:
    """A home with PV: quarters of energy in and out [Wh], with the ups and downs of appliances."""
    random = np.random.default_rng(seed)
    quarters = np.arange(SIZE) % 96
    load = 80 + 60 * np.sin(quarters / 96 * 2 * np.pi) ** 2 + 400 * (random.random(SIZE) < 0.08)
    sun = 700 * np.clip(np.sin((quarters - 24) / 48 * np.pi), 0, None) * random.uniform(0.3, 1)
    net = load - sun * random.uniform(0.5, 1.0, SIZE)
    return np.array([np.clip(net, 0, None), np.clip(-net, 0, None)])


def _registers(*flows: Floats) -> Histories:
    """Registers 1, 2, … of these flows, a reading each quarter; NaN: none."""
    keys, times, values = [], [], []
    for key, flow in enumerate((row for each in flows for row in each), start=1):
        known = np.append(True, ~np.isnan(flow))
        shown = 5e6 + np.append(0, np.cumsum(np.nan_to_num(flow)))
        keys.append(key)
        times.append((BEGIN_US + np.arange(SIZE + 1) * QUARTER_US)[known])
        values.append(shown[known])
    return Histories(
        keys=keys,
        ends=np.cumsum([len(each) for each in times]),
        times_us=np.concatenate(times),
        values=np.concatenate(values),
    )


def _found(meters: AssetMeters, *flows: Floats) -> Counter[tuple[int, FlagKind]]:
    found = compare(meters, _registers(*flows), SPAN_US, GAP_US)
    return Counter((key, flag.kind) for key, flag in found)


CHECKED = AssetMeters(counting=(MAIN,), checks=(CHECK,))


@pytest.mark.parametrize("seed", range(5))
def test_meters_that_agree_within_their_class_are_not_accused(seed: int) -> None:
    flows = _flows(seed)
    gappy = 1.01 * flows
    gappy[:, 300:500] = np.nan
    assert not _found(CHECKED, flows, gappy)
    assert not _found(AssetMeters(counting=(MAIN,), subs=(CHECK,)), flows, 0.6 * flows)


def test_a_sum_that_does_not_hold_is_told_of_the_main_meter_day_by_day() -> None:
    flows = _flows()
    wrong = flows.copy()
    wrong[:, 96 : 3 * 96] *= 1.2
    found = _found(CHECKED, flows, wrong)
    assert found == {(1, FlagKind.SUM): 2, (2, FlagKind.SUM): 2}


def test_parts_that_draw_more_than_the_whole_are_told() -> None:
    whole = np.array([np.full(SIZE, 100.0), np.zeros(SIZE)])
    found = _found(AssetMeters(counting=(MAIN,), subs=(CHECK,)), whole, 1.1 * whole)
    assert found == {(1, FlagKind.SUM): WEEKS * 7, (2, FlagKind.SUM): WEEKS * 7}


def test_swapped_directions_are_told_of_the_check_meter() -> None:
    flows = _flows()
    found = _found(CHECKED, flows, flows[::-1])
    assert set(found) == {(3, FlagKind.SIGN), (4, FlagKind.SIGN)}
    assert found[3, FlagKind.SIGN] >= WEEKS * 7 - 2  # but for days on which it hardly matters


@pytest.mark.parametrize("quarters", [-4, -1, 1, 4, 8])
def test_a_clock_that_is_off_is_told_and_no_sum_beside_it(quarters: int) -> None:
    flows = _flows()
    found = list(compare(CHECKED, _registers(flows, np.roll(flows, quarters, 1)), SPAN_US, GAP_US))
    assert {(key, flag.kind) for key, flag in found} == {
        (3, FlagKind.CLOCK),
        (4, FlagKind.CLOCK),
    }
    assert len(found) == 2 * (WEEKS - 1)  # whole weeks in the span
    way = "ahead of" if quarters > 0 else "behind"
    assert all(f"{15 * abs(quarters)} min {way}" in flag.message for _, flag in found)


def test_an_inverter_that_draws_by_day_and_a_load_that_feeds_in_are_told() -> None:
    sun = np.array([np.full(SIZE, 5.0), np.maximum(0, _flows()[1])])
    pv = AssetMeters(counting=(MAIN,), one_way=-1, rated_w=4000.0)
    assert not _found(pv, sun)
    assert set(_found(pv, sun[::-1])) == {(1, FlagKind.SIGN)}
    load = AssetMeters(counting=(MAIN,), one_way=1)
    drawn = np.array([np.full(SIZE, 100.0), np.zeros(SIZE)])
    assert not _found(load, drawn)
    assert _found(load, drawn[::-1]) == {(2, FlagKind.SIGN): WEEKS * 7}


def test_the_same_finding_is_the_same_flag_whatever_span_is_looked_at() -> None:
    flows = _flows()
    registers = _registers(flows, 1.2 * flows)
    whole = {flag.what for _, flag in compare(CHECKED, registers, SPAN_US, GAP_US)}
    part_us = (BEGIN_US + DAY_US + 7, BEGIN_US + 5 * DAY_US + 7)
    part = {flag.what for _, flag in compare(CHECKED, registers, part_us, GAP_US)}
    assert len(part) == 3
    assert part < whole
