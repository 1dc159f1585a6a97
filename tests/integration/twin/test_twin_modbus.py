"""The devices on real Modbus TCP, read with pysunspec2's client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
from sunspec2.modbus.modbus import ModbusClientException

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_journal import MemoryJournal
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from wattmesh_kernel.clock import Clock, ScaledClock
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.adapters.sunspec.battery import SunSpecBattery
from wattmesh_twin.adapters.sunspec.inverter import SunSpecInverter
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.pv import PvSpec

NAN = float("nan")
INVERTER, BATTERY = 1, 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def twin_of(physics: SitePhysics, clock: Clock) -> SiteTwin:
    return SiteTwin(
        physics=physics,
        state=physics.spec.initial(START),
        clock=clock,
        journal=MemoryJournal(),
        interval=QUARTER,
    )


@asynccontextmanager
async def served(twin: SiteTwin) -> AsyncIterator[int]:
    assert twin.spec.pv is not None
    assert twin.spec.battery is not None
    port = free_port()
    devices = (SunSpecInverter(twin, twin.spec.pv), SunSpecBattery(twin, twin.spec.battery))
    async with ModbusSite(devices, "127.0.0.1", port):
        yield port


async def ask(port: int, unit: int, use: Callable[[Any], Any]) -> Any:
    """Scan a device as a SunSpec client does, and use it; in a thread, as the client blocks."""

    def scan_and_use() -> Any:
        device = SunSpecModbusClientDeviceTCP(unit, "127.0.0.1", port, timeout=5)
        device.connect()
        try:
            device.scan(connect=False)
            return use(device)
        finally:
            device.close()

    return await asyncio.to_thread(scan_and_use)


def value(device: Any, model: str, point: str) -> Any:
    return device.models[model][0].points[point].cvalue


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def twin(clock: ManualClock) -> SiteTwin:
    pv_w = [0, 3000, NAN, 1000] * 12
    return twin_of(home(clock, pv_w=pv_w, battery=battery(0.5)), clock)


async def test_a_sunspec_client_finds_the_models_of_both_devices(twin: SiteTwin) -> None:
    async with served(twin) as port:
        inverter = await ask(port, INVERTER, lambda device: device.model_list)
        batteries = await ask(port, BATTERY, lambda device: device.model_list)
    assert [model.model_id for model in inverter] == [1, 101, 120, 123]
    assert [model.model_id for model in batteries] == [1, 701, 702, 704, 713]
    assert not any(model.error_info for model in [*inverter, *batteries])


async def test_the_inverter_shows_generation_positive_and_counts_it(
    twin: SiteTwin, clock: ManualClock
) -> None:
    async with served(twin) as port:
        clock.advance(1.5 * HOUR)
        seen = await ask(
            port,
            INVERTER,
            lambda device: (
                [value(device, "inverter_single_phase", p) for p in ("W", "WH", "St")]
                + [value(device, "nameplate", "WRtg"), value(device, "common", "SN")]
            ),
        )
    assert seen == [3000, 2500.0, 4, 4000, "home-1-inverter"]


async def test_a_read_sees_the_moment_of_the_read(twin: SiteTwin, clock: ManualClock) -> None:
    async with served(twin) as port:
        for minutes in (61, 62, 63):
            clock.set(START + timedelta(minutes=minutes))
            generated = await ask(
                port, INVERTER, lambda device: value(device, "inverter_single_phase", "WH")
            )
            assert generated == pytest.approx(1000 + (minutes - 60) * 50, abs=0.1)


async def test_an_inverter_answers_with_a_failure_while_nothing_was_measured(
    twin: SiteTwin, clock: ManualClock
) -> None:
    async with served(twin) as port:
        clock.advance(2.5 * HOUR)
        with pytest.raises(ModbusClientException):
            await ask(port, INVERTER, lambda device: None)
        clock.advance(HOUR)
        power_w = await ask(
            port, INVERTER, lambda device: value(device, "inverter_single_phase", "W")
        )
    assert power_w == 1000


def order(device: Any, discharge_w: int, seconds: int) -> None:
    """Write a setpoint in SunSpec's sign, as separate registers and in one go each."""
    control = device.models["DERCtlAC"][0]
    control.points["WSetMod"].cvalue = 1
    control.points["WSet"].cvalue = discharge_w
    control.points["WSetRvrtTms"].cvalue = seconds
    control.points["WSetEna"].cvalue = 1
    control.write()


def battery_values(device: Any) -> dict[str, Any]:
    names = {
        "DERMeasureAC": ("W", "TotWhInj", "TotWhAbs"),
        "DERCtlAC": ("WSetEna", "WSet", "WSetRvrtTms", "WSetRvrtRem"),
        "DERStorageCapacity": ("WHRtg", "WHAvail", "SoC"),
        "DERCapacity": ("WChaRteMaxRtg", "WDisChaRteMaxRtg"),
    }
    return {
        point: value(device, model, point) for model, points in names.items() for point in points
    }


