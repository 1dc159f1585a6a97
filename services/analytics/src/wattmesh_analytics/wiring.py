"""Builds analytics out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.analytics.v1 import analytics_service_pb2, analytics_service_pb2_grpc
from wattmesh_analytics.adapters.accountant import GrpcAccountant
from wattmesh_analytics.adapters.carbon import GrpcEmissions
from wattmesh_analytics.adapters.metering import GrpcMeter
from wattmesh_analytics.api.servicer import AnalyticsServicer, UseCases
from wattmesh_analytics.app.query_bills import QueryBills
from wattmesh_analytics.app.query_footprint import QueryFootprint
from wattmesh_analytics.app.query_indicators import QueryIndicators
from wattmesh_analytics.app.query_savings import QuerySavings
from wattmesh_analytics.app.query_tariff_costs import QueryTariffCosts
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_runtime.service import Runtime, Service
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

_SERVICE = analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"]


@asynccontextmanager
async def wire(settings: AnalyticsSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give analytics, ready to serve."""
    metering, carbon = (
        runtime.channel(settings.metering_target),
        runtime.channel(settings.carbon_target),
    )
    clock, view = runtime.clock, SiteModelView(runtime.clock)
    file = settings.site_model_file
    follower = SiteModelClient(metering, view, None if file is None else SiteModelFile(file))
    await follower.recall()
    meter, tariffs = GrpcMeter(metering), GrpcTariffs(metering)
    energy = ReadEnergy(meter)
    use_cases = UseCases(
        bills=QueryBills(clock=clock, view=view, energy=energy, tariffs=tariffs),
        savings=QuerySavings(
            clock=clock,
            view=view,
            meter=meter,
            tariffs=tariffs,
            emissions=GrpcEmissions(carbon),
        ),
        indicators=QueryIndicators(clock=clock, view=view, energy=energy),
        tariff_costs=QueryTariffCosts(clock=clock, view=view, energy=energy, tariffs=tariffs),
        footprint=QueryFootprint(
            clock=clock, view=view, energy=energy, accountant=GrpcAccountant(carbon)
        ),
    )
    add = analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server
    yield Service(
        name="analytics",
        register=(partial(add, AnalyticsServicer(use_cases)),),
        service_names=(_SERVICE.full_name,),
        dependencies=(
            runtime.peer("metering", settings.metering_target),
            runtime.peer(
                "carbon", settings.carbon_target, without="no savings and footprints are computed"
            ),
        ),
        tasks=(follower.run,),
    )
