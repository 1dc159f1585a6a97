"""What there is to plan, read off the site model; and what is not planned, and why."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from wattmesh_kernel.ids import GroupId, PointId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Asset, Device, GridConnectionRating, Site, SiteModel
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic, Why
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.grid_connection import CONNECTED
from wattmesh_planner.domain.kinds.kind import Kind
from wattmesh_planner.domain.model import (
    MeteredPoint,
    Scope,
    ScopeId,
    ScopeSite,
    ScopeState,
    SiteAsset,
)


def scope_ids(model: SiteModel) -> list[ScopeId]:
    """Return the groups, and the sites that are in none, by name."""
    alone = [site for site in model.sites if model.group_of(site) is None]
    return sorted([*model.groups, *alone], key=lambda each: each.name)


def scope_of(model: SiteModel, scope: ScopeId, at: datetime) -> Scope | None:
    """Return what is planned under a name at a time; None when nothing is.

    A site of a group is planned with its group, not by its own name.
    """
    if isinstance(scope, GroupId):
        group = model.groups.get(scope)
        return None if group is None else _Reader(model, at).scope(scope, group.sites)
    if scope not in model.sites or model.group_of(scope) is not None:
        return None
    return _Reader(model, at).scope(scope, [scope])


class _Reader:
    """Reads one scope, and collects what cannot be planned on the way."""

    def __init__(self, model: SiteModel, at: datetime) -> None:
        self._model = model
        self._at = at
        self._found: list[Degradation] = []

    def scope(self, scope: ScopeId, sites: Sequence[SiteId]) -> Scope:
        read = [site for each in sites if (site := self._site(each)) is not None]
        planned = self._one_currency(read)
        return Scope(
            id=scope,
            state=_state(planned, self._found),
            sites=tuple(planned),
            group=self._model.groups.get(scope) if isinstance(scope, GroupId) else None,
            degradations=tuple(self._found),
        )

    def _site(self, site: SiteId) -> ScopeSite | None:
        known = self._model.sites.get(site)
        assets = self._model.assets_of(site)
        grids = [each.id for each in assets if isinstance(each.rating, GridConnectionRating)]
        if known is None or len(grids) != 1:
            lacks = "no such site" if known is None else f"{len(grids)} grid connections, not one"
            self._leave_out(site.name, Reason.INCOMPLETE_SITE_MODEL, lacks)
            return None
        planned = tuple(each for asset in assets if (each := self._asset(asset, known)) is not None)
        return ScopeSite(site=known, grid_connection=grids[0], assets=planned)

    def _one_currency(self, sites: list[ScopeSite]) -> list[ScopeSite]:
        """Return the sites that are paid for in the currency of the first: costs are added up."""
        currency = sites[0].site.currency_code if sites else ""
        for site in sites:
            if site.site.currency_code != currency:
                lacks = f"pays in {site.site.currency_code}, others in {currency}"
                self._leave_out(site.site.name, Reason.INCOMPLETE_SITE_MODEL, lacks)
        return [site for site in sites if site.site.currency_code == currency]

    def _asset(self, asset: Asset, site: Site) -> SiteAsset | None:
        kind = KINDS.get(type(asset.rating))
        if kind is None:
            self._leave_out(asset.name, Reason.KIND_NOT_PLANNED, asset.kind)
            return None
        planned = self._located(asset, kind)
        if not kind.counts(planned):
            return None
        if why := _lacks(planned, kind, site):
            self._leave_out(asset.name, why.reason, why.detail)
            return None
        return planned

    def _located(self, asset: Asset, kind: Kind) -> SiteAsset:
        controller = self._model.controller_of(asset.id, self._at)
        return SiteAsset(
            asset=asset,
            controller=None if controller is None else controller.id,
            setpoint_kinds=_setpoint_kinds(controller, asset, self._at),
            points=dict(self._points(asset, kind.needs.quantities | kind.needs.watched)),
        )

    def _points(
        self, asset: Asset, quantities: Iterable[str]
    ) -> Iterator[tuple[str, MeteredPoint]]:
        for quantity in quantities:
            point: PointId | None = self._model.point_of(asset.id, quantity, self._at)
            if point is None and quantity == CONNECTED:
                point = self._of_switch(asset, quantity)
            if point is not None:
                device = self._model.devices[point.device]
                yield quantity, MeteredPoint(id=point, reporting_interval=device.reporting_interval)

    def _of_switch(self, asset: Asset, quantity: str) -> PointId | None:
        """Return the point of the switch that controls a grid connection, if it shows that."""
        switch = self._model.controller_of(asset.id, self._at)
        if switch is None or quantity not in switch.points:
            return None
        return switch.point(quantity)

    def _leave_out(self, subject: str, reason: Reason, detail: str) -> None:
        why = Why(topic=Topic.SITE_MODEL, reason=reason, detail=detail)
        self._found.append(Degradation.of(subject, why, Remedy.LEFT_OUT))


def _setpoint_kinds(
    controller: Device | None, asset: Asset, at: datetime
) -> frozenset[SetpointKind]:
    functions = () if controller is None else controller.functions
    own = (each for each in functions if each.asset == asset.id and each.controls)
    return next((each.setpoint_kinds for each in own if each.holds(at)), frozenset())


def _lacks(asset: SiteAsset, kind: Kind, site: Site) -> Why | None:
    """Return what the site model does not say of an asset although its kind needs it."""
    node = asset.asset.node_id
    if node and all(each.id != node for each in site.nodes):
        return Why(
            topic=Topic.SITE_MODEL,
            reason=Reason.INCOMPLETE_SITE_MODEL,
            detail=f"its site has no node {node!r}",
        )
    if kind.needs.controller and asset.controller is None:
        return Why(topic=Topic.SITE_MODEL, reason=Reason.NO_CONTROLLER)
    missing = sorted(kind.needs.quantities - set(asset.points))
    if missing:
        detail = f"no main meter measures {', '.join(missing)}"
        return Why(topic=Topic.SITE_MODEL, reason=Reason.INCOMPLETE_SITE_MODEL, detail=detail)
    return None


def _state(sites: Sequence[ScopeSite], degradations: Sequence[Degradation]) -> ScopeState:
    assets = (asset for site in sites for asset in site.assets)
    if any(KINDS[type(asset.rating)].steers(asset) for asset in assets):
        return ScopeState.PLANNED
    lacks = (Reason.INCOMPLETE_SITE_MODEL, Reason.NO_CONTROLLER)
    if not sites or any(each.reason in lacks for each in degradations):
        return ScopeState.INCOMPLETE
    return ScopeState.NOTHING_TO_STEER
