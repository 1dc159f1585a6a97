"""The model of all sites at one revision, and the questions that everybody asks of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, PointId, SiteId, TariffId
from wattmesh_kernel.sites.asset import Asset
from wattmesh_kernel.sites.device import Device, DeviceFunction, MeterRole
from wattmesh_kernel.sites.site import Site, SiteGroup
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange

Resource = Site | Asset | Device | SiteGroup | Tariff

V = TypeVar("V", Site, Asset, Device, SiteGroup, Tariff)
K = TypeVar("K", SiteId, AssetId, DeviceId, GroupId, TariffId)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPrices:
    """Dynamic prices of a tariff were published: what was read of them before is out of date."""

    tariff: TariffId
    span: TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteModelChange:
    """What leads from one revision to a later one: new or changed resources, and deleted names.

    With `snapshot` it is everything there is, and nothing else is.
    """

    revision: int
    snapshot: bool = False
    changed: tuple[Resource, ...] = ()
    deleted: frozenset[str] = frozenset()
    published: tuple[PublishedPrices, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetMeter:
    """A device that measures an asset, and the function by which it does."""

    device: Device
    function: DeviceFunction

    @property
    def quantities(self) -> frozenset[str]:
        """What it measures of the asset."""
        return self.device.measures(self.function)


@dataclass(frozen=True, kw_only=True)
class SiteModel:
    """Every site, asset, device, group and tariff (without dynamic prices) at one revision.

    Revision 0 is the empty model, which nobody has told anything.
    """

    revision: int = 0
    sites: Mapping[SiteId, Site] = field(default_factory=dict)
    assets: Mapping[AssetId, Asset] = field(default_factory=dict)
    devices: Mapping[DeviceId, Device] = field(default_factory=dict)
    groups: Mapping[GroupId, SiteGroup] = field(default_factory=dict)
    tariffs: Mapping[TariffId, Tariff] = field(default_factory=dict)

    def apply(self, change: SiteModelChange) -> "SiteModel":
        """Return the model after a change; the same content when the change is empty."""
        before = SiteModel() if change.snapshot else self
        after = SiteModel(
            revision=change.revision,
            sites=_applied(before.sites, change, Site),
            assets=_applied(before.assets, change, Asset),
            devices=_applied(before.devices, change, Device),
            groups=_applied(before.groups, change, SiteGroup),
            tariffs=_applied(before.tariffs, change, Tariff),
        )
        after._take_over_indices(before)
        return after

    def snapshot(self) -> SiteModelChange:
        """Return the change that makes this model out of nothing."""
        parts = (self.sites, self.assets, self.devices, self.groups, self.tariffs)
        resources = tuple(resource for part in parts for resource in part.values())
        return SiteModelChange(revision=self.revision, snapshot=True, changed=resources)

    def assets_of(self, site: SiteId) -> tuple[Asset, ...]:
        """Return the assets of a site by name."""
        return self._assets_by_site.get(site, ())

    def devices_of_gateway(self, gateway: GatewayId) -> tuple[Device, ...]:
        """Return the devices that a gateway talks to, by name."""
        return self._devices_by_gateway.get(gateway, ())

    def devices_of_site(self, site: SiteId) -> tuple[Device, ...]:
        """Return the devices of a site by name."""
        return self._devices_by_site.get(site, ())

    def group_of(self, site: SiteId) -> SiteGroup | None:
        """Return the group that a site is planned with; None when it is planned by itself."""
        return self._groups_by_site.get(site)

    def tariff_of(self, site: Site) -> Tariff | None:
        """Return what a site pays by, as one tariff that changes, without dynamic prices.

        None when it has none, or what it has is not all in the model.
        """
        if not site.tariff_assignments:
            return None if site.tariff is None else self.tariffs.get(site.tariff)
        if site.id not in self._contracts:
            try:
                self._contracts[site.id] = site.contract(self.tariffs)
            except WattmeshError:
                self._contracts[site.id] = None
        return self._contracts[site.id]

    def controller_of(self, asset: AssetId, at: datetime) -> Device | None:
        """Return the device that setpoints for an asset go to; None when nothing controls it."""
        for meter in self._functions.get(asset, ()):
            if meter.function.controls and meter.function.holds(at):
                return meter.device
        return None

    def controlled_by(self, device: DeviceId, at: datetime) -> tuple[AssetId, ...]:
        """Return the assets that a device controls."""
        found = self.devices.get(device)
        functions = () if found is None else found.functions
        controlled = (each.asset for each in functions if each.controls and each.holds(at))
        return tuple(dict.fromkeys(controlled))

    def meters_of(self, asset: AssetId, at: datetime) -> tuple[AssetMeter, ...]:
        """Return what measures an asset: main, part, check and sub-meters."""
        return tuple(
            meter
            for meter in self._functions.get(asset, ())
            if meter.function.meter_role is not None and meter.function.holds(at)
        )

    def point_of(self, asset: AssetId, quantity: str, at: datetime) -> PointId | None:
        """Return the point of the main meter that shows a quantity of an asset, if there is one."""
        for meter in self.meters_of(asset, at):
            main = meter.function.meter_role is MeterRole.MAIN
            if main and quantity in meter.quantities:
                return meter.device.point(quantity)
        return None

    def _take_over_indices(self, before: "SiteModel") -> None:
        """Keep what was worked out of a part that has not changed: a tariff moves no device."""
        for part, indices in _INDICES.items():
            if getattr(self, part) is getattr(before, part):
                kept = {name: before.__dict__[name] for name in indices if name in before.__dict__}
                self.__dict__.update(kept)

    @cached_property
    def _assets_by_site(self) -> dict[SiteId, tuple[Asset, ...]]:
        found: defaultdict[SiteId, list[Asset]] = defaultdict(list)
        for asset in sorted(self.assets.values(), key=_name):
            found[asset.site].append(asset)
        return {site: tuple(assets) for site, assets in found.items()}

    @cached_property
    def _contracts(self) -> dict[SiteId, Tariff | None]:
        return {}

    @cached_property
    def _by_name(self) -> tuple[Device, ...]:
        return tuple(sorted(self.devices.values(), key=_name))

    @cached_property
    def _devices_by_gateway(self) -> dict[GatewayId, tuple[Device, ...]]:
        found: defaultdict[GatewayId, list[Device]] = defaultdict(list)
        for device in self._by_name:
            found[device.gateway].append(device)
        return {gateway: tuple(devices) for gateway, devices in found.items()}

    @cached_property
    def _devices_by_site(self) -> dict[SiteId, tuple[Device, ...]]:
        found: defaultdict[SiteId, list[Device]] = defaultdict(list)
        for device in self._by_name:
            found[device.id.site].append(device)
        return {site: tuple(devices) for site, devices in found.items()}

    @cached_property
    def _groups_by_site(self) -> dict[SiteId, SiteGroup]:
        return {site: group for group in self.groups.values() for site in group.sites}

    @cached_property
    def _functions(self) -> dict[AssetId, tuple[AssetMeter, ...]]:
        found: defaultdict[AssetId, list[AssetMeter]] = defaultdict(list)
        for device in self._by_name:
            for function in device.functions:
                found[function.asset].append(AssetMeter(device=device, function=function))
        return {asset: tuple(meters) for asset, meters in found.items()}


_INDICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "assets": ("_assets_by_site",),
        "devices": ("_by_name", "_devices_by_gateway", "_devices_by_site", "_functions"),
        "groups": ("_groups_by_site",),
    }
)
"""What is worked out of each part of the model."""


def ended(device: Device, moment: datetime) -> Device:
    """Return a device whose functions hold until `moment` at the longest.

    Functions that had not begun by then are dropped. It is what deleting the device leaves of it:
    at noon, one since ten o'clock has held for two hours, one from three o'clock on never will.
    """
    functions = tuple(
        replace(function, end=moment if function.end is None else min(function.end, moment))
        for function in device.functions
        if function.start is None or function.start < moment
    )
    return replace(device, functions=functions)


def _name(resource: Asset | Device) -> str:
    return resource.id.name


def _applied(before: Mapping[K, V], change: SiteModelChange, kind: type[V]) -> Mapping[K, V]:
    changed = {each.id: each for each in change.changed if isinstance(each, kind)}
    gone = {each for each in before if each.name in change.deleted} if change.deleted else set()
    if not changed and not gone:
        return before
    kept = {name: value for name, value in before.items() if name not in gone}
    return {**kept, **changed}  # type: ignore[dict-item]  # ids and resources go by kind
