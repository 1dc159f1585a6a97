"""A site of the twin without the grid: it balances itself, and counts what it served."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.adapters.data.microgrids import wind_rating
from wattmesh_twin.domain.battery import BatterySpec, BatteryState
from wattmesh_twin.domain.dataset import SiteMeasurements
from wattmesh_twin.domain.generator import GeneratorSpec, ordered
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.microgrid import MicrogridSpec, TurbineSpec, balanced
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.site import SiteSpec
from wattmesh_twin.domain.wind import DrawnWind

START = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
OUTAGE = TimeRange.of(START + HOUR, 3 * HOUR)
BATTERY = BatterySpec.symmetric(
    capacity_wh=4_000.0, power_w=2_000.0, round_trip_efficiency_ratio=1.0, initial_soc_ratio=0.5
)


def hall(load_w: float, pv_w: float = 0.0, **more: object) -> SitePhysics:
    spec = SiteSpec(
        id=SiteId("hall"),
        display_name="Hall",
        loads=("hall",),
        pv=PvSpec(peak_power_w=5_000.0),
        battery=BATTERY,
        microgrid=MicrogridSpec(critical_ratio=0.5, outages=(OUTAGE,)),
        **more,  # type: ignore[arg-type]
    )
    powers = {
        name: Series(START, HOUR, np.full(8, each)) for name, each in (("l", load_w), ("p", pv_w))
    }
    clock = ManualClock(START + 8 * HOUR)
    return SiteMeasurements(
        spec=spec, loads_w={"hall": powers["l"]}, pv_available_w=powers["p"]
    ).physics(clock)


def test_without_the_grid_nothing_is_exchanged_and_the_load_gives_way_when_the_store_is_empty() -> (
    None
):
    physics = hall(1_000.0)
    before = physics.advance(physics.spec.initial(START), OUTAGE.start)
    assert before.islanded
    state = physics.advance(before, OUTAGE.end)

    assert state.meters["meter"].import_wh == pytest.approx(1_000.0)  # of the hour with the grid
    assert state.meters["meter"].export_wh == 0.0
    assert state.island.seconds == pytest.approx(3 * 3_600.0)
    assert state.island.wanted_wh == pytest.approx(3_000.0)
    assert state.island.served_wh == pytest.approx(2_000.0)  # all that was stored
    assert state.island.critical_wanted_wh == pytest.approx(1_500.0)
    assert state.island.critical_served_wh == pytest.approx(1_000.0)
    # the switch closes by itself once the grid has been good for a while
    later = physics.advance(state, OUTAGE.end + timedelta(seconds=3))
    assert not later.islanded


def test_what_nothing_takes_the_sun_gives_less_of() -> None:
    physics = hall(500.0, pv_w=4_000.0)
    before = replace(physics.advance(physics.spec.initial(START), OUTAGE.start))
    state = physics.advance(before, OUTAGE.end)
    assert state.battery is not None
    assert state.battery.soc_ratio(BATTERY) == pytest.approx(1.0)
    given_wh = state.pv_export_wh - before.pv_export_wh
    assert given_wh == pytest.approx(3 * 500.0 + 2_000.0)
    assert state.island.curtailed_wh == pytest.approx(3 * 4_000.0 - given_wh)
    assert state.meters["meter"].export_wh == pytest.approx(3_500.0)  # of the hour before alone


def test_a_generator_set_that_is_told_to_carries_the_load_and_a_turbine_does_when_it_blows() -> (
    None
):
    spec = GeneratorSpec(rated_w=3_000.0, least_w=900.0)
    turbine = TurbineSpec(rating=wind_rating(2_000.0, 24.0), wind=DrawnWind(mean_m_per_s=6.0))
    physics = hall(1_500.0, generator=spec, turbine=turbine)
    state = physics.advance(physics.spec.initial(START), OUTAGE.start)
    assert state.generator is not None
    told = ordered(spec, state.generator, Lease.of(1_500.0, state.time, 3 * HOUR))
    state = physics.advance(replace(state, generator=told), OUTAGE.end)

    assert state.island.served_wh == pytest.approx(state.island.wanted_wh)
    assert state.generator is not None
    assert state.generator.starts == 1
    assert state.generator.energy_wh == pytest.approx(4_500.0, rel=0.01)
    blown_wh = sum(turbine.mean_w(TimeRange.of(START + hour * HOUR, HOUR)) for hour in range(4))
    given_wh = state.wind_export_wh - physics.spec.initial(START).wind_export_wh
    assert given_wh + state.island.curtailed_wh == pytest.approx(blown_wh)


def test_a_balance_is_one() -> None:
    found = balanced(
        load_w=3_000.0,
        others_w=0.0,
        pv_w=-1_000.0,
        wind_w=0.0,
        battery={"least": -1_500.0, "most": 0.0},
    )
    assert (found.served_w, found.battery_w, found.dumped_w) == (2_500.0, -1_500.0, 0.0)
    full = BatteryState(stored_wh=4_000.0)
    assert full.power_w(BATTERY, 1_000.0) == 0.0
