"""The whole site model in memory, with its past: what queries need of it without asking anybody."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, DeviceId, PointId, SiteId
from wattmesh_kernel.sites import Asset, Device, Site
from wattmesh_metering.domain.balance import MeteredAsset
from wattmesh_metering.domain.meters import asset_meters, metered_asset
from wattmesh_metering.domain.readings import RegisteredPoint
from wattmesh_metering.domain.records import EndedDevice, ModelChange, ModelNews, Record
from wattmesh_metering.domain.selectors import AssetSelector, PointSelector
from wattmesh_metering.domain.vee.comparing import AssetMeters
from wattmesh_metering.domain.vee.flags import Limits
from wattmesh_metering.domain.vee.judging import PointProfile
from wattmesh_metering.domain.vee.limits import limits_of


class KnownModel:
    """Every record, deleted ones too, and the keys of all points; grows by news."""

    def __init__(self) -> None:
        self.revision = 0
        self._records: dict[str, Record] = {}
        self._of_site: defaultdict[SiteId, dict[str, Record]] = defaultdict(dict)
        self._ended: defaultdict[SiteId, list[EndedDevice]] = defaultdict(list)
        self._point_keys: dict[str, dict[str, int]] = {}
        self._owners: dict[int, RegisteredPoint] = {}
        self._metered: dict[SiteId, dict[AssetId, MeteredAsset]] = {}
        self._profiles: dict[int, PointProfile] = {}

    def apply(self, news: ModelNews) -> ModelChange:
        """Take in what is new; return it as those hear it who follow the model."""
        if news.whole:
            self._forget()
        self._profiles.clear()
        for record in news.records:
            self._keep(record)
        for ended in news.ended:
            self._ended[ended.device.id.site].append(ended)
            self._metered.pop(ended.device.id.site, None)
        for device, keys in news.point_keys:
            self._point_keys[device] = keys
            owner = DeviceId.parse(device)
            for quantity, key in keys.items():
                point = PointId(owner, quantity)
                self._owners[key] = RegisteredPoint(key=key, id=point)
        self.revision = news.revision
        return change_of(news)

    def snapshot(self) -> ModelChange:
        """Return all there is as one change."""
        records = tuple(self._records.values())
        return change_of(ModelNews(revision=self.revision, whole=True, records=records))

    def metered(self, selector: AssetSelector) -> list[MeteredAsset]:
        """Return the assets that are meant: a named one, be it deleted, or all there are by name.

        Error: NotFound.
        """
        of_site = self._metered_of(selector.site)
        if selector.asset is None:
            self._require(selector.site.name, "SITE")
            return [asset for asset in of_site.values() if asset.deleted_us is None]
        if selector.asset not in of_site:
            raise NotFound("ASSET_NOT_FOUND", f"there is no {selector.asset}")
        return [of_site[selector.asset]]

    def all_metered(self, site: SiteId) -> list[MeteredAsset]:
        """Return all assets of a site, deleted ones too, by name."""
        return list(self._metered_of(site).values())

    def points_of(self, selectors: Sequence[PointSelector]) -> list[RegisteredPoint]:
        """Return the points of all selectors, each once, in their order. Error: NotFound."""
        chosen = {point.key: point for each in selectors for point in self.points(each)}
        return list(chosen.values())

    def points(self, selector: PointSelector) -> list[RegisteredPoint]:
        """Return the points that are meant by name: those of a named device, be it deleted.

        Error: NotFound.
        """
        if selector.device is None:
            self._require(selector.site.name, "SITE")
            return [
                point for each in self._living_devices(selector.site) for point in self._of(each)
            ]
        if selector.point is None:
            if selector.device.name not in self._records:
                raise NotFound("DEVICE_NOT_FOUND", f"there is no {selector.device}")
            return list(self._of(selector.device))
        key = self._point_keys.get(selector.device.name, {}).get(selector.point.segment)
        if key is None:
            raise NotFound("POINT_NOT_FOUND", f"there is no {selector.point}")
        return [self._owners[key]]

    def zone(self, site: SiteId) -> ZoneInfo:
        """Return a site's time zone. Error: NotFound."""
        record = self._records.get(site.name)
        if record is None or not isinstance(record.resource, Site):
            raise NotFound("SITE_NOT_FOUND", f"there is no {site}")
        return record.resource.zone

    def profile(self, key: int) -> PointProfile | None:
        """Return what the point of this key measures, and what that may show at most."""
        if key not in self._profiles and (point := self._owners.get(key)) is not None:
            self._profiles[key] = self._profile(point.id)
        return self._profiles.get(key)

    def compared(self, keys: frozenset[int]) -> list[AssetMeters]:
        """Return the meters of every asset that say something of one of these registers."""
        owners = (self._owners[key].id.device.site for key in keys if key in self._owners)
        found = []
        for site in sorted(set(owners), key=lambda each: each.name):
            living = [
                record.resource
                for _, record in sorted(self._of_site.get(site, {}).items())
                if record.delete_time is None
            ]
            devices = [each for each in living if isinstance(each, Device)]
            found += [
                asset_meters(each, devices, self._point_keys)
                for each in living
                if isinstance(each, Asset)
            ]
        return [meters for meters in found if meters.comparable and meters.keys & keys]

    def _profile(self, point: PointId) -> PointProfile:
        record = self._records.get(point.device.name)
        device = record.resource if record is not None else None
        limits = Limits()
        if isinstance(device, Device):
            limits = limits_of(device, point.segment, self._asset)
        return PointProfile(device=point.device, quantity=point.segment, limits=limits)

    def _asset(self, asset: AssetId) -> Asset | None:
        record = self._records.get(asset.name)
        found = None if record is None else record.resource
        return found if isinstance(found, Asset) else None

    def _forget(self) -> None:
        self._owners.clear()
        for part in (self._records, self._of_site, self._ended, self._point_keys, self._metered):
            part.clear()

    def _keep(self, record: Record) -> None:
        self._records[record.name] = record
        resource = record.resource
        if isinstance(resource, Asset | Device):
            self._of_site[resource.id.site][record.name] = record
            self._metered.pop(resource.id.site, None)

    def _require(self, name: str, kind: str) -> None:
        record = self._records.get(name)
        if record is None or record.delete_time is not None:
            raise NotFound(f"{kind}_NOT_FOUND", f"there is no {name}")

    def _living_devices(self, site: SiteId) -> Iterator[DeviceId]:
        for _, record in sorted(self._of_site.get(site, {}).items()):
            if isinstance(record.resource, Device) and record.delete_time is None:
                yield record.resource.id

    def _of(self, device: DeviceId) -> Iterator[RegisteredPoint]:
        for _, key in sorted(self._point_keys.get(device.name, {}).items()):
            yield self._owners[key]

    def _metered_of(self, site: SiteId) -> dict[AssetId, MeteredAsset]:
        if site not in self._metered and site in self._of_site:
            self._metered[site] = self._measure(site)
        return self._metered.get(site, {})

    def _measure(self, site: SiteId) -> dict[AssetId, MeteredAsset]:
        records = [record for _, record in sorted(self._of_site.get(site, {}).items())]
        devices = [
            record.resource
            for record in records
            if isinstance(record.resource, Device) and record.delete_time is None
        ]
        ended = self._ended.get(site, [])
        return {
            record.resource.id: metered_asset(
                record.resource, record.delete_time, devices, ended, self._point_keys
            )
            for record in records
            if isinstance(record.resource, Asset)
        }


def change_of(news: ModelNews) -> ModelChange:
    """Return news as those hear them who follow the model."""
    gone = frozenset(each.name for each in news.records if each.delete_time is not None)
    return ModelChange(
        revision=news.revision,
        snapshot=news.whole,
        changed=tuple(each for each in news.records if each.delete_time is None),
        deleted=frozenset() if news.whole else gone,
        published=() if news.whole else news.published,
    )
