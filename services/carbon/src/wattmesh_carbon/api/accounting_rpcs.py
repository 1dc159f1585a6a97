"""The RPCs of wattmesh.carbon.v1.CarbonService about footprints, factors and certificates."""
# ruff: noqa: N802 (the method names are those of the contract)

from dataclasses import dataclass

import grpc

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_carbon.api.convert import as_of_from_proto
from wattmesh_carbon.api.convert_accounting import (
    avoided_to_proto,
    certificate_from_proto,
    certificate_to_proto,
    factor_from_proto,
    factor_to_proto,
    footprint_to_proto,
    fuels_from_proto,
    matching_to_proto,
    optional_series_from_proto,
    retirement_from_proto,
    subject_from_proto,
    zone_filter_from_proto,
)
from wattmesh_carbon.app.accounts import Accounts
from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.app.keep_certificates import KeepCertificates
from wattmesh_carbon.app.keep_factors import KeepFactors
from wattmesh_contracts.values import series_from_proto
from wattmesh_kernel.ids import CertificateId, ZoneId

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """What the servicer calls."""

    intensities: Intensities
    accounts: Accounts
    factors: KeepFactors
    certificates: KeepCertificates


class AccountingRpcs(carbon_pb2_grpc.CarbonServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use = use_cases

    async def ComputeFootprint(
        self, request: carbon_pb2.ComputeFootprintRequest, context: Context
    ) -> carbon_pb2.ComputeFootprintResponse:
        """Return what imported energy and fuel amount to."""
        found = await self._use.accounts.footprint(
            ZoneId.parse(request.zone),
            series_from_proto(request.import_energy_wh, "import_energy_wh"),
            export_wh=optional_series_from_proto(
                request.HasField("export_energy_wh"), request.export_energy_wh, "export_energy_wh"
            ),
            fuels=fuels_from_proto(request.fuels),
            subjects=[subject_from_proto(each) for each in request.subjects],
            as_of=as_of_from_proto(request),
        )
        return footprint_to_proto(found)

    async def ComputeMatching(
        self, request: carbon_pb2.ComputeMatchingRequest, context: Context
    ) -> carbon_pb2.ComputeMatchingResponse:
        """Return how much of a consumption was matched."""
        found = await self._use.accounts.matching(
            series_from_proto(request.consumption_energy_wh, "consumption_energy_wh"),
            optional_series_from_proto(
                request.HasField("own_energy_wh"), request.own_energy_wh, "own_energy_wh"
            ),
            [subject_from_proto(each) for each in request.subjects],
        )
        return carbon_pb2.ComputeMatchingResponse(matching=matching_to_proto(found))

    async def ComputeAvoidedEmissions(
        self, request: carbon_pb2.ComputeAvoidedEmissionsRequest, context: Context
    ) -> carbon_pb2.ComputeAvoidedEmissionsResponse:
        """Return what less consumption has avoided."""
        energy = series_from_proto(request.avoided_energy_wh, "avoided_energy_wh")
        return avoided_to_proto(
            await self._use.accounts.avoided(ZoneId.parse(request.zone), energy)
        )

    async def PublishFactor(
        self, request: carbon_pb2.PublishFactorRequest, context: Context
    ) -> carbon_pb2.PublishFactorResponse:
        """Keep a factor."""
        kept = await self._use.factors.publish(factor_from_proto(request.factor))
        return carbon_pb2.PublishFactorResponse(factor=factor_to_proto(kept))

    async def ListFactors(
        self, request: carbon_pb2.ListFactorsRequest, context: Context
    ) -> carbon_pb2.ListFactorsResponse:
        """List factors."""
        found, token = await self._use.factors.page(
            zone_filter_from_proto(request.parent), request.page_size, request.page_token
        )
        return carbon_pb2.ListFactorsResponse(
            factors=map(factor_to_proto, found), next_page_token=token
        )

    async def RegisterCertificate(
        self, request: carbon_pb2.RegisterCertificateRequest, context: Context
    ) -> carbon_pb2.RegisterCertificateResponse:
        """Enter a certificate."""
        kept = await self._use.certificates.register(certificate_from_proto(request.certificate))
        return carbon_pb2.RegisterCertificateResponse(certificate=certificate_to_proto(kept))

    async def GetCertificate(
        self, request: carbon_pb2.GetCertificateRequest, context: Context
    ) -> carbon_pb2.GetCertificateResponse:
        """Return a certificate."""
        kept = await self._use.certificates.get(CertificateId.parse(request.name))
        return carbon_pb2.GetCertificateResponse(certificate=certificate_to_proto(kept))

    async def ListCertificates(
        self, request: carbon_pb2.ListCertificatesRequest, context: Context
    ) -> carbon_pb2.ListCertificatesResponse:
        """List certificates by name."""
        found, token = await self._use.certificates.page(
            zone_filter_from_proto(request.parent), request.page_size, request.page_token
        )
        return carbon_pb2.ListCertificatesResponse(
            certificates=map(certificate_to_proto, found), next_page_token=token
        )

    async def RetireCertificate(
        self, request: carbon_pb2.RetireCertificateRequest, context: Context
    ) -> carbon_pb2.RetireCertificateResponse:
        """Spend energy of a certificate."""
        kept = await self._use.certificates.retire(
            CertificateId.parse(request.name),
            retirement_from_proto(request.retirement),
            request.request_id,
        )
        return carbon_pb2.RetireCertificateResponse(certificate=certificate_to_proto(kept))
