"""The devices that control may steer, as the site model describes them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from wattmesh_control.domain.bearing import Bearing
from wattmesh_control.domain.controllable import (
    ControllableDevice,
    Found,
    NotSteered,
    Steering,
    controllable,
)
from wattmesh_control.domain.subject import NodeName, Subject, subject_of
from wattmesh_kernel.errors import FailedPrecondition, NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, GroupId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Node, Phase, SiteModel
from wattmesh_sitemodel.view import SiteModelView

NEW_DEVICE_SECONDS = 2.0
"""How long a call waits for a device that the model does not have yet [s of the wall]."""
FIRST_MODEL_SECONDS = 0.5
"""How long a call waits for a model that was never known [s of the wall]."""

_THREE = frozenset({Phase.THREE})
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Devices:
    """Control's own view of the site model; nothing is steered before it was known once.

    What a device can do is worked out once for each revision of the model.
    """

    def __init__(
        self, view: SiteModelView, *, new_device_seconds: float = NEW_DEVICE_SECONDS
    ) -> None:
        self._view = view
        self._new_device_seconds = new_device_seconds
        self._model: SiteModel | None = None
        self._found: dict[DeviceId, Found] = {}

    @property
    def known(self) -> bool:
        """Whether the model was ever heard of."""
        return self._view.known

    @property
    def model(self) -> SiteModel:
        """The newest model."""
        return self._view.model

    def gateway_of(self, device: DeviceId) -> GatewayId | None:
        """Return the gateway of a device; None when the model has none of that name."""
        found = self._view.model.devices.get(device)
        return None if found is None else found.gateway

    def subjects_of(self, device: DeviceId) -> frozenset[str]:
        """Return the names that mean a device: its own, its site's, its group's."""
        group = self._view.model.group_of(device.site)
        names = (device.name, device.site.name, *(() if group is None else (group.id.name,)))
        return frozenset(names)

    def bearings(self) -> list[Bearing]:
        """Return what each group, and each node of a site or group, bears, of those that say it."""
        model = self._view.model
        nodes = [
            Bearing.of_node(NodeName(owner.id, node.id), node)
            for owners in (model.sites.values(), model.groups.values())
            for owner in owners
            for node in owner.nodes
        ]
        groups = [Bearing.of_group(each) for each in model.groups.values()]
        return [each for each in (*groups, *nodes) if each.bounds != (None,) * 4]

    def sites_of(self, subject: Subject) -> tuple[SiteId, ...]:
        """Return the sites whose power a limit on a subject is about."""
        match subject:
            case DeviceId(site=site) | NodeName(owner=SiteId() as site) | (SiteId() as site):
                return (site,)
            case NodeName(owner=GroupId() as group, id=node):
                return self._sites_below(group, node)
            case GroupId() as group:
                return self._sites_below(group, "")
        raise AssertionError(subject)

    def _sites_below(self, group: GroupId, node: str) -> tuple[SiteId, ...]:
        found = self._view.model.groups.get(group)
        if found is None:
            return ()
        return found.sites_below(node) if node else found.sites

    def under(self, subject: str, moment: datetime) -> list[ControllableDevice]:
        """Return what can be steered of a device, a site or a group, by name."""
        found = (self.find(each, moment) for each in self._named(subject_of(subject, "subject")))
        return [each for each in found if isinstance(each, ControllableDevice) and each.steerings]

    async def require_subject(self, subject: str) -> None:
        """Wait a moment for a device, site or group. Errors: Unavailable; NotFound."""
        match subject_of(subject, "subject"):
            case DeviceId() as device:
                await self.require([device])
                self.get(device, _ANY_TIME)
            case SiteId() as site:
                await self.require(())
                if site not in self._view.model.sites and not self._named(site):
                    raise NotFound("SITE_NOT_FOUND", f"there is no {site}")
            case GroupId() as group:
                await self.require(())
                if group not in self._view.model.groups:
                    raise NotFound("GROUP_NOT_FOUND", f"there is no {group}")
            case NodeName() as node:
                await self.require_subject(node.owner.name)
                model = self._view.model
                if all(each.id != node.id for each in _nodes_of(model, node.owner)):
                    raise FailedPrecondition("UNKNOWN_NODE", f"there is no {node.name}")

    def _named(self, subject: Subject) -> list[DeviceId]:
        model = self._view.model
        match subject:
            case DeviceId():
                return [subject]
            case SiteId():
                return [each.id for each in model.devices_of_site(subject)]
            case NodeName(owner=SiteId() as site, id=node):
                below = self.assets_below(site, node)
                return [
                    each.id
                    for each in model.devices_of_site(site)
                    if any(one.controls and one.asset in below for one in each.functions)
                ]
        sites = self.sites_of(subject)
        return [each.id for site in sites for each in model.devices_of_site(site)]

    def assets_below(self, site: SiteId, node: str) -> frozenset[AssetId]:
        """Return the assets of a site that hang on a node, or anywhere below it."""
        known = self._view.model.sites.get(site)
        ids = frozenset() if known is None else known.node_ids_below(node)
        return frozenset(
            each.id for each in self._view.model.assets_of(site) if each.node_id in ids
        )

    def phases_of(self, device: ControllableDevice) -> frozenset[Phase]:
        """Return the conductors of the assets that a device steers."""
        assets = self._view.model.assets
        steered = {each.asset for each in device.steerings.values()}
        return frozenset(assets[each].phase for each in steered if each in assets) or _THREE

    def find(self, device: DeviceId, moment: datetime) -> Found:
        """Return a device as it can be steered at `moment`, or why there is none."""
        model = self._view.model
        if model is not self._model:
            self._model, self._found = model, {}
        found = self._found.get(device)
        if found is None:
            found = controllable(model, device, moment)
            if _is_for_good(model, device):
                self._found[device] = found
        return found

    def steering(
        self, device: DeviceId, kind: SetpointKind, moment: datetime
    ) -> Steering | NotSteered:
        """Return how a kind of setpoint steers a device, or why it does not."""
        found = self.find(device, moment)
        return found if isinstance(found, NotSteered) else found.steering(kind)

    def get(self, device: DeviceId, moment: datetime) -> ControllableDevice:
        """Return a device. Error: NotFound."""
        found = self.find(device, moment)
        if isinstance(found, NotSteered):
            raise NotFound("DEVICE_NOT_FOUND", f"there is no {device}", {"device": device.name})
        return found

    async def require(self, devices: Iterable[DeviceId]) -> None:
        """Wait a moment for devices that are only just coming into the model.

        Error: Unavailable when nothing is known of any device.
        """
        asked = set(devices)
        if self.known and asked <= self._view.model.devices.keys():
            return
        try:
            if not self.known:
                await self._view.wait_until(lambda model: self.known, FIRST_MODEL_SECONDS)
            await self._view.wait_until(
                lambda model: asked <= model.devices.keys(), self._new_device_seconds
            )
        except Unavailable as error:
            if not self.known:
                raise Unavailable(
                    "SITE_MODEL_UNKNOWN",
                    "the limits of the devices are not known yet: metering does not answer",
                    retry_after=timedelta(seconds=1),
                ) from error


def _nodes_of(model: SiteModel, owner: SiteId | GroupId) -> tuple[Node, ...]:
    found = model.sites.get(owner) if isinstance(owner, SiteId) else model.groups.get(owner)
    return () if found is None else found.nodes


def _is_for_good(model: SiteModel, device: DeviceId) -> bool:
    """Tell whether what a device does depends on the model alone, not on the time."""
    found = model.devices.get(device)
    return found is None or all(
        function.start is None and function.end is None for function in found.functions
    )
