"""Builds the operator of sites out of its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wattmesh_runtime.service import Runtime, Service
from wattmesh_siteoperator.adapters.sites import RegisteredSites
from wattmesh_siteoperator.api.kubernetes import Following, KubernetesOperator
from wattmesh_siteoperator.app.reconcile import ReconcileSite, RemoveSite
from wattmesh_siteoperator.settings import SiteOperatorSettings


@asynccontextmanager
async def wire(settings: SiteOperatorSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give the operator, ready to follow resources; it serves nothing but its health."""
    sites = RegisteredSites(runtime.channel(settings.metering_target))
    following = Following(
        namespace=settings.namespace,
        api=settings.kubernetes_api,
        look_again=settings.look_again,
        try_again=settings.try_again,
    )
    operator = KubernetesOperator(ReconcileSite(sites), RemoveSite(sites), following, runtime.clock)
    yield Service(
        name="siteoperator",
        register=(),
        service_names=(),
        dependencies=(
            runtime.peer("metering", settings.metering_target, without="resources wait"),
        ),
        tasks=(operator.run,),
    )
