"""The deployments as they are applied: overlays rendered by the kubectl that setup brings."""

import functools
import subprocess
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from tools.bootstrap import KUBECTL, ROOT
from wattmesh_alerting.settings import AlertingSettings
from wattmesh_analytics.settings import AnalyticsSettings
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_control.settings import ControlSettings
from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_forecast.settings import ForecastSettings
from wattmesh_gateway.settings import GatewaySettings
from wattmesh_metering.settings import MeteringSettings
from wattmesh_optimizer.settings import OptimizerSettings
from wattmesh_planner.settings import PlannerSettings
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_siteoperator.settings import SiteOperatorSettings
from wattmesh_twin.settings import TwinSettings
from wattmesh_usage.settings import UsageSettings

Document: TypeAlias = dict[str, Any]

OVERLAYS = ("development", "trial", "staging", "production", "edge")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
SETTINGS: dict[str, type[ServiceSettings]] = {
    "alerting": AlertingSettings,
    "analytics": AnalyticsSettings,
    "carbon": CarbonSettings,
    "control": ControlSettings,
    "dashboard": DashboardSettings,
    "demandresponse": DemandResponseSettings,
    "forecast": ForecastSettings,
    "gateway": GatewaySettings,
    "metering": MeteringSettings,
    "optimizer": OptimizerSettings,
    "planner": PlannerSettings,
    "siteoperator": SiteOperatorSettings,
    "twin": TwinSettings,
    "usage": UsageSettings,
}
"""Every part that is deployed, by its name there."""
ADDED = ("siteoperator", "twin")
"""Those that some overlays add; what stands in their own components is theirs alone."""
PARTS = tuple(name for name in SETTINGS if name not in ADDED)


@functools.cache
def rendered(folder: str) -> tuple[Document, ...]:
    """Return the documents of a kustomization below k8s/."""
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(ROOT / "k8s" / folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def overlay(name: str) -> tuple[Document, ...]:
    return rendered(f"overlays/{name}")


@functools.cache
def compose() -> Document:
    document: Document = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    return document


def workloads(documents: tuple[Document, ...], *kinds: str) -> Iterator[Document]:
    for document in documents:
        if document["kind"] in (kinds or WORKLOADS):
            yield document


def pod(workload: Document) -> Document:
    spec: Document = workload["spec"]["template"]["spec"]
    return spec


def containers(workload: Document) -> list[Document]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def name_of(document: Document) -> str:
    return str(document["metadata"]["name"])


OF_ITSELF = {"identity_target"}
"""Where a part reaches itself."""


def callees(part: str) -> dict[str, str]:
    """Whom a part calls by its settings: the name of the setting, and whom it is about."""
    own = set(SETTINGS[part].model_fields) - set(ServiceSettings.model_fields)
    calls = {
        name: name.removesuffix("_target").replace("_", "-")
        for name in own - OF_ITSELF
        if "_target" in name
    }
    stores = {
        "database_url": "database",
        "mqtt_url": "broker",
    }
    return calls | {name: whom for name, whom in stores.items() if name in own}
