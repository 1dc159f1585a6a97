"""Which registers count for an asset, and when: what the functions of devices say."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import Asset, Device, DeviceFunction, MeterRole, ended, rated_power
from wattmesh_metering.domain.balance import MeteredAsset, Role, draws, role_of
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.records import EndedDevice
from wattmesh_metering.domain.spans import EVER, FOREVER, MeterSpan
from wattmesh_metering.domain.vee.comparing import AssetMeters, Meter

PointKeys = Mapping[str, Mapping[str, int]]
"""Keys of points by device name and quantity."""


def metered_asset(
    asset: Asset,
    delete_time: datetime | None,
    devices: Iterable[Device],
    deleted: Iterable[EndedDevice],
    keys: PointKeys,
) -> MeteredAsset:
    """Return an asset with the registers of its main or part meters, deleted ones included.

    Check and sub-meters never count, nor what only controls. A deleted asset that nothing ever
    measured was a mistake: it is no part of the balance.
    """
    past = (ended(each.device, each.end_time) for each in deleted)
    functions = [
        *((device, function, False) for device, function in _counting(asset.id, devices)),
        *((device, function, True) for device, function in _counting(asset.id, past)),
    ]

    def spans(quantity: str) -> tuple[MeterSpan, ...]:
        found = (_span(*each, quantity, keys) for each in functions)
        return tuple(chain.from_iterable(found))

    never_metered = delete_time is not None and not functions
    return MeteredAsset(
        id=asset.id,
        role=Role.INFORMATIONAL if never_metered else role_of(asset.rating),
        imports=spans("import_energy_wh"),
        exports=spans("export_energy_wh"),
        deleted_us=None if delete_time is None else to_microseconds(delete_time),
        draws=draws(asset.rating),
    )


def asset_meters(asset: Asset, devices: Iterable[Device], keys: PointKeys) -> AssetMeters:
    """Return the meters of an asset that can be compared with each other."""
    found: dict[MeterRole, list[Meter]] = {role: [] for role in MeterRole}
    for device in devices:
        for function in device.functions:
            if function.asset == asset.id and function.meter_role is not None:
                found[function.meter_role].append(_meter(device, function, keys))
    rated = rated_power(asset)
    one_way = (rated.max_export_w == 0) - (rated.max_import_w == 0)
    return AssetMeters(
        counting=tuple(found[MeterRole.MAIN] + found[MeterRole.PART]),
        checks=tuple(found[MeterRole.CHECK]),
        subs=tuple(found[MeterRole.SUB]),
        one_way=one_way,
        rated_w=rated.max_import_w if one_way > 0 else rated.max_export_w,
    )


def _meter(device: Device, function: DeviceFunction, keys: PointKeys) -> Meter:
    own = keys.get(device.name, {})
    measured = device.measures(function)
    imports, exports = (
        own.get(quantity) if quantity in measured else None
        for quantity in ("import_energy_wh", "export_energy_wh")
    )
    return Meter(
        imports=imports,
        exports=exports,
        start_us=EVER if function.start is None else to_microseconds(function.start),
        end_us=FOREVER if function.end is None else to_microseconds(function.end),
    )


def _counting(asset: AssetId, devices: Iterable[Device]) -> Iterator[tuple[Device, DeviceFunction]]:
    for device in devices:
        for function in device.functions:
            counts = function.meter_role in (MeterRole.MAIN, MeterRole.PART)
            if function.asset == asset and counts:
                yield device, function


def _span(
    device: Device, function: DeviceFunction, gone: bool, quantity: str, keys: PointKeys
) -> Iterator[MeterSpan]:
    key = keys.get(device.name, {}).get(quantity)
    if key is not None and quantity in device.measures(function):
        yield MeterSpan(
            key=key,
            main=function.meter_role is MeterRole.MAIN,
            gone=gone,
            start_us=EVER if function.start is None else to_microseconds(function.start),
            end_us=FOREVER if function.end is None else to_microseconds(function.end),
        )
