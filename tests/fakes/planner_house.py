"""A home with a device of every kind that is planned, each of which reports."""

from datetime import timedelta

from tests.fakes.planner_heat import (
    KNOWN_TANK,
    KNOWN_ZONE,
    NIGHT_IS_CHEAP,
    TANK,
    TANK_RATING,
    WASHER,
    WASHER_RATING,
    ZONE,
    ZONE_RATING,
    tell,
    thing,
)
from tests.fakes.planner_home import HOUR, START, asset_id, device_id, home, without
from tests.fakes.planner_solving import SolvingOptimizer
from tests.fakes.planner_world import PlannerWorld
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import EvChargerRating, GeneratorRating, PvRating, Rating, WindRating
from wattmesh_planner.app.ports import SiteWishes
from wattmesh_planner.domain.charging import ChargingNeed, ChargingSession
from wattmesh_planner.domain.kinds.kind import Reading
from wattmesh_planner.domain.runs import Run

CHARGER = asset_id("charger")
METERED = frozenset({"active_power_w", "import_energy_wh", "export_energy_wh"})
_RATINGS: dict[str, tuple[Rating, SetpointKind]] = {
    "zone": (ZONE_RATING, SetpointKind.TEMPERATURE_CELSIUS),
    "tank": (TANK_RATING, SetpointKind.TEMPERATURE_CELSIUS),
    "washer": (WASHER_RATING, SetpointKind.ON_OFF),
    "pv": (PvRating(peak_power_w=4_000.0, curtailable=True), SetpointKind.GENERATION_LIMIT_W),
    "wind": (
        WindRating(max_output_power_w=3_000.0, curtailable=True),
        SetpointKind.GENERATION_LIMIT_W,
    ),
    "charger": (
        EvChargerRating(max_current_a=16.0, min_current_a=6.0),
        SetpointKind.ACTIVE_POWER_W,
    ),
    "generator": (
        GeneratorRating(max_output_power_w=2_000.0, fuel_cost_per_kwh=0.2),
        SetpointKind.ACTIVE_POWER_W,
    ),
}
KINDS = ("battery", *_RATINGS)
CURTAILED = {"pv", "wind"}
"""Nothing is told to these while nothing has to be given up."""
_SHOWN = {"zone": 21.0, "tank": 52.0, "charger": 1_000.0, "generator": 0.0}


async def whole_house() -> PlannerWorld:
    """A planner that really solves; a vehicle is there, and a run of the washer is wanted."""
    world = PlannerWorld(optimizer=SolvingOptimizer())
    parts = [
        each
        for name, (rating, kind) in _RATINGS.items()
        for each in thing(name, rating, kind, points=METERED | {"temperature_celsius"})
    ]
    await world.knows(*without(home(), "pv"), *parts, NIGHT_IS_CHEAP)
    world.outlooks.by_asset = {ZONE: KNOWN_ZONE, TANK: KNOWN_TANK}
    for name, value in _SHOWN.items():
        tell(world, name, value)
    world.sessions.by_asset[CHARGER] = vehicle(HOUR / 2)
    run = Run(name="r", latest_end=START + 20 * HOUR, profile_w=(2_000.0,), profile_resolution=HOUR)
    world.wishes.wanted = SiteWishes(runs={WASHER: (run,)})
    return world


def vehicle(age: timedelta) -> ChargingSession:
    """A vehicle of which the charge point told last so long ago."""
    return ChargingSession(
        id="s1",
        arrival_time=START - age - HOUR,
        measure_time=START - age,
        charged_energy_wh=1_000.0,
        need=ChargingNeed(departure_time=START + 10 * HOUR, energy_wh=10_000.0),
    )


def silence(
    world: PlannerWorld, name: str, age: timedelta, session: timedelta | None = None
) -> None:
    """Have a device say nothing since so long ago; `session`: nothing new of its vehicle."""
    before = world.meter.by_device.get(device_id(name), world.meter.default)
    assert before is not None
    silent = Reading(measure_time=START - age, value=before.value)
    world.meter.by_device[device_id(name)] = silent
    if name == "charger":
        world.sessions.by_asset[CHARGER] = vehicle(session or age)
