"""The readings from before the start agree with what the physics does, and with what follows."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from wattmesh_kernel.ids import DeviceId, PointId, SiteId
from wattmesh_twin.domain.history import site_history
from wattmesh_twin.domain.household import MachineSpec
from wattmesh_twin.domain.measured import LookAhead
from wattmesh_twin.domain.site import ChargePointSpec
from wattmesh_twin.domain.telegram import telegrams_at

NAN = float("nan")
DAY = timedelta(days=1)


def point(device: str, quantity: str) -> PointId:
    return PointId(DeviceId(SiteId("home-1"), device), quantity)


def test_history_ends_in_the_state_that_the_physics_would_have_reached() -> None:
    load_w, pv_w = [700.5, 0, 2500, 100] * 6, [0, 1500.25, 3000, NAN] * 6
    physics = home(ManualClock(START + DAY), load_w=load_w, pv_w=pv_w, battery=battery(0.3))
    history = site_history(physics, START + DAY, 10 * DAY, HOUR)
    run = physics.advance(physics.spec.initial(START), START + DAY)
    assert history.times[0] == START
    assert history.final.time == run.time
    assert history.final.battery == run.battery
    assert history.final.pv_export_wh == pytest.approx(run.pv_export_wh)
    meter, expected = history.final.meters["meter"], run.meters["meter"]
    assert (meter.import_wh, meter.export_wh) == pytest.approx(
        (expected.import_wh, expected.export_wh)
    )


def test_a_gap_in_the_data_is_a_gap_in_the_readings_and_in_no_register() -> None:
    physics = home(ManualClock(START + DAY), load_w=[1000, NAN, 1000], pv_w=[0, 0, 0])
    history = site_history(physics, START + 3 * HOUR, DAY, HOUR)
    imported = history.readings[point("meter", "import_energy_wh")]
    np.testing.assert_array_equal(imported, [0, 1000, NAN, 2000])
    power = history.readings[point("meter", "active_power_w")]
    np.testing.assert_array_equal(power, [NAN, 1000, NAN, 1000])
    generated = history.readings[point("inverter", "export_energy_wh")]
    np.testing.assert_array_equal(generated, [1000, 1000, 1000, NAN])


def test_a_plant_that_was_not_measured_was_off_before_the_start_too() -> None:
    physics = home(ManualClock(START + DAY), load_w=[1000] * 4, pv_w=[0, NAN, 400, 0])
    history = site_history(physics, START + 4 * HOUR, DAY, HOUR)
    generated = history.readings[point("inverter", "export_energy_wh")]
    np.testing.assert_array_equal(generated, [1000, 1000, NAN, 1400, NAN])
    imported = history.readings[point("meter", "import_energy_wh")]
    assert imported.tolist() == [0, 1000, 2000, 2600, 3600]


def test_what_stood_idle_before_the_start_says_so_and_a_load_is_known_beside_it() -> None:
    """Else nobody knows what a home with a wallbox took before, and its load is guessed."""
    bare = home(ManualClock(START + DAY), load_w=[1000] * 4)
    dishwasher = MachineSpec(
        id="dishwasher", zone=ZoneInfo("UTC"), powers_w=(1000.0,), loaded_hour=20, done_hour=7
    )
    spec = replace(bare.spec, charge_points=(ChargePointSpec(id="ev"),), machines=(dishwasher,))
    history = site_history(replace(bare, spec=spec), START + 4 * HOUR, DAY, HOUR)
    for device in ("ev", "dishwasher"):
        idle = history.readings[point(device, "import_energy_wh")]
        np.testing.assert_array_equal(idle, [0, 0, 0, 0, NAN])


def test_history_is_as_long_as_asked_for_and_starts_on_the_raster() -> None:
    physics = home(ManualClock(START + DAY), start=START + HOUR, load_w=[60] * 24)
    assert site_history(physics, START + DAY, DAY, 2 * HOUR).times[0] == START + 2 * HOUR
    assert site_history(physics, START + DAY, 3 * HOUR, HOUR).times[0] == START + 21 * HOUR


def test_history_does_not_reach_ahead_of_the_clock() -> None:
    physics = home(ManualClock(START + HOUR))
    with pytest.raises(LookAhead):
        site_history(physics, START + 2 * HOUR, DAY, HOUR)


def test_live_registers_never_fall_below_the_history_they_continue() -> None:
    clock = ManualClock(START + 23 * HOUR)
    physics = home(clock, load_w=[333.333, 0.1, 77.7777] * 16, pv_w=[1 / 3, 1e-3, 0] * 16)
    history = site_history(physics, clock.now(), DAY, HOUR)
    clock.advance(HOUR)
    _, reports = physics.run(history.final, clock.now(), QUARTER)
    (telegram,) = telegrams_at(physics.spec, reports[0], QUARTER)
    for quantity, live in (
        ("import_energy_wh", telegram.import_wh),
        ("export_energy_wh", telegram.export_wh),
    ):
        assert live >= history.readings[point("meter", quantity)][-1]


def test_each_of_several_loads_has_a_sub_meter() -> None:
    physics = home(ManualClock(START + DAY), loads={"b1": [100] * 24, "b2": [50] * 24})
    history = site_history(physics, START + 2 * HOUR, DAY, HOUR)
    assert history.readings[point("meter-b1", "import_energy_wh")].tolist() == [0, 100, 200]
    assert history.readings[point("meter", "import_energy_wh")].tolist() == [0, 150, 300]
