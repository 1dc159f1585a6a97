"""The operator of sites with its real wiring, beside a fake API server of Kubernetes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import yaml

from tests.fakes.eventually import eventually
from tests.fakes.kubernetes_api import NAMESPACE, KubernetesApi, kubernetes_api
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_siteoperator.settings import SiteOperatorSettings
from wattmesh_siteoperator.wiring import wire


@asynccontextmanager
async def site_operator(metering_target: str, clock: Clock) -> AsyncIterator[KubernetesApi]:
    """Run it; give the API server that it follows."""
    async with kubernetes_api() as (api, url):
        settings = SiteOperatorSettings(
            metering_target=metering_target,
            namespace=NAMESPACE,
            kubernetes_api=url,
            look_again=timedelta(seconds=1),
            try_again=timedelta(seconds=0.2),
        )
        async with (
            Runtime(settings, clock, Telemetry("test")) as runtime,
            wire(settings, runtime) as service,
        ):
            tasks = [asyncio.ensure_future(start()) for start in service.tasks]
            try:
                yield api
            finally:
                await cancel_until_ended(*tasks)


def spec_of(file: str) -> dict[str, Any]:
    """What a resource says of a site that a file describes."""
    document: dict[str, Any] = yaml.safe_load(file)
    document["site"].pop("id")
    return document


async def judged(api: KubernetesApi, name: str, truth: str) -> str:
    """Wait until the newest of a resource is judged so; return the reason."""
    await eventually(lambda: api.ready(name)[0] == truth, seconds=30)
    return api.ready(name)[1]
