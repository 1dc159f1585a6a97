"""What metering is told about a site: its assets, and its devices with the way to reach them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    Device,
    DeviceFunction,
    EvChargerRating,
    GeneratorRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    Microgrid,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
    Phase,
    PvRating,
    TankRating,
)
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.generator import (
    FUEL_L_PER_KWH,
    FUEL_L_PER_RATED_KWH,
    KG_CO2E_PER_L,
    GeneratorSpec,
)
from wattmesh_twin.domain.grid_switch import NOMINAL_HZ, NOMINAL_V
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
from wattmesh_twin.domain.tank import cop
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A
from wattmesh_twin.domain.zone import Mode, cooling_cop, heating_cop

INVERTER_UNIT = 1
"""Modbus unit id of a site's inverter."""

VEHICLE_EFFICIENCY_RATIO = 0.9
"""What of the energy is taken to reach a vehicle's battery."""

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

_TANK_CELSIUS = (0.0, 15.0, 30.0)
_COOLING_CELSIUS, _HEATING_CELSIUS = (20.0, 27.0, 35.0), (-7.0, 2.0, 7.0)
"""Outdoors, where the efficiency of a plant is said, as data sheets do."""

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


def assets_of(site: SiteSpec) -> list[Asset]:
    """Return grid, load, the PV plant and the battery if there are any, and sub-metered loads.

    The load has no meter: it is what the balance leaves over. A load with a sub-meter is a part of
    it and stands outside of the balance.
    """
    critical = 1.0 if site.microgrid is None else site.microgrid.critical_ratio
    derived = LoadRating(derived=True, critical_ratio=critical)
    part = LoadRating(informational=True)
    assets = [
        Asset(id=site.asset("grid"), display_name="Grid connection", rating=site.connection),
        Asset(id=site.asset("load"), display_name="Load", rating=derived),
    ]
    if site.pv is not None:
        name = f"PV ({site.pv.note})" if site.pv.note else "PV"
        rating = PvRating(peak_power_w=site.pv.peak_power_w, curtailable=True)
        assets.append(Asset(id=site.asset("pv"), display_name=name, rating=rating))
    if site.battery is not None:
        battery = _battery_rating(site.battery)
        assets.append(Asset(id=site.asset("battery"), display_name="Battery", rating=battery))
    if site.turbine is not None:
        wind = site.turbine.rating
        assets.append(Asset(id=site.asset("wind"), display_name="Wind turbine", rating=wind))
    if site.generator is not None:
        assets.append(_generator(site, site.generator))
    assets += [_charger(site, each) for each in site.charge_points]
    assets += [_zone(site, each) for each in site.rooms]
    assets += [_tank(site, each) for each in site.tanks]
    assets += [_machine(site, each) for each in site.machines]
    for load in site.sub_meters.values():
        id_ = site.asset(f"load-{load}")
        assets.append(Asset(id=id_, display_name=f"Load {load}", rating=part))
    return assets


def _generator(site: SiteSpec, spec: GeneratorSpec) -> Asset:
    """Return a generator set: fuel by its line from no load to full load, at the price of fuel."""
    price = site.fuel_price_per_l
    rating = GeneratorRating(
        max_output_power_w=spec.rated_w,
        min_output_power_w=spec.least_w,
        fuel_cost_per_kwh=FUEL_L_PER_KWH * price,
        running_cost_per_hour=FUEL_L_PER_RATED_KWH * spec.rated_w / 1000.0 * price,
        min_up_duration=spec.min_run_duration,
        emission_gco2e_per_kwh=1000.0 * KG_CO2E_PER_L * (FUEL_L_PER_KWH + FUEL_L_PER_RATED_KWH),
        maintenance_ranges=spec.maintenance,
    )
    return Asset(id=site.asset("generator"), display_name="Generator set", rating=rating)


def microgrid_of(site: SiteSpec) -> Microgrid | None:
    """Return how a site does without the grid, as others are told; None: it cannot."""
    spec = site.microgrid
    if spec is None:
        return None
    return Microgrid(
        readiness=spec.readiness,
        nominal_voltage_v=NOMINAL_V,
        nominal_frequency_hz=NOMINAL_HZ,
        shed_assets=tuple(map(site.asset, spec.shed)),
    )


def charge_point_id(device: DeviceId) -> str:
    """Return the id with which a charge point dials in: `home-2-ev`."""
    return f"{device.site.segment}-{device.segment}"


