"""wattmesh.site.v1 ↔ the kernel's site model. Etags are the server's: not in the kernel."""

from collections.abc import Mapping
from types import MappingProxyType

from wattmesh.site.v1 import asset_pb2, site_pb2
from wattmesh.type.v1 import electrical_pb2
from wattmesh_contracts.microgrid import microgrid_from_proto, microgrid_to_proto
from wattmesh_contracts.ratings import rating_from_proto, rating_to_proto
from wattmesh_contracts.values import (
    at_field,
    optional_datetime_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import AssetId, GroupId, SiteId, TariffId, ZoneId
from wattmesh_kernel.sites import (
    RATINGS,
    Asset,
    Node,
    Phase,
    PlanningGoals,
    Rating,
    Site,
    SiteGroup,
    TariffAssignment,
)

PHASES: Mapping[int, Phase] = MappingProxyType(
    {
        electrical_pb2.PHASE_UNSPECIFIED: Phase.THREE,
        electrical_pb2.PHASE_THREE: Phase.THREE,
        electrical_pb2.PHASE_L1: Phase.L1,
        electrical_pb2.PHASE_L2: Phase.L2,
        electrical_pb2.PHASE_L3: Phase.L3,
    }
)
"""Phases as the wire has them; one that a newer client says is refused."""
_TO_PHASE = {
    Phase.THREE: electrical_pb2.PHASE_UNSPECIFIED,
    Phase.L1: electrical_pb2.PHASE_L1,
    Phase.L2: electrical_pb2.PHASE_L2,
    Phase.L3: electrical_pb2.PHASE_L3,
}


def phase_from_proto(phase: int) -> Phase:
    """Return a phase; InvalidArgument for one that is not known."""
    require(phase in PHASES, "UNKNOWN_VALUE", f"{phase} is no phase", "phase")
    return PHASES[phase]


def phase_to_proto(phase: Phase) -> electrical_pb2.Phase.ValueType:
    """Return a phase as its proto."""
    return _TO_PHASE[phase]


def site_from_proto(proto: site_pb2.Site) -> Site:
    """Return a site; InvalidArgument with the field when it makes no sense."""
    return Site(
        id=SiteId.parse(proto.name),
        display_name=proto.display_name,
        time_zone=proto.time_zone,
        latitude_degrees=proto.latitude_degrees if proto.HasField("latitude_degrees") else None,
        longitude_degrees=proto.longitude_degrees if proto.HasField("longitude_degrees") else None,
        tariff=TariffId.parse(proto.tariff, "tariff") if proto.tariff else None,
        carbon_zone=ZoneId.parse(proto.carbon_zone, "carbon_zone") if proto.carbon_zone else None,
        currency_code=proto.currency_code,
        nodes=tuple(map(_node_from_proto, proto.nodes)),
        goals=_goals_from_proto(proto.goals),
        microgrid=microgrid_from_proto(proto.microgrid) if proto.HasField("microgrid") else None,
        monthly_carbon_budget_gco2e=(
            proto.monthly_carbon_budget_gco2e
            if proto.HasField("monthly_carbon_budget_gco2e")
            else None
        ),
        tariff_assignments=tuple(map(_assignment_from_proto, proto.tariff_assignments)),
    )


def _assignment_from_proto(proto: site_pb2.TariffAssignment) -> TariffAssignment:
    with at_field("tariff_assignments"):
        start, end = (
            optional_datetime_from_proto(
                getattr(proto, name),
                present=proto.HasField(name),
                field=name,
            )
            for name in ("start_time", "end_time")
        )
        return TariffAssignment(tariff=TariffId.parse(proto.tariff, "tariff"), start=start, end=end)


def _assignment_to_proto(assignment: TariffAssignment) -> site_pb2.TariffAssignment:
    return site_pb2.TariffAssignment(
        tariff=assignment.tariff.name,
        start_time=timestamp_to_proto(assignment.start) if assignment.start else None,
        end_time=timestamp_to_proto(assignment.end) if assignment.end else None,
    )


def site_to_proto(site: Site, etag: str = "") -> site_pb2.Site:
    """Return a site as its proto."""
    return site_pb2.Site(
        name=site.name,
        etag=etag,
        display_name=site.display_name,
        time_zone=site.time_zone,
        latitude_degrees=site.latitude_degrees,
        longitude_degrees=site.longitude_degrees,
        tariff=site.tariff.name if site.tariff else "",
        carbon_zone=site.carbon_zone.name if site.carbon_zone else "",
        currency_code=site.currency_code,
        nodes=map(_node_to_proto, site.nodes),
        goals=_goals_to_proto(site.goals),
        microgrid=None if site.microgrid is None else microgrid_to_proto(site.microgrid),
        monthly_carbon_budget_gco2e=site.monthly_carbon_budget_gco2e,
        tariff_assignments=map(_assignment_to_proto, site.tariff_assignments),
    )


def group_from_proto(proto: site_pb2.SiteGroup) -> SiteGroup:
    """Return a group; InvalidArgument with the field when it makes no sense."""
    return SiteGroup(
        id=GroupId.parse(proto.name),
        display_name=proto.display_name,
        sites=tuple(SiteId.parse(site, "sites") for site in proto.sites),
        max_import_power_w=proto.max_import_power_w
        if proto.HasField("max_import_power_w")
        else None,
        max_export_power_w=proto.max_export_power_w
        if proto.HasField("max_export_power_w")
        else None,
        peak_price_per_kw=proto.peak_price_per_kw if proto.HasField("peak_price_per_kw") else None,
        nodes=tuple(map(_node_from_proto, proto.nodes)),
        site_node_ids={
            SiteId.parse(site, "site_node_ids"): node for site, node in proto.site_node_ids.items()
        },
        goals=_goals_from_proto(proto.goals),
        netted_billing=proto.netted_billing,
    )


def group_to_proto(group: SiteGroup, etag: str = "") -> site_pb2.SiteGroup:
    """Return a group as its proto."""
    return site_pb2.SiteGroup(
        name=group.name,
        etag=etag,
        display_name=group.display_name,
        sites=[site.name for site in group.sites],
        max_import_power_w=group.max_import_power_w,
        max_export_power_w=group.max_export_power_w,
        peak_price_per_kw=group.peak_price_per_kw,
        nodes=map(_node_to_proto, group.nodes),
        site_node_ids={site.name: node for site, node in group.site_node_ids.items()},
        goals=_goals_to_proto(group.goals),
        netted_billing=group.netted_billing,
    )


def _goals_from_proto(proto: site_pb2.PlanningGoals) -> PlanningGoals:
    return PlanningGoals(
        **{
            name: getattr(proto, name)
            for name in PlanningGoals.__slots__
            if proto.HasField(name)  # type: ignore[arg-type]
        }
    )


def _goals_to_proto(goals: PlanningGoals) -> site_pb2.PlanningGoals | None:
    if goals == PlanningGoals():
        return None
    return site_pb2.PlanningGoals(
        carbon_price_per_kg=goals.carbon_price_per_kg,
        ramp_price_per_kw=goals.ramp_price_per_kw,
        site_peak_price_per_kw=goals.site_peak_price_per_kw,
        ensemble_member_count=goals.ensemble_member_count,
        risk_ratio=goals.risk_ratio,
    )


def asset_from_proto(proto: asset_pb2.Asset) -> Asset:
    """Return an asset; InvalidArgument with the field when it makes no sense."""
    kind = proto.WhichOneof("kind") or ""
    require(kind in RATINGS, "MISSING_FIELD", "an asset is of one kind", "kind")
    return Asset(
        id=AssetId.parse(proto.name),
        display_name=proto.display_name,
        node_id=proto.node_id,
        phase=phase_from_proto(proto.phase),
        meter_point_ids=tuple(proto.meter_point_ids),
        rating=_rating_from_proto(kind, proto),
    )


def asset_to_proto(asset: Asset, etag: str = "") -> asset_pb2.Asset:
    """Return an asset as its proto."""
    proto = asset_pb2.Asset(
        name=asset.name,
        etag=etag,
        display_name=asset.display_name,
        node_id=asset.node_id,
        phase=phase_to_proto(asset.phase),
        meter_point_ids=asset.meter_point_ids,
    )
    getattr(proto, asset.kind).CopyFrom(rating_to_proto(asset.rating))
    return proto


def _rating_from_proto(kind: str, proto: asset_pb2.Asset) -> Rating:
    with at_field(kind):
        return rating_from_proto(RATINGS[kind], getattr(proto, kind))


_NODE_LIMITS = (
    "max_import_power_w",
    "max_export_power_w",
    "max_phase_import_power_w",
    "max_phase_export_power_w",
)
_NODE_EFFICIENCIES = ("import_efficiency_ratio", "export_efficiency_ratio")


def _node_from_proto(proto: electrical_pb2.Node) -> Node:
    numbers = {
        field: getattr(proto, field)
        for field in (*_NODE_LIMITS, *_NODE_EFFICIENCIES)
        if proto.HasField(field)  # type: ignore[arg-type]  # each of them has presence
    }
    return Node(id=proto.id, parent_id=proto.parent_id, display_name=proto.display_name, **numbers)


def _node_to_proto(node: Node) -> electrical_pb2.Node:
    return electrical_pb2.Node(
        id=node.id,
        parent_id=node.parent_id,
        display_name=node.display_name,
        **{field: getattr(node, field) for field in _NODE_LIMITS},
        **{field: getattr(node, field) for field in _NODE_EFFICIENCIES},
    )
