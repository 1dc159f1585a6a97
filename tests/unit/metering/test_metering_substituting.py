"""What is put in the place of missing readings: how it is made, and where it stands."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_metering.domain.coverage import worth_of_meters
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Breaks, Floats, Ints, to_microseconds
from wattmesh_metering.domain.spans import Meters, MeterSpan
from wattmesh_metering.domain.substitutes import Method, Substitute, with_substitutes
from wattmesh_metering.domain.vee.flags import Flag, FlagKind
from wattmesh_metering.domain.vee.substituting import Missing, substitute, wanted

QUARTER_US = 900_000_000
HOUR_US = 4 * QUARTER_US
GAP_US = 3 * HOUR_US
BERLIN = ZoneInfo("Europe/Berlin")
NAN = float("nan")


def _course(times_us: Ints) -> Floats:
    """What is drawn by the clocks of Berlin [Wh per quarter]: by night less, on Sundays nothing."""
    local = [
        datetime.fromtimestamp(each / 1e6, UTC).astimezone(BERLIN) for each in times_us.tolist()
    ]
    drawn = [0.0 if each.weekday() == 6 else 10.0 + 90 * (7 <= each.hour < 20) for each in local]
    return np.array(drawn)


def _register(start: datetime, days: int) -> tuple[Ints, Floats]:
    times_us = to_microseconds(start) + np.arange(days * 96) * QUARTER_US
    return times_us, 1e6 + np.concatenate([[0], np.cumsum(_course(times_us[:-1]))])


def _histories(
    times_us: Ints, values: Floats, breaks: Breaks | None = None, qualities: bool = True
) -> Histories:
    return Histories(
        keys=(7,),
        ends=np.array([len(times_us)]),
        times_us=times_us,
        values=values,
        breaks={} if breaks is None else {7: breaks},
        qualities=np.ones(len(times_us), np.int64) if qualities else None,
    )


def _missing(kind: FlagKind, first_us: int, last_us: int, *, register: bool = True) -> Missing:
    lift = NAN if kind in (FlagKind.EXCHANGE, FlagKind.JUMP) else None
    flag = Flag(
        kind=kind,
        first_us=first_us,
        last_us=last_us,
        message="",
        lift=lift,
        excludes=kind is FlagKind.SPIKE,
    )
    assert wanted(flag)
    return Missing(key=7, flag=flag, interval_us=QUARTER_US, register=register, zone=BERLIN)


@pytest.mark.parametrize(
    "start", [datetime(2024, 3, 4, tzinfo=UTC), datetime(2024, 9, 30, tzinfo=UTC)]
)
def test_a_day_that_is_missing_has_the_course_of_days_of_its_type_by_the_sites_clock(
    start: datetime,
) -> None:
    """Thursday to Sunday, with examples before and after the clocks are set."""
    times_us, truth = _register(start, 56)
    first, last = 24 * 96 + 30, 28 * 96 + 5
    kept = np.r_[0 : first + 1, last : len(times_us)]
    histories = _histories(times_us[kept], truth[kept])
    gap = _missing(FlagKind.GAP, int(times_us[first]), int(times_us[last]))
    made = substitute(gap, histories, GAP_US)
    assert made is not None
    assert made.method is Method.SAME_DAY_TYPE
    put = with_substitutes(histories, [made])
    assert put.times_us.tolist() == times_us.tolist()
    assert put.values == pytest.approx(truth)
    assert put.values[last] == truth[last], "the rise itself is measured"


def test_a_short_gap_is_on_the_line_and_told_as_substituted_though_not_as_covered() -> None:
    times_us, truth = _register(datetime(2024, 3, 4, tzinfo=UTC), 2)
    kept = np.r_[0:41, 48 : len(times_us)]
    histories = _histories(times_us[kept], truth[kept])
    gap = _missing(FlagKind.GAP, int(times_us[40]), int(times_us[48]))
    made = substitute(gap, histories, GAP_US)
    assert made is not None
    assert made.method is Method.INTERPOLATED
    put = with_substitutes(histories, [made])
    meters = Meters(spans=(MeterSpan(key=7),))
    hours_us = times_us[36:57:4]
    worth = worth_of_meters(meters, put, hours_us, GAP_US)
    assert worth.qualities.tolist() == [1, 3, 3, 1, 1]
    assert worth.coverage.tolist() == [1, 0, 0, 1, 1]


def test_an_exchange_of_which_nobody_said_costs_no_energy_but_what_is_told_as_estimated() -> None:
    times_us, truth = _register(datetime(2024, 3, 4, tzinfo=UTC), 21)
    values = truth.copy()
    values[1000:] -= truth[1000] - 3  # the new meter showed 3 at its first reading
    moment = int(times_us[1000])
    unknown = Breaks(times_us=np.array([moment]), lifts=np.array([NAN]))
    histories = _histories(times_us, values, unknown)
    made = substitute(_missing(FlagKind.EXCHANGE, moment, moment), histories, GAP_US)
    assert made is not None
    assert made.method is Method.SAME_DAY_TYPE
    assert made.rise == pytest.approx(100.0)
    bounds_us = times_us[np.newaxis, 960:1040:8]
    assert np.isnan(histories.rises([7], bounds_us, GAP_US)).sum() == 1
    put = with_substitutes(histories, [made])
    assert put.rises([7], bounds_us, GAP_US)[0] == pytest.approx(np.diff(truth[960:1040:8]))
    assert put.worst_qualities([7], bounds_us, GAP_US)[0].tolist() == [1, 1, 1, 1, 3, *[1] * 4]


def test_a_gauge_that_was_away_shows_what_it_shows_on_days_of_the_type() -> None:
    times_us, _ = _register(datetime(2024, 3, 4, tzinfo=UTC), 28)
    truth = _course(times_us)
    kept = np.r_[0:1400, 1440 : len(times_us)]
    histories = _histories(times_us[kept], truth[kept], qualities=False)
    gap = _missing(FlagKind.GAP, int(times_us[1399]), int(times_us[1440]), register=False)
    made = substitute(gap, histories, GAP_US)
    assert made is not None
    assert with_substitutes(histories, [made]).values == pytest.approx(truth)


def test_without_any_day_to_go_by_a_rise_is_spread_evenly_and_an_exchange_stays_unknown() -> None:
    times_us: Ints = np.array([0, 1, 30, 31]) * HOUR_US
    histories = _histories(times_us, np.array([0.0, 10, 300, 310]))
    made = substitute(_missing(FlagKind.GAP, HOUR_US, 30 * HOUR_US), histories, GAP_US)
    assert made is not None
    assert made.method is Method.INTERPOLATED
    assert made.values == pytest.approx(np.arange(1, 116) / 116)
    exchange = Breaks(times_us=times_us[2:3], lifts=np.array([NAN]))
    missing = _missing(FlagKind.EXCHANGE, 30 * HOUR_US, 30 * HOUR_US)
    assert substitute(missing, _histories(times_us, histories.values, exchange), GAP_US) is None


def test_what_stood_in_the_place_of_readings_gives_way_to_one_that_came_late() -> None:
    times_us: Ints = np.array([0, 4, 8, 9]) * HOUR_US
    histories = _histories(times_us, np.array([0.0, 10, 300, 310]))
    made = Substitute(
        key=7,
        first_us=0,
        last_us=8 * HOUR_US,
        step_us=HOUR_US,
        method=Method.INTERPOLATED,
        values=np.arange(1, 8) / 8,
        register=True,
    )
    assert with_substitutes(histories, [made]) is histories


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 900)), min_size=3, max_size=6),
    st.data(),
)
def test_whatever_is_put_between_readings_no_measured_rise_changes(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Known breaks between the readings included."""
    times_us: Ints = np.cumsum([minutes for minutes, _ in rows]) * 60_000_000
    values = np.cumsum([float(rise) for _, rise in rows])
    place = data.draw(st.integers(0, len(rows) - 2))
    moment = int(times_us[place]) + data.draw(
        st.integers(1, int(times_us[place + 1] - times_us[place]))
    )
    breaks = Breaks(times_us=np.array([moment]), lifts=np.array([12.0]))
    histories = _histories(times_us, values, breaks)
    made = [
        substitute(
            _missing(FlagKind.GAP, int(times_us[each]), int(times_us[each + 1])),
            histories,
            GAP_US,
        )
        for each in range(len(rows) - 1)
    ]
    put = with_substitutes(histories, [each for each in made if each is not None])
    whole_us = int(timedelta(days=9) / timedelta(microseconds=1))
    before = histories.rises([7], times_us[np.newaxis], whole_us)
    assert put.rises([7], times_us[np.newaxis], whole_us) == pytest.approx(before)
    assert not np.isnan(put.rises([7], times_us[np.newaxis], QUARTER_US)).any()
