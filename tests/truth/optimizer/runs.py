"""Work that can wait: profiles, and energy with pauses."""

from datetime import timedelta

from numpy.random import Generator as Random

from tests.truth.optimizer.electrical import on_and_off
from tests.truth.optimizer.home import START, Case, random_home
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun


def profile_run(random: Random) -> Case:
    """A run that goes through once it has begun, within its window or not at all."""
    home = random_home(random)
    of, size = home.programme, int(random.integers(1, 5))
    powers = random.uniform(0.2, 3, size)
    first = int(random.integers(0, home.count - 1))
    last = int(random.integers(first + 1, home.count + 1))
    step = timedelta(hours=home.hours)
    home.add(
        "washer",
        DeferrableLoad(
            run=ProfileRun(powers_kw=powers),
            earliest_start=START + first * step,
            latest_end=START + last * step,
        ),
    )
    starts = {k: of.binary() for k in range(first, last - size + 1)}
    missed = of.binary(5.0 * float(powers.sum()) * home.hours)
    of.row([(missed, 1.0), *((each, 1.0) for each in starts.values())], 1.0, 1.0)
    for k, column in starts.items():
        for offset, power in enumerate(powers.tolist()):
            home.inflow[k + offset].append((column, power))
    home.connect()
    return home.case()


def interruptible_run(random: Random) -> Case:
    """Energy within a window, with a least power and least times on and off."""
    home = random_home(random)
    of, hours, step = home.programme, home.hours, timedelta(hours=home.hours)
    most, timed = float(random.uniform(1, 3)), random.random() < 0.5
    least = most / 2 if timed or random.random() < 0.5 else 0.0
    up, down = (int(random.integers(1, 4)) if timed else 1 for _ in range(2))
    energy = float(random.uniform(0, most * home.count * hours))
    first = int(random.integers(0, home.count - 1))
    last = int(random.integers(first + 1, home.count + 1))
    home.add(
        "pump",
        DeferrableLoad(
            run=InterruptibleRun(
                energy_kwh=energy,
                max_power_kw=most,
                min_power_kw=least,
                min_on_duration=up * step if timed else timedelta(0),
                min_off_duration=down * step if timed else timedelta(0),
            ),
            earliest_start=START + first * step,
            latest_end=START + last * step,
        ),
    )
    ons = on_and_off(of, home.count, up, down, 0.0, 0.0)
    done = []
    for k, on in enumerate(ons):
        power = of.column(upper=most if first <= k < last else 0.0)
        of.row([(power, 1.0), (on, -most)], upper=0.0)
        of.row([(power, 1.0), (on, -least)], lower=0.0)
        if not first <= k < last:
            of.row([(on, 1.0)], upper=0.0)
        done.append((power, hours))
        home.inflow[k].append((power, 1.0))
    missed = of.column(5.0)
    of.row([*done, (missed, 1.0)], lower=energy)
    home.connect()
    return home.case()
