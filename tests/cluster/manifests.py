"""What is applied: a simulated home with identities, on a clock, with our images."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.cluster.identities import CALLER, Identities, secret_volume
from tests.cluster.kubectl import NAMESPACE
from tests.fakes.twin_folders import citylearn_folder
from tools.bootstrap import KUBECTL
from tools.deployment_secrets import manifests as secrets
from tools.deployment_secrets import write as write_secrets

Document: TypeAlias = dict[str, Any]

HERE = Path(__file__).parent
PARTS = (
    *("alerting", "analytics", "carbon", "control", "dashboard", "demandresponse", "forecast"),
    *("gateway", "metering", "optimizer", "planner", "siteoperator", "twin", "usage"),
)
"""Every part with an image of its own."""
STAND_INS = {
    "docker.io/timescale/timescaledb": "localhost/wattmesh-database:1",
    "docker.io/library/eclipse-mosquitto": "localhost/wattmesh-broker:1",
}
"""What is run in the place of images that are not ours."""
FIRST = ("Namespace", "CustomResourceDefinition")
HISTORY_DAYS = 30
RESOLUTION = "PT15M"


def image(part: str) -> str:
    """Return the name under which the image of a part is made and loaded."""
    return f"localhost/wattmesh/{part}:0.1.0"


def documents(clock: str, folder: Path, identities: Identities) -> list[Document]:
    """Return all that is to be applied, in order; `folder` gets data and secrets.

    Every process is on the same simulated clock. Parts ask the node for next to no CPU: two cores
    hold all of them.
    """
    write_secrets(folder / "secrets")
    rendered = [_changed(each, clock, identities) for each in _overlay()]
    first = [each for each in rendered if each["kind"] in FIRST]
    rest = [each for each in rendered if each["kind"] not in FIRST]
    identities.issue()
    made: Any = secrets(folder / "secrets")["items"]
    for each in made:
        each["metadata"]["namespace"] = NAMESPACE
    made += identities.secrets()
    return [*first, *made, _site_data(folder), _script(), *rest, _caller(clock)]


def _overlay() -> list[Document]:
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(HERE / "overlay")],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def _changed(document: Document, clock: str, identities: Identities) -> Document:
    identities.give(document["metadata"]["name"], _pod(document))
    for container in _containers(document):
        name, _, tag = container["image"].rpartition(":")
        container["image"] = STAND_INS.get(name, f"localhost/{name}:{tag}")
        container.get("resources", {}).get("requests", {}).update(cpu="10m")
        container.get("resources", {}).get("limits", {}).pop("cpu", None)
        if container["name"] == "service":
            container.setdefault("env", []).append({"name": "WATTMESH_CLOCK", "value": clock})
            if document["metadata"]["name"] == "planner":
                resolution = {"name": "WATTMESH_PLAN_RESOLUTION", "value": RESOLUTION}
                container["env"].append(resolution)
            if document["metadata"]["name"] == "twin":
                days = {"name": "WATTMESH_HISTORY_DAYS", "value": str(HISTORY_DAYS)}
                container["env"].append(days)
    return document


def _pod(document: Document) -> Document:
    pod: Document = document.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def _containers(document: Document) -> Iterator[Document]:
    pod = _pod(document)
    yield from pod.get("containers", ())
    yield from pod.get("initContainers", ())


def _site_data(folder: Path) -> Document:
    site = citylearn_folder(folder / "site", homes=1, days=2 * HISTORY_DAYS)
    files = {each.name: each.read_text() for each in sorted(site.iterdir())}
    return _config_map("demo-site-data", files)


def _script() -> Document:
    return _config_map("caller", {"caller.py": (HERE / "caller.py").read_text()})


def _config_map(name: str, data: dict[str, str]) -> Document:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _caller(clock: str) -> Document:
    container = {
        "name": "caller",
        "image": image("planner"),
        "command": ["python", "/caller/caller.py", "call"],
        "env": [
            {"name": "WATTMESH_CLOCK", "value": clock},
            {"name": "WATTMESH_TLS_CERTIFICATE_FILE", "value": "/identity/tls.crt"},
            {"name": "WATTMESH_TLS_KEY_FILE", "value": "/identity/tls.key"},
            {"name": "WATTMESH_TLS_CA_FILE", "value": "/identity/ca.crt"},
            {"name": "WATTMESH_LISTEN_ADDRESS", "value": "127.0.0.1:0"},
        ],
        "volumeMounts": [
            {"name": "script", "mountPath": "/caller"},
            {"name": "identity", "mountPath": "/identity", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    pod = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"fsGroup": 10001},
        "containers": [container],
        "volumes": [
            {"name": "identity", "secret": secret_volume(CALLER)},
            {"name": "script", "configMap": {"name": "caller"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    metadata = {"name": "caller", "namespace": NAMESPACE, "labels": {"app": "caller"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def names(documents: list[Document], kind: str) -> list[str]:
    """Return the names of a kind's documents, as kubectl takes them: `deployment/metering`."""
    return [
        f"{kind.lower()}/{each['metadata']['name']}" for each in documents if each["kind"] == kind
    ]
