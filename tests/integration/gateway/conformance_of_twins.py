"""Every driver of a kind passes the conformance kit against its twin, and its trace replays.

Run by `make check-devices`; the drivers are tried one by one in every test run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.gateway_world import free_port
from wattmesh_gateway.conformance.__main__ import _arguments, _see
from wattmesh_gateway.conformance.checks import judge
from wattmesh_gateway.conformance.outcome import Verdict, worst
from wattmesh_gateway.conformance.report import as_text
from wattmesh_gateway.conformance.trace import TRACES
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.clock import SystemClock
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.go_e import GoETwin
from wattmesh_twin.adapters.heating_element import HeatingElementTwin
from wattmesh_twin.adapters.keba import KebaTwin
from wattmesh_twin.adapters.mqtt_device import MqttDevice
from wattmesh_twin.adapters.tank_mqtt import MqttTank
from wattmesh_twin.adapters.tasmota import TasmotaPlug, TasmotaSgReady
from wattmesh_twin.adapters.v2g_charger import V2gChargerTwin
from wattmesh_twin.adapters.wallbox import WallboxTwin
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.appliance import Programme
from wattmesh_twin.domain.charger import Charger, FixedOffer, Visit
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.domain.watched_limit import WatchedLimit
from wattmesh_twin.hot_water import HotWaterSettings, tank_twin

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
CLOCK = SystemClock()
PROFILES = load_profiles(SCHEMAS)


def charger() -> tuple[ChargerTwin, WatchedLimit]:
    now = datetime.now(UTC)
    car = VehicleSpec(capacity_wh=80_000.0, max_discharge_power_w=10_000.0)
    visit = Visit(arrival=now - HOUR, departure=now + HOUR, vehicle=car, arrival_soc_ratio=0.2)
    limit = WatchedLimit(
        set_a=6.0, failsafe_a=6.0, max_current_a=16.0, watchdog=timedelta(0), heard=now
    )
    return ChargerTwin(Charger(visits=(visit,)), limit, CLOCK), limit


def appliance(*, own: bool) -> ApplianceTwin:
    twin = ApplianceTwin(CLOCK, own=own)
    twin.load(Programme(powers_w=(2000.0,) * 60, pauses=own))
    return twin


def water(**where: str) -> HotWaterSettings:
    return HotWaterSettings(
        listen_address="127.0.0.1:0",
        setpoint_celsius=50.0,
        **where,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def devices(folder: Path) -> AsyncIterator[dict[str, tuple[str, ...]]]:
    """All of them, alive; by profile how the kit reaches each and what it is told."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(
            DurableBroker("127.0.0.1:0", folder / "broker.sqlite")
        )
        background = await stack.enter_async_context(BackgroundTasks())
        url = f"mqtt://127.0.0.1:{broker.port}"
        found: dict[str, tuple[str, ...]] = {}

        def on_mqtt(profile: str, setpoint: str, made: Callable[[str], MqttDevice]) -> None:
            background.start(made(profile).run())
            found[profile] = ("--broker", url, "--address", profile, "--set", setpoint)

        def reached(profile: str, port: int, setpoint: str) -> None:
            where = ("--host", "127.0.0.1", "--port", str(port))
            found[profile] = (*where, "--set", setpoint)

        element, ports = tank_twin(water(modbus_address="-"), CLOCK), [free_port() for _ in "123"]
        await stack.enter_async_context(HeatingElementTwin(element, MINUTE, "127.0.0.1", ports[0]))
        reached("askoma-askoheat", ports[0], "active_power_w=1500")
        await stack.enter_async_context(WallboxTwin(*charger(), "127.0.0.1", ports[1]))
        reached("amperfied-energy-control", ports[1], "active_power_w=6900")
        await stack.enter_async_context(KebaTwin(*charger(), "127.0.0.1", ports[2]))
        reached("keba-p30", ports[2], "active_power_w=6900")

        heated, blocked = (
            tank_twin(water(mqtt_url=url), CLOCK),
            tank_twin(water(mqtt_url=url), CLOCK),
        )
        go_e, _ = charger()
        go_e.offer(FixedOffer(offered_a=6.0))
        washer, pump = appliance(own=False), appliance(own=True)
        on_mqtt(
            "mqtt-hot-water", "temperature_celsius=55", lambda a: MqttTank(heated, url, a, SECOND)
        )
        on_mqtt(
            "tasmota-sg-ready", "on_off=1", lambda a: TasmotaSgReady(blocked, 5.0, url, a, SECOND)
        )
        bidirectional, _ = charger()
        on_mqtt(
            "mqtt-v2g-charger",
            "active_power_w=-3000",
            lambda a: V2gChargerTwin(bidirectional, 11_040.0, url, a, SECOND),
        )
        on_mqtt("mqtt-appliance", "on_off=1", lambda a: MqttAppliance(washer, url, a, SECOND))
        on_mqtt("tasmota-switch", "on_off=0", lambda a: TasmotaPlug(pump, url, a, SECOND))
        on_mqtt(
            "go-e-charger", "active_power_w=6900", lambda a: GoETwin(go_e, 16.0, url, a, SECOND)
        )
        yield found


async def test_every_driver_passes_against_its_twin_and_its_trace_replays(tmp_path: Path) -> None:
    how = ("--seconds", "1", "--interval", "1", "--lease", "2", "--patience", "30")
    async with devices(tmp_path) as there:
        traces = await asyncio.gather(
            *(
                _see(_arguments((name, *where, *how)), PROFILES[name])
                for name, where in there.items()
            )
        )
    for trace in traces:
        outcomes = judge(trace)
        said = as_text(trace, outcomes)
        assert worst(outcomes) is not Verdict.FAILED, said
        verdicts = {each.check: each.verdict for each in outcomes}
        for check in ("identification", "write and read-back", "release", "disconnect"):
            assert verdicts[check] is Verdict.PASSED, said
        replayed = TRACES.from_json(TRACES.to_json(trace))
        assert as_text(replayed, judge(replayed)) == said
