"""Footprints, factors, matching and certificates of wattmesh.carbon.v1 ↔ carbon's domain."""

from collections.abc import Iterable, Mapping, Sequence

from wattmesh.carbon.v1 import carbon_pb2, footprint_pb2
from wattmesh.type.v1 import series_pb2
from wattmesh_carbon.domain.accounting import Footprint, FuelUse, UncertifiedBasis
from wattmesh_carbon.domain.avoided import Avoided
from wattmesh_carbon.domain.certificates import Certificate, Retirement, Subject
from wattmesh_carbon.domain.factors import Factor, FactorKind
from wattmesh_carbon.domain.matching import Matching
from wattmesh_contracts.values import (
    at_field,
    series_from_proto,
    series_to_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import CertificateId, GroupId, SiteId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

_KINDS: Mapping[FactorKind, footprint_pb2.FactorKind.ValueType] = {
    FactorKind.RESIDUAL_MIX: footprint_pb2.FACTOR_KIND_RESIDUAL_MIX,
    FactorKind.GRID_LOSSES: footprint_pb2.FACTOR_KIND_GRID_LOSSES,
    FactorKind.UPSTREAM: footprint_pb2.FACTOR_KIND_UPSTREAM,
    FactorKind.NATURAL_GAS: footprint_pb2.FACTOR_KIND_NATURAL_GAS,
    FactorKind.DIESEL: footprint_pb2.FACTOR_KIND_DIESEL,
    FactorKind.LPG: footprint_pb2.FACTOR_KIND_LPG,
}
_KINDS_FROM_PROTO: Mapping[int, FactorKind] = {value: kind for kind, value in _KINDS.items()}
_BASES: Mapping[UncertifiedBasis, footprint_pb2.UncertifiedBasis.ValueType] = {
    UncertifiedBasis.RESIDUAL_MIX: footprint_pb2.UNCERTIFIED_BASIS_RESIDUAL_MIX,
    UncertifiedBasis.AVERAGE: footprint_pb2.UNCERTIFIED_BASIS_AVERAGE,
}


def zone_filter_from_proto(parent: str) -> ZoneId | None:
    """Return the zone whose items are listed; None: all."""
    return None if parent in ("", "zones/-") else ZoneId.parse(parent, "parent")


def optional_series_from_proto(
    present: bool, proto: series_pb2.Series, field: str
) -> Series | None:
    """Return a series; None when there is none."""
    return series_from_proto(proto, field) if present else None


def subject_from_proto(name: str) -> Subject:
    """Return the site or group that is named."""
    with at_field("subjects"):
        return GroupId.parse(name) if name.startswith("groups/") else SiteId.parse(name)


def fuels_from_proto(fuels: Iterable[footprint_pb2.FuelUse]) -> list[FuelUse]:
    """Return the fuels that were burnt."""
    with at_field("fuels"):
        return [FuelUse(fuel=_kind(each.fuel, "fuel"), energy_wh=each.energy_wh) for each in fuels]


def factor_from_proto(message: footprint_pb2.Factor) -> Factor:
    """Return a factor."""
    with at_field("factor"):
        if not message.HasField("value"):
            raise InvalidArgument("MISSING_FIELD", "say the factor", field="value")
        return Factor(
            kind=_kind(message.kind, "kind"),
            zone=ZoneId.parse(message.zone, "zone") if message.zone else None,
            year=message.year,
            value=message.value,
            source=message.source,
            licence=message.licence,
        )


def factor_to_proto(factor: Factor) -> footprint_pb2.Factor:
    """Return a factor as its proto."""
    return footprint_pb2.Factor(
        kind=_KINDS[factor.kind],
        zone="" if factor.zone is None else factor.zone.name,
        year=factor.year,
        value=factor.value,
        source=factor.source,
        licence=factor.licence,
    )


def footprint_to_proto(footprint: Footprint) -> carbon_pb2.ComputeFootprintResponse:
    """Return a footprint as its proto."""
    location = footprint.location
    return carbon_pb2.ComputeFootprintResponse(
        location_based_gco2e=location.total_gco2e,
        covered_energy_ratio=location.covered_energy_ratio,
        footprint=footprint_pb2.Footprint(
            scope1_gco2e=footprint.scope1_gco2e,
            location_based_gco2e=location.total_gco2e,
            market_based_gco2e=footprint.market_based_gco2e,
            certified_energy_wh=footprint.certified_wh,
            uncertified_basis=_BASES[footprint.uncertified_basis],
            grid_losses_gco2e=footprint.grid_losses_gco2e,
            upstream_gco2e=footprint.upstream_gco2e,
            covered_energy_ratio=location.covered_energy_ratio,
            import_energy_wh=location.import_wh,
            export_energy_wh=footprint.export_wh,
            factors=map(factor_to_proto, footprint.factors),
            location_based_gco2e_series=series_to_proto(location.gco2e),
        ),
    )


def matching_to_proto(matching: Matching) -> footprint_pb2.Matching:
    """Return what was matched as its proto."""
    return footprint_pb2.Matching(
        hourly_matched_ratio=matching.hourly_ratio,
        volume_matched_ratio=matching.volume_ratio,
        matched_energy_wh=series_to_proto(matching.matched_wh),
        excess_energy_wh=matching.excess_wh,
        covered_ratio=matching.covered_ratio,
    )


def avoided_to_proto(avoided: Avoided) -> carbon_pb2.ComputeAvoidedEmissionsResponse:
    """Return what was avoided as its proto."""
    return carbon_pb2.ComputeAvoidedEmissionsResponse(
        avoided_gco2e=avoided.gco2e, covered_ratio=avoided.covered_ratio
    )


def certificate_from_proto(message: footprint_pb2.Certificate) -> Certificate:
    """Return a certificate of which nothing is retired."""
    with at_field("certificate"):
        last = None
        if message.HasField("retirement_range"):
            last = time_range_from_proto(message.retirement_range, "retirement_range").end
        return Certificate(
            id=CertificateId.parse(message.name),
            issuer=message.issuer,
            serial_number=message.serial_number,
            zone=ZoneId.parse(message.zone, "zone"),
            technology=message.technology,
            energy_wh=message.energy_wh,
            generation=time_range_from_proto(message.generation_range, "generation_range"),
            emission_gco2e_per_kwh=message.emission_gco2e_per_kwh,
            last_retirement=last,
        )


def certificate_to_proto(certificate: Certificate) -> footprint_pb2.Certificate:
    """Return a certificate as its proto."""
    last, generation = certificate.last_retirement, certificate.generation
    until = None if last is None else time_range_to_proto(TimeRange(generation.end, last))
    return footprint_pb2.Certificate(
        name=certificate.id.name,
        issuer=certificate.issuer,
        serial_number=certificate.serial_number,
        zone=certificate.zone.name,
        technology=certificate.technology,
        energy_wh=certificate.energy_wh,
        generation_range=time_range_to_proto(generation),
        emission_gco2e_per_kwh=certificate.emission_gco2e_per_kwh,
        retirement_range=until,
        remaining_energy_wh=certificate.remaining_wh,
        retirements=_retirements_to_proto(certificate.retirements),
    )


def retirement_from_proto(message: footprint_pb2.Retirement) -> Retirement:
    """Return a retirement."""
    with at_field("retirement"):
        return Retirement(
            subject=subject_from_proto(message.subject),
            consumption=time_range_from_proto(message.consumption_range, "consumption_range"),
            energy_wh=message.energy_wh,
        )


def _retirements_to_proto(retirements: Sequence[Retirement]) -> list[footprint_pb2.Retirement]:
    return [
        footprint_pb2.Retirement(
            subject=each.subject.name,
            consumption_range=time_range_to_proto(each.consumption),
            energy_wh=each.energy_wh,
        )
        for each in retirements
    ]


def _kind(value: int, field: str) -> FactorKind:
    found = _KINDS_FROM_PROTO.get(value)
    if found is None:
        raise InvalidArgument("UNKNOWN_VALUE", f"there is no kind {value}", field=field)
    return found
