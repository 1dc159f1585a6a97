"""Builds carbon out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_carbon.adapters.intensity_meter import CountedIntensityStore
from wattmesh_carbon.adapters.postgres import PostgresIntensityStore
from wattmesh_carbon.adapters.postgres_accounting import (
    PostgresCertificateStore,
    PostgresFactorStore,
)
from wattmesh_carbon.adapters.postgres_forecasts import PostgresForecastStore
from wattmesh_carbon.adapters.sources.file import Sources, read_sources
from wattmesh_carbon.api.accounting_rpcs import UseCases
from wattmesh_carbon.api.servicer import CarbonServicer
from wattmesh_carbon.app.accounts import Accounts
from wattmesh_carbon.app.follow_sources import FollowSources
from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.app.keep_certificates import KeepCertificates
from wattmesh_carbon.app.keep_factors import KeepFactors
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_runtime.database import Database, DatabaseLimits
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service


@asynccontextmanager
async def wire(settings: CarbonSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give carbon, ready to serve; its database pool is closed at the end."""
    async with Database(
        settings.database_url, "carbon", limits=DatabaseLimits.of(settings)
    ) as database:
        await migrate(database, "wattmesh_carbon")
        use_cases = _use_cases(database, runtime)
        servicer, file = CarbonServicer(use_cases), settings.sources_file
        sources = Sources() if file is None else read_sources(file)
        follow = FollowSources(
            runtime.clock, use_cases.intensities, sources.measured, sources.forecasting
        )
        yield Service(
            name="carbon",
            register=(partial(carbon_pb2_grpc.add_CarbonServiceServicer_to_server, servicer),),
            service_names=(carbon_pb2.DESCRIPTOR.services_by_name["CarbonService"].full_name,),
            dependencies=(database.dependency,),
            tasks=(follow.run,) if sources.measured else (),
        )


def _use_cases(database: Database, runtime: Runtime) -> UseCases:
    clock = runtime.clock
    intensities = CountedIntensityStore(PostgresIntensityStore(database), runtime.telemetry)
    certificates = PostgresCertificateStore(database)
    factors = KeepFactors(PostgresFactorStore(database))
    return UseCases(
        intensities=Intensities(intensities, PostgresForecastStore(database), clock),
        accounts=Accounts(intensities, factors, certificates),
        factors=factors,
        certificates=KeepCertificates(certificates, clock),
    )