async def test_a_setpoint_is_obeyed_read_back_and_counted(
    twin: SiteTwin, clock: ManualClock
) -> None:
    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, -2000, 3600))
        clock.advance(timedelta(minutes=30))
        charging = await ask(port, BATTERY, battery_values)
        await ask(port, BATTERY, lambda device: order(device, 1000, 3600))
        clock.advance(timedelta(minutes=30))
        discharging = await ask(port, BATTERY, battery_values)
    assert charging == {
        "W": -2000,
        "TotWhInj": 0,
        "TotWhAbs": 1000,
        "WSetEna": 1,
        "WSet": -2000,
        "WSetRvrtTms": 3600,
        "WSetRvrtRem": 1800,
        "WHRtg": 6400,
        "WHAvail": 4149,
        "SoC": pytest.approx(64.82),
        "WChaRteMaxRtg": 5000,
        "WDisChaRteMaxRtg": 5000,
    }
    assert discharging["W"] == 1000
    assert discharging["TotWhInj"] == 500


async def test_a_setpoint_beyond_the_ratings_stands_but_the_battery_does_what_it_can(
    twin: SiteTwin,
) -> None:
    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, 9000, 3600))
        seen = await ask(port, BATTERY, battery_values)
    assert (seen["WSet"], seen["W"]) == (9000, 5000)


async def test_without_a_fresh_setpoint_the_battery_goes_idle(
    twin: SiteTwin, clock: ManualClock
) -> None:
    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, -2000, 900))
        clock.advance(HOUR)
        seen = await ask(port, BATTERY, battery_values)
    assert (seen["W"], seen["WSetEna"], seen["WSet"], seen["WSetRvrtRem"]) == (0, 0, 0, 0)
    assert seen["TotWhAbs"] == 500


async def test_the_lease_runs_on_the_scaled_clock() -> None:
    clock = ScaledClock(START, datetime.now(UTC), 3600)
    twin = twin_of(home(clock, pv_w=[0] * 48, battery=battery(0.2)), clock)
    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, -1000, 1800))
        running = await ask(port, BATTERY, battery_values)
        await asyncio.sleep(0.6)
        ended = await ask(port, BATTERY, battery_values)
    assert (running["W"], running["WSetEna"]) == (-1000, 1)
    assert (ended["W"], ended["WSetEna"]) == (0, 0)
    assert 500 <= ended["TotWhAbs"] < 600


async def test_disabling_the_setpoint_ends_it(twin: SiteTwin) -> None:
    def release(device: Any) -> None:
        device.models["DERCtlAC"][0].points["WSetEna"].cvalue = 0
        device.models["DERCtlAC"][0].points["WSetEna"].write()

    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, -2000, 900))
        await ask(port, BATTERY, release)
        assert (await ask(port, BATTERY, battery_values))["W"] == 0


@pytest.mark.parametrize(
    ("point", "wrong"), [("WSetMod", 0), ("WSetRvrt", 500), ("WSetRvrtTms", 10**6), ("VarSet", 1)]
)
async def test_what_the_battery_cannot_do_is_refused_and_changes_nothing(
    twin: SiteTwin, point: str, wrong: int
) -> None:
    def write(device: Any) -> None:
        device.models["DERCtlAC"][0].points[point].value = wrong
        device.models["DERCtlAC"][0].points[point].write()

    async with served(twin) as port:
        await ask(port, BATTERY, lambda device: order(device, -2000, 900))
        before = await ask(port, BATTERY, battery_values)
        with pytest.raises(ModbusClientException):
            await ask(port, BATTERY, write)
        assert await ask(port, BATTERY, battery_values) == before


async def test_curtailment_is_a_lease_too(twin: SiteTwin, clock: ManualClock) -> None:
    def curtail(device: Any) -> None:
        controls = device.models["controls"][0]
        controls.points["WMaxLimPct"].cvalue = 25
        controls.points["WMaxLimPct_RvrtTms"].cvalue = 900
        controls.points["WMaxLim_Ena"].cvalue = 1
        controls.write()

    def seen(device: Any) -> tuple[Any, Any]:
        return value(device, "inverter_single_phase", "W"), value(device, "controls", "WMaxLimPct")

    async with served(twin) as port:
        clock.advance(HOUR)
        await ask(port, INVERTER, curtail)
        assert await ask(port, INVERTER, seen) == (1000, 25)
        clock.advance(QUARTER)
        assert await ask(port, INVERTER, seen) == (3000, 100)


async def test_large_devices_fit_their_registers(clock: ManualClock) -> None:
    large = BatterySpec.symmetric(
        capacity_wh=500_000, power_w=250_000, round_trip_efficiency_ratio=0.9, initial_soc_ratio=0.5
    )
    physics = home(clock, pv_w=[900_000] * 48, battery=large, pv=PvSpec(peak_power_w=1e6))
    async with served(twin_of(physics, clock)) as port:
        clock.advance(HOUR)
        await ask(port, BATTERY, lambda device: order(device, -250_000, 900))
        storage = await ask(port, BATTERY, battery_values)
        plant = await ask(
            port,
            INVERTER,
            lambda device: [value(device, "inverter_single_phase", p) for p in ("W", "WH")],
        )
    assert (storage["W"], storage["WSet"], storage["WHRtg"]) == (-250_000, -250_000, 500_000)
    assert plant == [900_000, 901_000]
