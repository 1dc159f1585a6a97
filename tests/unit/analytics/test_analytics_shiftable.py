"""Tanks and work that can wait, over again."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_analytics.domain.tank_replay import TankRecord, TankReplay, drawn_w
from wattmesh_analytics.domain.work import PastRun, Work, works_of
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import CopPoint, DeferrableRating, HeatPumpRating, TankRating
from wattmesh_kernel.time import TimeRange

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WASHER = AssetId(SiteId("house"), "washer")
NAN = float("nan")


def tank(
    energy_wh: list[float], celsius: list[float], *, loss_w_per_k: float = 3.0, first: float = 55.0
) -> TankReplay:
    """A tank of 300 Wh/K that is kept above 50 °C by a resistive heater of 3 kW."""
    heater = HeatPumpRating(
        max_power_w=3_000, cop_points=(CopPoint(outdoor_temperature_celsius=0, cop_ratio=1.0),)
    )
    return TankReplay(
        rating=TankRating(
            capacity_wh_per_k=300,
            min_temperature_celsius=50,
            max_temperature_celsius=70,
            loss_w_per_k=loss_w_per_k,
            heater=heater,
        ),
        record=TankRecord(
            energy_wh=Series(START, HOUR, np.array(energy_wh)),
            celsius=np.array(celsius),
            outdoor_celsius=np.zeros(len(celsius)),
            first_celsius=first,
        ),
    )


def test_run_with_what_was_metered_a_tank_is_as_warm_as_was_metered() -> None:
    energy, celsius = [1_000.0, 0.0, 500.0], [57.0, 49.0, 52.0]
    replay = tank(energy, celsius)
    replay.keep(0, np.array(energy))
    run = replay.run()
    assert run.moved.ruled.values.tolist() == energy
    assert run.stored_wh == pytest.approx(0, abs=1e-9)
    assert run.ruled_kelvin_hours == pytest.approx(run.metered_kelvin_hours) == pytest.approx(1.0)


def test_a_thermostat_keeps_the_lower_edge_and_leaves_less_in_the_tank() -> None:
    """It is 60 °C at the end by 1.5 kWh; at 50 there are 10 K, 3 kWh of heat, less in it."""
    replay = tank([1_500.0, 0.0], [60.0, 60.0], loss_w_per_k=0.0)
    replay.keep_lower_edge()
    run = replay.run()
    assert run.moved.ruled.values.tolist() == [0.0, 0.0]
    assert run.stored_wh == pytest.approx(1_500.0)
    assert run.ruled_kelvin_hours == 0.0


def test_where_a_tank_was_not_metered_nothing_is_known_and_it_goes_on_from_what_was() -> None:
    replay = tank([0.0, NAN, 0.0], [55.0, 54.0, 53.0], loss_w_per_k=0.0)
    replay.keep_lower_edge()
    taken = replay.taken_wh(0, 3)
    assert taken[0] == 0.0
    assert np.isnan(taken[1])
    assert taken[2] == 0.0


def test_what_a_noisy_sensor_gives_is_taken_back_from_what_is_drawn_later() -> None:
    assert drawn_w(np.array([-100.0, 300.0, 50.0])).tolist() == [0.0, 200.0, 50.0]


def runs(*hours: tuple[int, int, int | None, int]) -> list[PastRun]:
    """Runs that ran from to, and might have from to."""
    return [
        PastRun(
            ran=TimeRange(START + begin * HOUR, START + end * HOUR),
            earliest=None if earliest is None else START + earliest * HOUR,
            latest_end=START + latest * HOUR,
        )
        for begin, end, earliest, latest in hours
    ]


def found_in(
    metered: list[float], *hours: tuple[int, int, int | None, int], interruptible: bool = False
) -> tuple[list[Work], list[float]]:
    rating = DeferrableRating(max_power_w=2_000, interruptible=interruptible)
    work, taken = works_of(WASHER, rating, Series(START, HOUR, np.array(metered)), runs(*hours))
    return work, taken.tolist()


def span(work: Work) -> tuple[float, float]:
    return (work.range.start - START) / HOUR, (work.range.end - START) / HOUR


def test_a_run_needs_what_was_metered_while_it_ran_and_what_stands_by_stays() -> None:
    (run,), taken = found_in([5.0, 5.0, 1_000.0, 500.0, 5.0, 5.0], (2, 4, 0, 6))
    assert run.powers_w.tolist() == [1_000.0, 500.0]
    assert taken == [0.0, 0.0, 1_000.0, 500.0, 0.0, 0.0]
    assert span(run) == (0, 6)


def test_two_runs_of_a_machine_are_never_moved_into_each_other() -> None:
    metered = [0.0, 1_000.0, 0.0, 0.0, 800.0, 0.0]
    (first, second), _ = found_in(metered, (1, 2, 0, 6), (4, 5, 0, 6))
    assert span(first) == (0, 4)
    assert span(second) == (4, 6)


def test_a_run_of_which_something_was_not_metered_or_lies_outside_stays_as_it_was() -> None:
    metered = [900.0, 0.0, NAN, 700.0, 0.0, 300.0]
    work, taken = found_in(metered, (-1, 1, None, 3), (2, 4, 1, 6), (5, 7, 4, 9))
    assert work == []
    assert taken == [0.0] * 6


def test_nobody_said_when_a_run_was_asked_for_so_it_may_not_run_before_it_did() -> None:
    (run,), _ = found_in([0.0, 0.0, 1_000.0, 0.0], (2, 3, None, 4))
    assert span(run) == (2, 4)


def test_a_run_that_may_pause_is_done_at_once_by_most_power() -> None:
    (run,), _ = found_in([0.0, 0.0, 1_000.0, 1_500.0], (2, 4, 0, 4), interruptible=True)
    assert run.at_once(4, START).tolist() == [2_000.0, 500.0, 0.0, 0.0]


def test_a_run_that_goes_on_over_midnight_counts_what_has_passed_of_it() -> None:
    (run,), _ = found_in([0.0, 0.0, 1_000.0, 1_500.0], (2, 4, 0, 4))
    run.take(np.array([0.0, 1_000.0]))
    assert (run.elapsed, run.lacking_wh, run.done) == (1, 1_500.0, False)
    run.take(np.array([1_500.0, 0.0]))
    assert run.done
    assert run.lacking_wh == pytest.approx(0.0)
