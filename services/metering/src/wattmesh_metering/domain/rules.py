"""Rules among several resources of the site model. Error of most: FailedPrecondition."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.quantities import QUANTITIES, Kind
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    Site,
    SiteGroup,
)
from wattmesh_kernel.tariff import Tariff

_COUNTED = (MeterRole.MAIN, MeterRole.PART)


def is_single(asset: Asset) -> bool:
    """Return whether a site has one such asset at most."""
    match asset.rating:
        case GridConnectionRating() | LoadRating(derived=True):
            return True
        case _:
            return False


def check_single(asset: Asset, others: Iterable[Asset]) -> None:
    """Refuse a second grid connection or derived load of a site: the balance leaves one rest."""
    for other in others:
        if is_single(other) and other.kind == asset.kind and other.id != asset.id:
            reason = "DERIVED_LOAD_TAKEN" if asset.kind == "load" else "GRID_CONNECTION_TAKEN"
            raise FailedPrecondition(
                reason, f"{other.id} is one already, and a site has one at most"
            )


def check_node(asset: Asset, site: Site) -> None:
    """Refuse an asset on a node that its site does not have."""
    if asset.node_id and asset.node_id not in {node.id for node in site.nodes}:
        raise FailedPrecondition("UNKNOWN_NODE", f"{site.id} has no node {asset.node_id!r}")


def check_nodes_kept(site: Site, assets: Iterable[Asset]) -> None:
    """Refuse a site without a node that one of its assets hangs on."""
    nodes = {node.id for node in site.nodes}
    for asset in assets:
        if asset.node_id and asset.node_id not in nodes:
            raise FailedPrecondition("NODE_IN_USE", f"{asset.id} hangs on {asset.node_id!r}")


def check_currency(site: Site, tariff: Tariff) -> None:
    """Refuse an assigned tariff in another currency: its part of a month could not be added.

    Error: InvalidArgument.
    """
    if tariff.currency_code != site.currency_code:
        raise InvalidArgument(
            "CURRENCY_MISMATCH",
            f"{site.id} pays in {site.currency_code}, {tariff.id} is in {tariff.currency_code}",
            field="tariff_assignments.tariff",
        )


def check_group(group: SiteGroup, others: Iterable[SiteGroup]) -> None:
    """Refuse a site in two groups."""
    for other in others:
        shared = set(group.sites) & set(other.sites)
        if other.id != group.id and shared:
            raise FailedPrecondition(
                "SITE_IN_OTHER_GROUP", f"{min(shared)} belongs to {other.id} already"
            )


def check_functions(device: Device, others: Sequence[Device]) -> None:
    """Refuse two controllers of an asset at a time, and two main meters of one register.

    Part meters add up, so there may be several, but none beside a main meter.
    """
    for function in device.functions:
        for other, theirs in _functions(others, device):
            if not _together(function, theirs):
                continue
            if function.controls and theirs.controls:
                raise FailedPrecondition(
                    "CONTROLLER_TAKEN", f"{other.id} controls {function.asset} at that time"
                )
            _check_meters((device, function), (other, theirs))
    for one, two in combinations(device.functions, 2):
        if _together(one, two):
            _check_meters((device, one), (device, two))


def _check_meters(
    ours: tuple[Device, DeviceFunction], theirs: tuple[Device, DeviceFunction]
) -> None:
    shared = _registers(*ours) & _registers(*theirs)
    if shared and MeterRole.MAIN in (ours[1].meter_role, theirs[1].meter_role):
        raise FailedPrecondition(
            "MAIN_METER_TAKEN",
            f"{theirs[0].id} counts {min(shared)} of {ours[1].asset} at that time",
        )


def _functions(devices: Iterable[Device], but: Device) -> Iterator[tuple[Device, DeviceFunction]]:
    return (
        (each, function) for each in devices if each.id != but.id for function in each.functions
    )


def _together(one: DeviceFunction, other: DeviceFunction) -> bool:
    return one.asset == other.asset and one.overlaps(other)


def _registers(device: Device, function: DeviceFunction) -> frozenset[str]:
    """Return the registers by which a function counts for its asset."""
    if function.meter_role not in _COUNTED:
        return frozenset()
    measured = device.measures(function)
    return frozenset(each for each in measured if QUANTITIES[each].kind is Kind.REGISTER)
