"""Builds the planner out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_planner.adapters.control import GrpcController
from wattmesh_planner.adapters.forecast import GrpcForecaster, GrpcIntensities
from wattmesh_planner.adapters.metering import GrpcMeter
from wattmesh_planner.adapters.optimizer import GrpcOptimizer
from wattmesh_planner.adapters.postgres import PostgresLeases, PostgresPlanStore
from wattmesh_planner.adapters.sites import GrpcSiteCatalogue
from wattmesh_planner.api.servicer import PlannerServicer
from wattmesh_planner.app.gather_inputs import GatherInputs
from wattmesh_planner.app.hub import PlanHub
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.query_plans import QueryPlans, TriggerPlan
from wattmesh_planner.app.run_loop import PlanningLoop
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_planner.settings import PlannerSettings
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.service import Runtime, Service


@asynccontextmanager
async def wire(settings: PlannerSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give the planner, ready to serve; its database pool is closed at the end."""
    rhythm = Rhythm(
        resolution=settings.plan_resolution,
        horizon=settings.plan_horizon,
        lead=settings.plan_lead,
    )
    sites = GrpcSiteCatalogue(runtime.channel(settings.metering_target))
    async with Database(settings.database_url, "planner") as database:
        await migrate(database, "wattmesh_planner")
        plans, hub = PostgresPlanStore(database), PlanHub()
        make_plan = MakePlan(
            clock=runtime.clock,
            gather=_gather(settings, runtime, sites, plans, rhythm),
            optimizer=GrpcOptimizer(
                runtime.channel(settings.optimizer_target),
                time_limit=settings.solve_time_limit,
                carbon_price_per_kg=settings.carbon_price_per_kg,
            ),
            controller=GrpcController(runtime.channel(settings.control_target)),
            plans=plans,
            hub=hub,
            rhythm=rhythm,
        )
        loop = PlanningLoop(
            clock=runtime.clock,
            sites=sites,
            make_plan=make_plan,
            plans=plans,
            leases=PostgresLeases(settings.database_url),
            rhythm=rhythm,
        )
        trigger = TriggerPlan(
            clock=runtime.clock, sites=sites, plans=plans, make_plan=make_plan, rhythm=rhythm
        )
        servicer = PlannerServicer(QueryPlans(plans, hub), trigger)
        yield Service(
            name="planner",
            register=(partial(planner_pb2_grpc.add_PlannerServiceServicer_to_server, servicer),),
            service_names=(planner_pb2.DESCRIPTOR.services_by_name["PlannerService"].full_name,),
            tasks=(loop.run,),
        )


def _gather(
    settings: PlannerSettings,
    runtime: Runtime,
    sites: GrpcSiteCatalogue,
    plans: PostgresPlanStore,
    rhythm: Rhythm,
) -> GatherInputs:
    return GatherInputs(
        clock=runtime.clock,
        sites=sites,
        meter=GrpcMeter(runtime.channel(settings.metering_target)),
        forecaster=GrpcForecaster(
            runtime.channel(settings.forecast_target), settings.forecast_deadline_seconds
        ),
        intensities=GrpcIntensities(
            runtime.channel(settings.carbon_target), settings.carbon_deadline_seconds
        ),
        plans=plans,
        rhythm=rhythm,
    )
