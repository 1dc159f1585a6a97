"""A device of each kind on each protocol that has one: its profile, its twin, what it is told."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tests.fakes.sunspec_device import ModbusServer, SunSpecUnit, battery_unit, inverter_unit
from tests.faults.deaf import (
    ApplianceOnMqtt,
    ChargerOnModbus,
    ChargerOnMqtt,
    ChargerOnOcpp,
    ElementOnModbus,
    HeatPumpOnModbus,
    HeatPumpOnMqtt,
    MachineOnModbus,
    TankOnMqtt,
)
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_twin.adapters.modbus import ModbusSite
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.appliance import Programme
from wattmesh_twin.domain.charger import Charger, FixedOffer, Visit
from wattmesh_twin.domain.climate import DailyClimate
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.domain.watched_limit import WatchedLimit
from wattmesh_twin.domain.zone import PlantSpec, Thermostat, Zone, ZoneSpec, ZoneState
from wattmesh_twin.hot_water import HotWaterSettings, tank_twin
from wattmesh_twin.machine import MachineSettings, device_of

CLOCK = SystemClock()
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
POWER, LIMIT = SetpointKind.ACTIVE_POWER_W, SetpointKind.GENERATION_LIMIT_W
CELSIUS, SWITCH = SetpointKind.TEMPERATURE_CELSIUS, SetpointKind.ON_OFF


class Device(Protocol):
    """What can be deaf."""

    deaf: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """A kind on a protocol; `told` and `else_told` are two values that it takes."""

    name: str
    kind: str
    protocol: str
    profile: str
    setpoint: SetpointKind
    told: float
    else_told: float


THINGS = (
    Thing(
        name="battery",
        kind="battery",
        protocol="modbus",
        profile="sunspec-battery",
        setpoint=POWER,
        told=1000.0,
        else_told=500.0,
    ),
    Thing(
        name="pv",
        kind="pv",
        protocol="modbus",
        profile="sunspec-inverter",
        setpoint=LIMIT,
        told=2000.0,
        else_told=1000.0,
    ),
    Thing(
        name="wind",
        kind="wind",
        protocol="modbus",
        profile="sunspec-inverter",
        setpoint=LIMIT,
        told=5000.0,
        else_told=2000.0,
    ),
    Thing(
        name="generator",
        kind="generator",
        protocol="modbus",
        profile="sunspec-generator",
        setpoint=POWER,
        told=-5000.0,
        else_told=-4000.0,
    ),
    Thing(
        name="ev-modbus",
        kind="ev charger",
        protocol="modbus",
        profile="keba-p30",
        setpoint=POWER,
        told=6900.0,
        else_told=5520.0,
    ),
    Thing(
        name="ev-mqtt",
        kind="ev charger",
        protocol="mqtt",
        profile="go-e-charger",
        setpoint=POWER,
        told=6900.0,
        else_told=5520.0,
    ),
    Thing(
        name="ev-ocpp",
        kind="ev charger",
        protocol="ocpp",
        profile="ocpp-charge-point",
        setpoint=POWER,
        told=6900.0,
        else_told=5520.0,
    ),
    Thing(
        name="zone-modbus",
        kind="zone, heat pump",
        protocol="modbus",
        profile="nibe-s-series",
        setpoint=CELSIUS,
        told=21.5,
        else_told=22.0,
    ),
    Thing(
        name="zone-mqtt",
        kind="zone, heat pump",
        protocol="mqtt",
        profile="mqtt-heat-pump",
        setpoint=CELSIUS,
        told=21.5,
        else_told=22.0,
    ),
    Thing(
        name="tank-modbus",
        kind="tank",
        protocol="modbus",
        profile="askoma-askoheat",
        setpoint=POWER,
        told=1500.0,
        else_told=1000.0,
    ),
    Thing(
        name="tank-mqtt",
        kind="tank",
        protocol="mqtt",
        profile="mqtt-hot-water",
        setpoint=CELSIUS,
        told=55.0,
        else_told=54.0,
    ),
    Thing(
        name="run-mqtt",
        kind="deferrable",
        protocol="mqtt",
        profile="mqtt-appliance",
        setpoint=SWITCH,
        told=1.0,
        else_told=0.0,
    ),
)


class FakeUnitDevice:
    """A unit of registers that can be deaf: what is written to it is not there when it is read."""

    def __init__(self, unit: SunSpecUnit) -> None:
        self.unit = unit
        self._deaf = False

    @property
    def deaf(self) -> bool:
        """Whether what is written is lost."""
        return self._deaf

    @deaf.setter
    def deaf(self, deaf: bool) -> None:
        self._deaf = deaf
        held = list(self.unit.registers)

        def lose() -> None:
            self.unit.registers[:] = held

        self.unit.on_write = lose if deaf else lambda: None


Served = tuple[Device, AbstractAsyncContextManager[object]]


def on_modbus(name: str, port: int) -> Served:
    """Return a device, and what serves it at a port."""
    host = "127.0.0.1"
    match name:
        case "battery":
            battery = FakeUnitDevice(battery_unit(unit_id=1))
            return battery, ModbusServer(battery.unit, port=port)
        case "pv":
            inverter = FakeUnitDevice(inverter_unit())
            return inverter, ModbusServer(inverter.unit, port=port)
        case "wind" | "generator" as machine:
            settings = MachineSettings(
                machine=machine, modbus_address="-", listen_address="127.0.0.1:0"
            )
            made = MachineOnModbus(device_of(settings, CLOCK))
            return made, ModbusSite([made], host, port)
        case "ev-modbus":
            charger = ChargerOnModbus(*vehicle_there(), host, port)
            return charger, charger
        case "zone-modbus":
            pump = HeatPumpOnModbus(zone_twin(), host, port)
            return pump, pump
        case "tank-modbus":
            tank = tank_twin(water(modbus_address="-"), CLOCK)
            element = ElementOnModbus(tank, HOUR, host, port)
            return element, element
    raise AssertionError(name)


Speaks = HeatPumpOnMqtt | TankOnMqtt | ApplianceOnMqtt | ChargerOnMqtt


def on_mqtt(name: str, url: str) -> Speaks:
    """Return a device that speaks at a broker."""
    match name:
        case "ev-mqtt":
            twin, _ = vehicle_there()
            twin.offer(FixedOffer(offered_a=6.0))
            return ChargerOnMqtt(twin, 16.0, url, name, SECOND)
        case "zone-mqtt":
            return HeatPumpOnMqtt(zone_twin(), url, name, SECOND)
        case "tank-mqtt":
            return TankOnMqtt(tank_twin(water(mqtt_url=url), CLOCK), url, name, SECOND)
        case "run-mqtt":
            washer = ApplianceTwin(CLOCK, own=False)
            washer.load(Programme(powers_w=(2000.0,) * 60))
            return ApplianceOnMqtt(washer, url, name, SECOND)
    raise AssertionError(name)


def on_ocpp(name: str, url: str) -> ChargerOnOcpp:
    """Return a charge point that dials in."""
    twin, _ = vehicle_there()
    return ChargerOnOcpp(name, url, twin, 16.0)


def vehicle_there() -> tuple[ChargerTwin, WatchedLimit]:
    """Return a charge point with a vehicle, and its watched limit."""
    now = datetime.now(UTC)
    car = VehicleSpec(capacity_wh=80_000.0)
    visit = Visit(arrival=now - HOUR, departure=now + 9 * HOUR, vehicle=car, arrival_soc_ratio=0.2)
    limit = WatchedLimit(
        set_a=6.0, failsafe_a=6.0, max_current_a=16.0, watchdog=timedelta(0), heard=now
    )
    return ChargerTwin(Charger(visits=(visit,)), limit, CLOCK), limit


def zone_twin() -> ZoneTwin:
    """Return a heated zone in the winter."""
    plant = PlantSpec(max_power_w=2500.0, min_power_w=500.0)
    zone = Zone(spec=ZoneSpec(), climate=DailyClimate(mean_celsius=-10.0), heating=plant)
    state = ZoneState(
        time=CLOCK.now(), interior_celsius=20.5, envelope_celsius=18.0, emitter_celsius=20.5
    )
    return ZoneTwin(zone, Thermostat(setpoint_celsius=20.5), CLOCK, state)


def water(**where: str) -> HotWaterSettings:
    """Return a tank as people have set it."""
    return HotWaterSettings(
        listen_address="127.0.0.1:0",
        setpoint_celsius=50.0,
        **where,  # type: ignore[arg-type]
    )
