"""What metering is told of a site's devices: what they say and steer, and how they are reached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Device,
    DeviceFunction,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
    Phase,
)
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.household import MachineSpec
from wattmesh_twin.domain.rooms import RoomSpec
from wattmesh_twin.domain.site import (
    BATTERY,
    CLAMP,
    GENERATOR,
    GRID_METER,
    INVERTER,
    SWITCH,
    TURBINE,
    ChargePointSpec,
    SiteSpec,
)

INVERTER_UNIT = 1
"""Modbus unit id of a site's inverter."""

HEAT_PUMP_POINTS = (
    "active_power_w",
    "import_energy_wh",
    "temperature_celsius",
    "outdoor_temperature_celsius",
)
"""What a room's heat pump says."""

HOT_WATER_POINTS = ("active_power_w", "import_energy_wh", "temperature_celsius")
"""What a tank of hot water says."""

MACHINE_POINTS = ("active_power_w", "import_energy_wh")
"""What a machine says."""

BATTERY_UNIT = 2
"""Modbus unit id of a site's battery."""

CLAMP_UNIT = 3
"""Modbus unit id of the battery's own meter at the grid connection."""

TURBINE_UNIT, GENERATOR_UNIT, SWITCH_UNIT = 4, 5, 6
"""Modbus unit ids of wind turbine, generator set, and the switch to the grid."""

FIRST_ROOM_UNIT = 10
"""Modbus unit id of the plant of a site's first room."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How a site's devices are reached: by which gateway, where, and how often they report."""

    gateway: GatewayId
    host: str
    port: int
    reporting_interval: timedelta


def topic(device: DeviceId) -> str:
    """Return the topic of a meter: `meters/home-1/telegram`, or with the device's name below it.

    The site's own meter has the short one, a sub-meter `meters/campus/meter-b0/telegram`.
    """
    site = device.site.segment
    meter = site if device.segment == GRID_METER else f"{site}/{device.segment}"
    return f"meters/{meter}/telegram"


def charge_point_id(device: DeviceId) -> str:
    """Return the id with which a charge point dials in: `home-2-ev`."""
    return f"{device.site.segment}-{device.segment}"


def _hot_water(site: SiteSpec, water: HotWaterSpec, reach: Reach) -> Device:
    controls = _controlled(site, water.id, SetpointKind.TEMPERATURE_CELSIUS)
    name = water.display_name or water.id
    return _on_mqtt(name, "mqtt-hot-water", HOT_WATER_POINTS, controls, reach)


def _appliance(site: SiteSpec, machine: MachineSpec, reach: Reach) -> Device:
    controls = _controlled(site, machine.id, SetpointKind.ON_OFF)
    name = machine.display_name or machine.id
    return _on_mqtt(name, "mqtt-appliance", MACHINE_POINTS, controls, reach)


def devices_of(site: SiteSpec, reach: Reach) -> list[Device]:
    """Return the meters, which measure, and inverter and battery, which are controlled as well."""
    devices = [_meter(site, GRID_METER, "grid", reach)]
    devices += [
        _meter(site, device, f"load-{load}", reach) for device, load in site.sub_meters.items()
    ]
    if site.pv is not None:
        devices.append(_inverter(site, reach))
    if site.battery is not None:
        devices += [_battery(site, reach), _clamp(site, reach)]
    devices += _microgrid_devices(site, reach)
    devices += [_heat_pump(site, each, reach) for each in site.rooms]
    devices += [_hot_water(site, each, reach) for each in site.tanks]
    devices += [_appliance(site, each, reach) for each in site.machines]
    return [*devices, *(_charge_point(site, each, reach) for each in site.charge_points)]


def _microgrid_devices(site: SiteSpec, reach: Reach) -> list[Device]:
    generated = frozenset({"active_power_w", "export_energy_wh"})
    found = []
    if site.turbine is not None:
        found.append(
            Device(
                id=site.device(TURBINE),
                display_name="Wind turbine",
                profile="sunspec-inverter",
                gateway=reach.gateway,
                connection=_modbus(reach, TURBINE_UNIT),
                points=generated,
                functions=(_controlled(site, "wind", SetpointKind.GENERATION_LIMIT_W),),
                reporting_interval=reach.reporting_interval,
            )
        )
    if site.generator is not None:
        found.append(
            Device(
                id=site.device(GENERATOR),
                display_name="Generator set",
                profile="sunspec-generator",
                gateway=reach.gateway,
                connection=_modbus(reach, GENERATOR_UNIT),
                points=generated,
                functions=(_controlled(site, "generator", SetpointKind.ACTIVE_POWER_W),),
                reporting_interval=reach.reporting_interval,
            )
        )
    if site.microgrid is not None:
        switches = DeviceFunction(
            asset=site.asset("grid"),
            meter_role=MeterRole.CHECK,
            controls=True,
            setpoint_kinds=frozenset({SetpointKind.ON_OFF}),
        )
        found.append(
            Device(
                id=site.device(SWITCH),
                display_name="Switch to the grid",
                profile="grid-switch",
                gateway=reach.gateway,
                connection=_modbus(reach, SWITCH_UNIT),
                points=frozenset({"voltage_v", "frequency_hz", "grid_connected_ratio"}),
                functions=(switches,),
                reporting_interval=reach.reporting_interval,
            )
        )
    return found


