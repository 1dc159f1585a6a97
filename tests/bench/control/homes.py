"""Homes for each class of lie: a battery or two, the sun, and a meter at the grid connection."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from tests.fakes.control_metering import GATEWAY, metered_home
from tests.fakes.lying_devices import STEP_S, Floats, Lie, LyingBattery, RestlessHome
from tests.fakes.series_meter import PowerAt
from wattmesh_control.domain.effects.verdict import Effect, EffectReason
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import Asset, BatteryRating, Device, Resource
from wattmesh_kernel.time import TimeRange

INTERVAL = timedelta(seconds=STEP_S)
RANGE_S = 900.0
QUIET_RANGES = 3
"""So many ranges pass before the first command: what homes do by themselves."""

Values = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True, kw_only=True, slots=True)
class LieClass:
    """One class: what its battery does, and whether and beside whom it is measured.

    `beside`: a second battery, which steps at the same instants. `excused`: reasons for which
    UNKNOWN is the right answer.
    """

    name: str
    lie: Lie
    grid: bool = True
    beside: Lie | None = None
    values: str = "steps"
    excused: frozenset[EffectReason] = frozenset()
    right: tuple[Effect, EffectReason] | None = None
    """The right answer, where what the battery did is not all there is to it."""


_FROZEN = frozenset({EffectReason.METER_FROZEN})
_UNCLEAR = frozenset({EffectReason.NO_STEP})
_AT_ONCE = frozenset({EffectReason.AMBIGUOUS})

CLASSES = (
    LieClass(name="nothing", lie=Lie.NOTHING),
    LieClass(name="clamps", lie=Lie.CLAMPS),
    LieClass(name="late_20s", lie=Lie.LATE),
    LieClass(name="sign", lie=Lie.SIGN),
    LieClass(name="forgets_on_reboot", lie=Lie.FORGETS),
    LieClass(name="frozen_meter", lie=Lie.FROZEN, excused=_FROZEN),
    LieClass(name="frozen_meter_and_nothing", lie=Lie.FROZEN_IDLE, excused=_FROZEN),
    LieClass(name="phantom", lie=Lie.PHANTOM),
    LieClass(
        name="phantom_beside_an_honest_one", lie=Lie.PHANTOM, beside=Lie.HONEST, excused=_AT_ONCE
    ),
    LieClass(name="nothing_own_meter", lie=Lie.NOTHING, grid=False),
    LieClass(name="clamps_own_meter", lie=Lie.CLAMPS, grid=False),
    LieClass(name="late_20s_own_meter", lie=Lie.LATE, grid=False),
    LieClass(name="sign_own_meter", lie=Lie.SIGN, grid=False),
    LieClass(name="forgets_on_reboot_own_meter", lie=Lie.FORGETS, grid=False),
    LieClass(name="frozen_meter_own_meter", lie=Lie.FROZEN, grid=False, excused=_FROZEN),
    LieClass(
        name="frozen_meter_and_nothing_own_meter",
        lie=Lie.FROZEN_IDLE,
        grid=False,
        excused=_FROZEN,
    ),
    LieClass(name="honest", lie=Lie.HONEST),
    LieClass(name="honest_own_meter", lie=Lie.HONEST, grid=False),
    LieClass(name="honest_beside_a_phantom", lie=Lie.HONEST, beside=Lie.PHANTOM, excused=_AT_ONCE),
    LieClass(name="honest_at_the_setpoint", lie=Lie.HONEST, values="pairs", excused=_UNCLEAR),
    LieClass(
        name="honest_full",
        lie=Lie.FULL,
        values="charging",
        right=(Effect.NONE, EffectReason.STORE_FULL),
    ),
)


def setpoints(kind: str, rng: np.random.Generator, count: int) -> Floats:
    """Return setpoints [W]: of both signs, in pairs of equal ones, or charging only."""
    sizes = rng.uniform(800.0, 4500.0, count)
    if kind == "charging":
        return sizes
    signed: Floats = sizes * rng.choice([-1.0, 1.0], count)
    return np.repeat(signed, 2)[:count] if kind == "pairs" else signed


class LyingHome:
    """One home of a class with its batteries, and what its meters show on a raster of steps."""

    def __init__(self, index: int, lie_class: LieClass, commands: int, start: datetime) -> None:
        self.lie_class = lie_class
        self.site = SiteId(f"home-{index}")
        self._start = start
        ranges = QUIET_RANGES + commands + 2
        steps = int(ranges * RANGE_S / STEP_S)
        lies = [lie_class.lie, *([lie_class.beside] if lie_class.beside else [])]
        names = ("battery", "battery-2")
        self.batteries = {
            DeviceId(self.site, name): LyingBattery(
                lie=lie, steps=steps, seed=97 * index + 5 * place
            )
            for place, (name, lie) in enumerate(zip(names, lies, strict=False))
        }
        rng = np.random.default_rng(1000 + index)
        self.values_w = {
            device: setpoints(lie_class.values, rng, commands) for device in self.batteries
        }
        self._home = RestlessHome(steps=steps, seed=31 * index + 2)

    @property
    def judged(self) -> DeviceId:
        """The device whose verdicts count."""
        return next(iter(self.batteries))

    def resources(self) -> list[Resource]:
        """Return the home as the site model has it."""
        found: list[Resource] = []
        for each in metered_home(self.site.segment, GATEWAY, INTERVAL):
            if isinstance(each, Device) and each.id.segment == "meter" and not self.lie_class.grid:
                continue
            if isinstance(each, Device) and each.id.segment == "inverter":
                functions = tuple(replace(x, controls=False) for x in each.functions)
                each = replace(each, functions=functions)
            if isinstance(each, Device) and each.id == self.judged:
                each = replace(each, points=each.points | {"soc_ratio"})
            found.append(each)
            if len(self.batteries) > 1:
                found += self._second(each)
        return found

    def powers(self) -> dict[str, PowerAt]:
        """Return what each meter shows, by point."""
        home, batteries = self._home, self.batteries
        name = self.site.name
        shown = {
            f"{name}/devices/inverter/points/active_power_w": home.shown_sun_w,
            **{f"{x.name}/points/active_power_w": y.shown_w for x, y in batteries.items()},
        }
        if self.lie_class.grid:
            grid = f"{name}/devices/meter/points/active_power_w"
            shown[grid] = lambda: home.grid_w(*batteries.values())
        soc_ratio = batteries[self.judged].soc_ratio
        return {
            **{point: self._window(values) for point, values in shown.items()},
            f"{self.judged.name}/points/soc_ratio": lambda span, count: np.full(count, soc_ratio),
        }

    def _second(self, each: Resource) -> list[Resource]:
        """Return the second battery beside the first."""
        if isinstance(each, Asset) and isinstance(each.rating, BatteryRating):
            return [replace(each, id=type(each.id)(self.site, "battery-2"))]
        if isinstance(each, Device) and each.id == self.judged:
            (function,) = each.functions
            asset = type(function.asset)(self.site, "battery-2")
            functions = (replace(function, asset=asset),)
            return [replace(each, id=DeviceId(self.site, "battery-2"), functions=functions)]
        return []

    def _window(self, values: Callable[[], Floats]) -> PowerAt:
        def power(span: TimeRange, count: int) -> Floats:
            first = (span.start - self._start) // INTERVAL
            found = np.full(count, np.nan)
            every = values()
            low, high = max(first, 0), min(first + count, len(every))
            found[low - first : high - first] = every[low:high]
            return found

        return power
