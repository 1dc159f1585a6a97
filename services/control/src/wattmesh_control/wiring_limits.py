"""Builds what keeps limits of sites and groups."""

from wattmesh_control.app.announce import CommandBroadcast
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.measure_rest import MeasureRest
from wattmesh_control.app.ports import EnergyMeter, LimitArchive
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.share_limits import ShareLimits
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_kernel.clock import Clock


def sharing_of(
    clock: Clock,
    devices: Devices,
    limits: LimitArchive,
    unit_of_work: UnitOfWork,
    shards: Shards,
    broadcast: CommandBroadcast,
    meter: EnergyMeter,
) -> ShareLimits:
    """Return what shares limits of sites and groups among devices."""
    return ShareLimits(
        clock=clock,
        devices=devices,
        limits=limits,
        rest=MeasureRest(clock=clock, devices=devices, meter=meter),
        unit_of_work=unit_of_work,
        shards=shards,
        broadcast=broadcast,
    )
