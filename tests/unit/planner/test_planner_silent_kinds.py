"""Each kind's device silent for a day: only that asset degrades, with its reason."""

from datetime import timedelta

import pytest

from tests.fakes.planner_heat import heated_home, said_of, schedule_of, tell
from wattmesh_planner.app.ports import SiteWishes

SILENT = timedelta(hours=25)
STEERED = ("battery", "zone", "tank", "washer")


@pytest.mark.parametrize(
    ("name", "value", "said", "is_steered"),
    [
        ("battery", 0.5, ("state", "stale", "left_out"), False),
        ("zone", 21.0, ("state", "stale", "left_out"), False),
        ("tank", 52.0, ("state", "stale", "left_out"), False),
    ],
)
async def test_a_device_silent_for_a_day_costs_its_asset_alone(
    name: str, value: float, said: tuple[str, str, str], is_steered: bool
) -> None:
    world = await heated_home()
    world.wishes.wanted = SiteWishes()
    tell(world, name, value, age=SILENT)
    plan = await world.plan()
    assert said in said_of(plan, name)
    assert (schedule_of(plan, name) is not None) is is_steered
    for other in STEERED:
        if other != name:
            assert schedule_of(plan, other) is not None, other
            assert all(each[1] != "stale" for each in said_of(plan, other)), other
