"""Each kind's device silent for a day: only that asset degrades, with its reason.

That of a device which is unplugged nothing is heard either, and what makes no sense is not stored:
to the plan all of them are silent. That each is found at the gateway, by kind and protocol:
tests/integration/gateway/faults_of_kinds.py.
"""

from datetime import timedelta

import pytest

from tests.fakes.planner_heat import said_of, schedule_of
from tests.fakes.planner_house import CURTAILED, KINDS, silence, whole_house

SILENT = timedelta(hours=25)
LEFT_OUT = ("state", "stale", "left_out")
AS_FORECAST = ("forecast", "stale", "assumed")
SAID = {
    "battery": LEFT_OUT,
    "zone": LEFT_OUT,
    "tank": LEFT_OUT,
    "washer": ("state", "stale", "assumed"),
    "pv": AS_FORECAST,
    "wind": AS_FORECAST,
    "charger": LEFT_OUT,
    "generator": LEFT_OUT,
}


@pytest.mark.parametrize("name", KINDS)
async def test_a_device_silent_for_a_day_costs_its_asset_alone(name: str) -> None:
    world = await whole_house()
    silence(world, name, SILENT)
    plan = await world.plan()
    assert said_of(plan, name) == [SAID[name]]
    told = {each for each in KINDS if schedule_of(plan, each) is not None}
    expected = set(KINDS) - CURTAILED
    assert told == (expected - {name} if SAID[name] == LEFT_OUT else expected)
    for other in KINDS:
        assert other == name or not said_of(plan, other)


async def test_a_charge_point_that_speaks_of_a_vehicle_from_yesterday_keeps_it() -> None:
    """A car over the week-end: nothing is new of it, and it is there."""
    world = await whole_house()
    silence(world, "charger", timedelta(minutes=30), session=SILENT)
    plan = await world.plan()
    assert not said_of(plan, "charger")
    assert schedule_of(plan, "charger") is not None
