"""A home that gains a device keeps what is known of its load until then."""

import math
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import numpy as np
import pytest

from tests.fakes.metering_world import (
    HOUR,
    NOON,
    QUARTER,
    MeteringWorld,
    batch,
    energy_request,
    metering_world,
    point,
    samples,
    some_device,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import asset_pb2, device_pb2, site_service_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.time import TimeRange

HOME = "sites/home-1"
LOAD = f"{HOME}/assets/load"
MORNING = TimeRange(NOON - 4 * HOUR, NOON)
AFTERNOON = TimeRange(NOON, NOON + 4 * HOUR)
METERS = {
    point("meter", "import_energy_wh"): 500.0,
    point("meter", "export_energy_wh"): 0.0,
    point("inverter", "export_energy_wh"): 100.0,
    point("battery", "import_energy_wh"): 50.0,
    point("battery", "export_energy_wh"): 0.0,
}
"""What each counts in a quarter of an hour [Wh]: 550 of it are the load's."""
HOURLY_WH = 4 * 550.0
WALLBOX = rating_pb2.EvChargerRating(max_current_a=16, min_current_a=6)
PLANT = rating_pb2.PvRating(peak_power_w=2_000)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[MeteringWorld]:
    """A home that was metered all morning; nobody looked at the afternoon yet."""
    async with metering_world(database_url) as world:
        await world.add_home()
        await _metered(world, METERS, MORNING)
        yield world


async def _metered(world: MeteringWorld, meters: dict[str, float], span: TimeRange) -> None:
    counts = int(span.duration / QUARTER) + 1
    rows = [
        row
        for name, wh in meters.items()
        for row in samples(name, span.start, QUARTER, _register(wh, counts, span.start))
    ]
    world.clock.set(span.end)
    (answer,) = await world.send(batch(1, rows), source=f"{HOME}-{span.start:%H}")
    assert not answer.rejected


def _register(wh: float, counts: int, start: datetime) -> Iterable[float]:
    before = (start - MORNING.start) / QUARTER
    return list(10_000.0 + wh * (before + np.arange(counts)))


async def _gain(
    world: MeteringWorld, name: str, since: datetime | None = None, **rating: object
) -> None:
    asset = asset_pb2.Asset(name=f"{HOME}/assets/{name}", **rating)  # type: ignore[arg-type]
    await world.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
    function = device_pb2.DeviceFunction(asset=asset.name, meter_role=device_pb2.METER_ROLE_MAIN)
    if since is not None:
        function.start_time.CopyFrom(timestamp_to_proto(since))
    points = ("import_energy_wh", "export_energy_wh")
    device = some_device(f"{HOME}/devices/{name}", points, function)
    await world.sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))


async def _load_wh(world: MeteringWorld, span: TimeRange) -> list[float]:
    answer = await world.metering.QueryEnergy(energy_request(LOAD, span=span))
    return list(answer.energies[0].import_energy_wh.values)


async def test_a_home_that_gains_a_wallbox_keeps_its_loads_history(world: MeteringWorld) -> None:
    """Without it a forecast had nothing to learn from, for weeks."""
    assert await _load_wh(world, MORNING) == pytest.approx([HOURLY_WH] * 4)

    await _gain(world, "wallbox", ev_charger=WALLBOX)
    assert await _load_wh(world, MORNING) == pytest.approx([HOURLY_WH] * 4)

    wallbox = {
        point("wallbox", f"{way}_energy_wh"): wh for way, wh in (("import", 200.0), ("export", 0.0))
    }
    await _metered(world, METERS | wallbox, AFTERNOON)
    assert await _load_wh(world, MORNING) == pytest.approx([HOURLY_WH] * 4)
    assert await _load_wh(world, AFTERNOON) == pytest.approx([HOURLY_WH - 800.0] * 4)
    both = await _load_wh(world, TimeRange(MORNING.start, AFTERNOON.end))
    assert not any(map(math.isnan, both))


async def test_what_a_load_was_is_worth_as_much_as_before_the_gain(world: MeteringWorld) -> None:
    async def worth() -> list[float]:
        request = metering_pb2.QueryEnergyRequest(
            assets=[LOAD],
            range=time_range_to_proto(MORNING),
            resolution=duration_to_proto(HOUR),
            include_quality=True,
        )
        (energy,) = (await world.metering.QueryEnergy(request)).energies
        return list(energy.import_coverage_ratios)

    before = await worth()
    await _gain(world, "wallbox", ev_charger=WALLBOX)
    assert await worth() == before


async def test_a_wallbox_that_falls_silent_leaves_the_load_unknown(world: MeteringWorld) -> None:
    """It may have charged: nothing is made up for what existed."""
    await _gain(world, "wallbox", ev_charger=WALLBOX)
    wallbox = {point("wallbox", "import_energy_wh"): 0.0, point("wallbox", "export_energy_wh"): 0.0}
    await _metered(world, METERS, AFTERNOON)
    first = TimeRange(NOON, NOON + HOUR)
    rows = [row for name in wallbox for row in samples(name, first.start, QUARTER, [0.0] * 5)]
    await world.send(batch(1, rows), source="wallbox")
    world.clock.set(NOON + 30 * HOUR)

    found = await _load_wh(world, AFTERNOON)
    assert found[0] == pytest.approx(HOURLY_WH)
    assert all(map(math.isnan, found[1:]))


async def test_a_plant_that_nobody_says_the_start_of_may_have_been_there_unmetered(
    world: MeteringWorld,
) -> None:
    """Without its yield the house would seem to have used less than it did."""
    await _gain(world, "roof", pv_array=PLANT)
    assert all(map(math.isnan, await _load_wh(world, MORNING)))


async def test_a_plant_whose_meter_says_from_when_gave_nothing_before(world: MeteringWorld) -> None:
    await _gain(world, "roof", since=NOON, pv_array=PLANT)
    assert await _load_wh(world, MORNING) == pytest.approx([HOURLY_WH] * 4)

    await _metered(world, METERS, AFTERNOON)
    assert all(map(math.isnan, await _load_wh(world, AFTERNOON)))  # it is there, and says nothing