def room_topic(device: DeviceId) -> str:
    """Return the address of what belongs to rooms: `rooms/office/zone-1`."""
    return f"rooms/{device.site.segment}/{device.segment}"


def room_unit(site: SiteSpec, room: RoomSpec) -> int:
    """Return the unit of a room's plant behind its site's Modbus port."""
    return FIRST_ROOM_UNIT + site.rooms.index(room)


def _heat_pump(site: SiteSpec, room: RoomSpec, reach: Reach) -> Device:
    controls = _controlled(site, room.id, SetpointKind.TEMPERATURE_CELSIUS)
    name = f"Heat pump of {room.display_name or room.id}"
    told = _on_mqtt(name, "mqtt-heat-pump", HEAT_PUMP_POINTS, controls, reach)
    if not room.on_modbus:
        return told
    connection = _modbus(reach, room_unit(site, room))
    return replace(told, profile="modbus-heat-pump", connection=connection)


def _on_mqtt(
    name: str, profile: str, points: Sequence[str], controls: DeviceFunction, reach: Reach
) -> Device:
    """Return a device of the name of the asset that it controls."""
    device = DeviceId(controls.asset.site, controls.asset.segment)
    return Device(
        id=device,
        display_name=name,
        profile=profile,
        gateway=reach.gateway,
        connection=MqttConnection(address=room_topic(device)),
        points=frozenset(points),
        functions=(controls,),
        reporting_interval=reach.reporting_interval,
    )


def _charge_point(site: SiteSpec, charge_point: ChargePointSpec, reach: Reach) -> Device:
    device = site.device(charge_point.id)
    three = charge_point.phase is Phase.THREE
    return Device(
        id=device,
        display_name=charge_point.display_name or "Charge point",
        profile="ocpp-charge-point" if three else "ocpp-charge-point-1p",
        gateway=reach.gateway,
        connection=OcppConnection(charge_point_id=charge_point_id(device)),
        points=frozenset({"import_energy_wh", "active_power_w"}),
        functions=(_controlled(site, charge_point.id, SetpointKind.ACTIVE_POWER_W),),
        reporting_interval=reach.reporting_interval,
    )


def _inverter(site: SiteSpec, reach: Reach) -> Device:
    return Device(
        id=site.device(INVERTER),
        display_name="PV inverter",
        profile="sunspec-inverter",
        gateway=reach.gateway,
        connection=_modbus(reach, INVERTER_UNIT),
        points=frozenset({"active_power_w", "export_energy_wh"}),
        functions=(_controlled(site, "pv", SetpointKind.GENERATION_LIMIT_W),),
        reporting_interval=reach.reporting_interval,
    )


def _battery(site: SiteSpec, reach: Reach) -> Device:
    points = {"active_power_w", "import_energy_wh", "export_energy_wh", "soc_ratio"}
    return Device(
        id=site.device(BATTERY),
        display_name="Battery",
        profile="sunspec-battery",
        gateway=reach.gateway,
        connection=_modbus(reach, BATTERY_UNIT),
        points=frozenset(points),
        functions=(_controlled(site, "battery", SetpointKind.ACTIVE_POWER_W),),
        reporting_interval=reach.reporting_interval,
    )


def _clamp(site: SiteSpec, reach: Reach) -> Device:
    return Device(
        id=site.device(CLAMP),
        display_name="The battery's meter at the grid connection",
        profile="sunspec-meter",
        gateway=reach.gateway,
        connection=_modbus(reach, CLAMP_UNIT),
        points=frozenset({"active_power_w"}),
        functions=(DeviceFunction(asset=site.asset("grid"), meter_role=MeterRole.CHECK),),
        reporting_interval=reach.reporting_interval,
    )


def _meter(site: SiteSpec, segment: str, asset: str, reach: Reach) -> Device:
    device = site.device(segment)
    return Device(
        id=device,
        display_name="Grid meter" if segment == GRID_METER else f"Sub-meter {asset}",
        profile="mqtt-grid-meter",
        gateway=reach.gateway,
        connection=MqttConnection(address=topic(device)),
        points=frozenset({"import_energy_wh", "export_energy_wh", "active_power_w"}),
        functions=(DeviceFunction(asset=site.asset(asset), meter_role=MeterRole.MAIN),),
        reporting_interval=reach.reporting_interval,
    )


def _modbus(reach: Reach, unit_id: int) -> ModbusTcpConnection:
    return ModbusTcpConnection(host=reach.host, port=reach.port, unit_id=unit_id)


def _controlled(site: SiteSpec, asset: str, kind: SetpointKind) -> DeviceFunction:
    return DeviceFunction(
        asset=site.asset(asset),
        meter_role=MeterRole.MAIN,
        controls=True,
        setpoint_kinds=frozenset({kind}),
    )