def _charger(site: SiteSpec, charge_point: ChargePointSpec) -> Asset:
    return Asset(
        id=site.asset(charge_point.id),
        display_name=charge_point.display_name or "Charge point",
        rating=EvChargerRating(
            max_current_a=charge_point.max_current_a,
            min_current_a=LEAST_CURRENT_A,
            charge_efficiency_ratio=VEHICLE_EFFICIENCY_RATIO,
        ),
        phase=charge_point.phase,
        node_id=charge_point.node_id,
    )


def _zone(site: SiteSpec, room: RoomSpec) -> Asset:
    """Return a room as a zone with its plant; nobody says how it answers to it."""
    day, night, strict = room.comfort.day, room.comfort.night, room.comfort.strictest
    cools = room.mode is Mode.COOLING
    pump = HeatPumpRating(
        max_power_w=room.plant.max_power_w,
        min_power_w=room.plant.min_power_w,
        cop_points=tuple(
            CopPoint(
                outdoor_temperature_celsius=celsius,
                cop_ratio=(cooling_cop if cools else heating_cop)(room.plant, celsius),
            )
            for celsius in (_COOLING_CELSIUS if cools else _HEATING_CELSIUS)
        ),
    )
    rating = HvacZoneRating(
        occupied_band=ComfortBand(
            min_temperature_celsius=strict.low_celsius, max_temperature_celsius=strict.high_celsius
        ),
        unoccupied_band=ComfortBand(
            min_temperature_celsius=min(day.low_celsius, night.low_celsius),
            max_temperature_celsius=max(day.high_celsius, night.high_celsius),
        ),
        cooling=pump if cools else None,
        heating=None if cools else pump,
    )
    return Asset(id=site.asset(room.id), display_name=room.display_name or room.id, rating=rating)


def _tank(site: SiteSpec, water: HotWaterSpec) -> Asset:
    tank = water.tank
    efficiencies = (
        [CopPoint(outdoor_temperature_celsius=20.0, cop_ratio=tank.cop_ratio)]
        if tank.cop_ratio is not None
        else [
            CopPoint(
                outdoor_temperature_celsius=celsius, cop_ratio=cop(tank, water.own_celsius, celsius)
            )
            for celsius in _TANK_CELSIUS
        ]
    )
    rating = TankRating(
        capacity_wh_per_k=tank.capacity_wh_per_k,
        min_temperature_celsius=water.low_celsius,
        max_temperature_celsius=water.high_celsius,
        heater=HeatPumpRating(max_power_w=tank.heater_w, cop_points=tuple(efficiencies)),
        loss_w_per_k=tank.loss_w_per_k,
        ambient_temperature_celsius=tank.ambient_celsius,
    )
    name = water.display_name or water.id
    return Asset(id=site.asset(water.id), display_name=name, rating=rating)


def _hot_water(site: SiteSpec, water: HotWaterSpec, reach: Reach) -> Device:
    controls = _controlled(site, water.id, SetpointKind.TEMPERATURE_CELSIUS)
    name = water.display_name or water.id
    return _on_mqtt(name, "mqtt-hot-water", HOT_WATER_POINTS, controls, reach)


def _machine(site: SiteSpec, machine: MachineSpec) -> Asset:
    rating = DeferrableRating(max_power_w=machine.most_w)
    name = machine.display_name or machine.id
    return Asset(id=site.asset(machine.id), display_name=name, rating=rating)


def _appliance(site: SiteSpec, machine: MachineSpec, reach: Reach) -> Device:
    controls = _controlled(site, machine.id, SetpointKind.ON_OFF)
    name = machine.display_name or machine.id
    return _on_mqtt(name, "mqtt-appliance", MACHINE_POINTS, controls, reach)


def _battery_rating(battery: BatterySpec) -> BatteryRating:
    return BatteryRating(
        capacity_wh=battery.capacity_wh,
        max_charge_power_w=battery.max_charge_power_w,
        max_discharge_power_w=battery.max_discharge_power_w,
        charge_efficiency_ratio=battery.charge_efficiency_ratio,
        discharge_efficiency_ratio=battery.discharge_efficiency_ratio,
        min_soc_ratio=battery.min_soc_ratio,
        max_soc_ratio=battery.max_soc_ratio,
    )


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
