"""Footprints and matching, from carbon."""

from collections.abc import Sequence
from datetime import datetime

import grpc

from wattmesh.analytics.v1 import footprint_pb2 as pb
from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc, footprint_pb2
from wattmesh_analytics.domain.portfolio import ZoneEnergy, weighted, weights
from wattmesh_contracts.values import series_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_runtime.aio.tasks import together
from wattmesh_runtime.errors import rpc_errors

_SUMS = (
    *("location_based_gco2e", "market_based_gco2e", "certified_energy_wh"),
    *("import_energy_wh", "export_energy_wh"),
)


class GrpcAccountant:
    """Accountant of `SiteFootprint` messages with footprint and matching filled in."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = carbon_pb2_grpc.CarbonServiceStub(channel)

    async def accounts(
        self, energy: ZoneEnergy, subjects: Sequence[SiteId | GroupId], as_of: datetime | None
    ) -> pb.SiteFootprint:
        """Return footprint and matching of an energy, with what was retired for the subjects."""
        names = [each.name for each in subjects]
        footprint = carbon_pb2.ComputeFootprintRequest(
            zone=energy.zone.name,
            import_energy_wh=series_to_proto(energy.import_wh),
            export_energy_wh=series_to_proto(energy.export_wh),
            subjects=names,
            as_of_time=None if as_of is None else timestamp_to_proto(as_of),
        )
        matching = carbon_pb2.ComputeMatchingRequest(
            consumption_energy_wh=series_to_proto(energy.consumption_wh),
            own_energy_wh=series_to_proto(energy.own_wh),
            subjects=names,
        )
        with rpc_errors():
            amounts, matched = await together(
                self._stub.ComputeFootprint(footprint), self._stub.ComputeMatching(matching)
            )
        if energy.scope1_gco2e is not None:  # by generators' own factors, which the site model has
            amounts.footprint.scope1_gco2e = energy.scope1_gco2e
        return pb.SiteFootprint(footprint=amounts.footprint, matching=matched.matching)

    async def together(
        self,
        zones: Sequence[ZoneEnergy],
        subjects: Sequence[SiteId | GroupId],
        as_of: datetime | None,
        parts: Sequence[tuple[ZoneEnergy, pb.SiteFootprint]],
    ) -> pb.SiteFootprint:
        """Return all zones as one; coverage is that of the sites, each by its energy.

        Certificates speak for all of a portfolio where it lies in one zone; else for each site, and
        hours are matched in one zone alone.
        """
        if len(zones) > 1:
            total = pb.SiteFootprint(footprint=_added([each.footprint for _, each in parts]))
        else:
            total = await self.accounts(zones[0], subjects, as_of)
            consumed = weights([energy.consumption_wh for energy, _ in parts])
            covered = [each.matching.covered_ratio for _, each in parts]
            total.matching.covered_ratio = weighted(covered, consumed)
        imported = weights([energy.import_wh for energy, _ in parts])
        ratios = [each.footprint.covered_energy_ratio for _, each in parts]
        total.footprint.covered_energy_ratio = weighted(ratios, imported)
        return total


def _added(found: Sequence[footprint_pb2.Footprint]) -> footprint_pb2.Footprint:
    """Return footprints of several zones as one, without a series."""
    total = footprint_pb2.Footprint(uncertified_basis=max(each.uncertified_basis for each in found))
    for name in _SUMS:
        setattr(total, name, sum(getattr(each, name) for each in found))
    burning = [each.scope1_gco2e for each in found if each.HasField("scope1_gco2e")]
    if burning:
        total.scope1_gco2e = sum(burning)
    if all(each.HasField("grid_losses_gco2e") for each in found):
        total.grid_losses_gco2e = sum(each.grid_losses_gco2e for each in found)
    if all(each.HasField("upstream_gco2e") for each in found):
        total.upstream_gco2e = sum(each.upstream_gco2e for each in found)
    factors = {each.SerializeToString(): each for one in found for each in one.factors}
    total.factors.extend(factors.values())
    return total
