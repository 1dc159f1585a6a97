"""A clock that nobody sets."""

from datetime import UTC, datetime, timedelta

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.clock import ScaledClock, SystemClock
from wattmesh_kernel.steady_clock import SteadyClock, seconds_since_boot, steady

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Machine:
    """A machine whose clock is set while seconds pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.set_by = timedelta(0)

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1000.0) + self.set_by

    def elapsed(self) -> float:
        return self.seconds


def test_a_machine_whose_clock_is_set_does_not_move_it() -> None:
    machine = Machine()
    clock = SteadyClock(SystemClock(), wall=machine.wall, elapsed=machine.elapsed)
    for step in (5 * MINUTE, -5 * MINUTE):
        machine.set_by = step
        machine.seconds += 60
        assert machine.wall() - clock.now() == step
    assert clock.now() == NOON + 2 * MINUTE


def test_a_scaled_clock_waits_for_its_start_and_then_runs_as_fast() -> None:
    machine = Machine()
    scaled = ScaledClock(sim_start=NOON, wall_start=NOON + MINUTE, rate=60.0)
    clock = SteadyClock(scaled, wall=machine.wall, elapsed=machine.elapsed)
    machine.seconds += 60
    assert (clock.now(), clock.rate) == (NOON, 60.0)
    machine.seconds += 60
    assert clock.now() == NOON + 60 * MINUTE


async def test_it_wakes_whoever_slept_until_then() -> None:
    clock = steady(SystemClock())
    begun = clock.now()
    await clock.sleep(timedelta(milliseconds=10))
    assert clock.now() - begun >= timedelta(milliseconds=10)


def test_seconds_since_boot_only_grow_and_other_clocks_stay_as_they_are() -> None:
    assert seconds_since_boot() <= seconds_since_boot()
    clock = ManualClock()
    assert steady(clock) is clock
