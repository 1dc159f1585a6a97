"""Sites with their assets, nodes and limits from their protos."""

from typing import Any

from wattmesh.optimizer.v1 import asset_pb2, problem_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.billing import billing_state_from_proto
from wattmesh_contracts.sites import phase_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import duration_from_proto, time_range_from_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import time_zone
from wattmesh_optimizer.api.electrical import (
    deferrable_from_proto,
    fixed_load_from_proto,
    generator_from_proto,
    renewable_from_proto,
)
from wattmesh_optimizer.api.fields import KILO, given, kilo, optional, optional_column
from wattmesh_optimizer.api.storage import battery_from_proto, ev_charger_from_proto
from wattmesh_optimizer.api.thermal import hvac_zone_from_proto, thermal_tank_from_proto
from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.domain.site import (
    Asset,
    AssetKind,
    CarbonIntensity,
    IslandingReserve,
    Node,
    PowerLimits,
    Site,
)


class TariffsOnce:
    """Tariffs by what was said of them: sites with the same one share it, and what follows."""

    def __init__(self) -> None:
        self._known: dict[bytes, Tariff] = {}

    def __call__(self, proto: tariff_pb2.Tariff) -> Tariff:
        """Return the tariff of a proto; InvalidArgument naming the field that makes no sense."""
        key = proto.SerializeToString(deterministic=True)
        if key not in self._known:
            self._known[key] = tariff_from_proto(proto)
        return self._known[key]


def site_from_proto(proto: problem_pb2.Site, count: int, tariffs: TariffsOnce) -> Site:
    """Return a site; InvalidArgument naming the asset and field that make no sense."""
    return Site(
        name=proto.name,
        zone=time_zone(proto.time_zone or "UTC", "sites.time_zone"),
        assets=tuple(asset_from_proto(asset, count) for asset in proto.assets),
        nodes=tuple(node_from_proto(node) for node in proto.nodes),
        tariff=tariffs(proto.tariff) if proto.HasField("tariff") else None,
        billing_state=(
            billing_state_from_proto(proto.billing_state)
            if proto.HasField("billing_state")
            else None
        ),
        limits=limits_from_proto(proto.connection_limits),
        carbon=_carbon(proto.carbon_intensity) if proto.HasField("carbon_intensity") else None,
        islanding_reserve=(
            _islanding(proto.islanding_reserve) if proto.HasField("islanding_reserve") else None
        ),
        islanded_ranges=tuple(
            time_range_from_proto(span, "islanded_ranges") for span in proto.islanded_ranges
        ),
        power_before_kw=kilo(optional(proto, "power_before_w")),
    )


def asset_from_proto(proto: asset_pb2.Asset, count: int) -> Asset:
    """Return an asset; InvalidArgument naming it and the field that makes no sense."""
    try:
        kind = _kind(proto, count)
    except InvalidArgument as error:
        message = f"{proto.name}: {error.message}"
        raise InvalidArgument(error.reason, message, error.metadata, field=error.field) from error
    return Asset(
        name=proto.name,
        kind=kind,
        node_id=proto.node_id,
        phase=phase_from_proto(proto.phase),
    )


def _kind(proto: asset_pb2.Asset, count: int) -> AssetKind:
    match proto.WhichOneof("kind"):
        case "fixed_load":
            return fixed_load_from_proto(proto.fixed_load)
        case "renewable_source":
            return renewable_from_proto(proto.renewable_source)
        case "battery":
            return battery_from_proto(proto.battery)
        case "ev_charger":
            return ev_charger_from_proto(proto.ev_charger)
        case "hvac_zone":
            return hvac_zone_from_proto(proto.hvac_zone)
        case "thermal_tank":
            return thermal_tank_from_proto(proto.thermal_tank, count)
        case "deferrable_load":
            return deferrable_from_proto(proto.deferrable_load)
        case "generator":
            return generator_from_proto(proto.generator)
        case _:
            raise refuse("assets.kind", "is missing")


def limits_from_proto(proto: problem_pb2.PowerLimits, **defaults: Any) -> PowerLimits:
    """Return limits; InvalidArgument when one is negative."""
    return PowerLimits(
        max_import_power_kw=kilo(optional(proto, "max_import_power_w")),
        max_export_power_kw=kilo(optional(proto, "max_export_power_w")),
        max_import_powers_kw=optional_column(proto.max_import_powers_w, KILO),
        max_export_powers_kw=optional_column(proto.max_export_powers_w, KILO),
        max_phase_import_power_kw=kilo(optional(proto, "max_phase_import_power_w")),
        max_phase_export_power_kw=kilo(optional(proto, "max_phase_export_power_w")),
        max_phase_import_powers_kw=optional_column(proto.max_phase_import_powers_w, KILO),
        max_phase_export_powers_kw=optional_column(proto.max_phase_export_powers_w, KILO),
        **{**defaults, **given(proto, limit_price_per_kwh="limit_price_per_kwh")},
    )


def node_from_proto(proto: problem_pb2.Node) -> Node:
    """Return a node; InvalidArgument when a limit is negative or an efficiency not above 0."""
    return Node(
        id=proto.id,
        parent_id=proto.parent_id,
        limits=limits_from_proto(proto.limits),
        display_name=proto.display_name,
        **given(
            proto,
            import_efficiency_ratio="import_efficiency_ratio",
            export_efficiency_ratio="export_efficiency_ratio",
        ),
    )


def _carbon(proto: problem_pb2.CarbonIntensity) -> CarbonIntensity:
    return CarbonIntensity(
        average_gco2e_per_kwh=optional_column(proto.average_intensities_gco2e_per_kwh),
        marginal_gco2e_per_kwh=optional_column(proto.marginal_intensities_gco2e_per_kwh),
    )


def _islanding(proto: problem_pb2.IslandingReserve) -> IslandingReserve:
    return IslandingReserve(
        duration=duration_from_proto(proto.duration, "islanding_reserve.duration"),
        percentile_ratio=proto.percentile_ratio,
        generators_count=proto.generators_count,
        **given(proto, shortfall_price_per_kwh="shortfall_price_per_kwh"),
    )
