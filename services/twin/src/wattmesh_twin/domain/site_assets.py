"""What metering is told of a site: its assets and what they are able to do, and how it islands."""

from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    ComfortBand,
    CopPoint,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    Microgrid,
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
    ChargePointSpec,
    SiteSpec,
)
from wattmesh_twin.domain.tank import cop
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A
from wattmesh_twin.domain.zone import Mode, cooling_cop, heating_cop

VEHICLE_EFFICIENCY_RATIO = 0.9
"""What of the energy is taken to reach a vehicle's battery."""

_TANK_CELSIUS = (0.0, 15.0, 30.0)
_COOLING_CELSIUS, _HEATING_CELSIUS = (20.0, 27.0, 35.0), (-7.0, 2.0, 7.0)
"""Outdoors, where the efficiency of a plant is said, as data sheets do."""


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


def _machine(site: SiteSpec, machine: MachineSpec) -> Asset:
    rating = DeferrableRating(max_power_w=machine.most_w)
    name = machine.display_name or machine.id
    return Asset(id=site.asset(machine.id), display_name=name, rating=rating)


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
