"""The battery's own meter shows what flows now, where the main meter's telegrams are means."""

from datetime import timedelta
from typing import Any

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from tests.integration.twin.test_twin_modbus import ask, free_port
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.sunspec.clamp import SunSpecClamp
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.topology import CLAMP_UNIT

_ORDER = timedelta(hours=2)


async def test_what_flows_at_this_moment_is_read_load_and_battery_together() -> None:
    clock = ManualClock(START)
    physics = home(clock, load_w=[1000.0, 2000.0, 500.0], battery=battery())
    twin = SiteTwin(
        physics=physics,
        state=physics.spec.initial(START),
        clock=clock,
        journal=MemoryJournal(),
        interval=QUARTER,
    )
    port = free_port()
    async with ModbusSite([SunSpecClamp(twin)], "127.0.0.1", port):

        async def shown_w() -> float:
            def read(device: Any) -> float:
                model = device.models[213][0]
                model.read()
                return float(model.points["W"].cvalue)

            return float(await ask(port, CLAMP_UNIT, read))

        clock.advance(timedelta(minutes=7))
        assert await shown_w() == 1000.0
        twin.set_battery_power(600.0, _ORDER)
        assert await shown_w() == 1600.0, "no quarter of an hour has to end before"
        clock.advance(HOUR)
        assert await shown_w() == 2600.0
