"""What a layout says of rooms, and what was measured around and in them."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from wattmesh_kernel.series import Series
from wattmesh_twin.adapters.data import layout
from wattmesh_twin.domain.dataset import RoomClimate
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.household import MachineSpec
from wattmesh_twin.domain.rooms import Band, Comfort, RoomSpec
from wattmesh_twin.domain.tank import TankSpec
from wattmesh_twin.domain.zone import Mode, PlantSpec, ZoneSpec

_PERSON_W = 100.0
"""Sensible and latent heat of one that sits: ASHRAE Handbook, Fundamentals (2021), chapter 18."""


def room_spec(room: layout.Room, zone: ZoneInfo) -> RoomSpec:
    """Return a room."""
    wanted = room.comfort
    return RoomSpec(
        id=room.id,
        display_name=room.display_name,
        zone=ZoneSpec(**room.thermal),
        plant=PlantSpec(max_power_w=room.max_power_kw * 1e3, min_power_w=room.min_power_kw * 1e3),
        mode=Mode(room.mode),
        comfort=Comfort(
            zone=zone,
            day=_band(wanted.day),
            night=_band(wanted.night),
            day_hour=wanted.day_hour,
            night_hour=wanted.night_hour,
        ),
        on_modbus=room.protocol == "modbus",
    )


def room_climate(room: layout.Room, read: Callable[[layout.Column], Series]) -> RoomClimate:
    """Return what acts on a room, hour by hour."""
    suns = [read(column) for column in room.sun]
    devices, people = read(room.devices), read(room.people)
    return RoomClimate(
        outdoor_celsius=read(room.outdoor),
        sun_w_per_m2=suns[0].with_values(sum(each.values for each in suns)),
        gains_w=devices.with_values(1e3 * devices.values + _PERSON_W * people.values),
    )


def hot_water_spec(tank: layout.Tank, zone: ZoneInfo) -> HotWaterSpec:
    """Return a tank."""
    return HotWaterSpec(
        id=tank.id,
        display_name=tank.display_name,
        zone=zone,
        tank=TankSpec(
            capacity_wh_per_k=tank.capacity_wh_per_k,
            loss_w_per_k=tank.loss_w_per_k,
            heater_w=1e3 * tank.heater_kw,
        ),
    )


def machine_spec(machine: layout.Machine, zone: ZoneInfo) -> MachineSpec:
    """Return a machine that somebody loads."""
    return MachineSpec(
        id=machine.id,
        display_name=machine.display_name,
        zone=zone,
        powers_w=tuple(1e3 * each for each in machine.quarters_kw),
        loaded_hour=machine.loaded_hour,
        done_hour=machine.done_hour,
        weekdays=frozenset(machine.weekdays),
    )


def tank_climate(tank: layout.Tank, read: Callable[[layout.Column], Series]) -> RoomClimate:
    """Return what acts on a tank: outdoors, and the heat that its users draw as gains [W]."""
    outdoor, draws = read(tank.outdoor), read(tank.draws)
    return RoomClimate(
        outdoor_celsius=outdoor,
        sun_w_per_m2=outdoor.with_values(0.0 * outdoor.values),
        gains_w=draws.with_values(1e3 * draws.values),
    )


def _band(band: layout.Band) -> Band:
    return Band(low_celsius=band.low, high_celsius=band.high)
