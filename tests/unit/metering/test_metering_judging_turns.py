"""How much is judged at a time."""

import asyncio

from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_model import MemoryModelHistory
from tests.fakes.metering_validation import MemoryValidation
from tests.fakes.metering_world import NOON
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.validate import Validate
from wattmesh_runtime.aio.tasks import cancel_until_ended


async def test_of_a_long_history_less_is_judged_at_a_time_so_that_others_are_answered() -> None:
    store = MemoryValidation(14, seconds=0.1)
    validate = Validate(store, FollowSiteModel(MemoryModelHistory()), ManualClock(NOON))
    running = asyncio.ensure_future(validate.run())
    await store.empty.wait()
    await cancel_until_ended(running)
    assert store.taken[:3] == [8, 4, 2]
