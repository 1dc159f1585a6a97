"""What holds for every pod: Pod Security `restricted`, and what roll-outs need to lose nothing."""

import pytest

from tests.fakes.deployments import (
    OVERLAYS,
    PARTS,
    SETTINGS,
    Document,
    containers,
    name_of,
    overlay,
    pod,
    rendered,
    workloads,
)
from wattmesh_runtime.access.certificates import caller_of

RESTRICTED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}


def restricted_faults(workload: Document) -> list[str]:
    """What Pod Security `restricted` would refuse."""
    spec, faults = pod(workload), []
    if any(spec.get(each) for each in ("hostNetwork", "hostPID", "hostIPC", "hostUsers")):
        faults.append("shares the host's namespaces")
    for volume in spec.get("volumes", []):
        faults += [f"volume {kind}" for kind in set(volume) - {"name"} - RESTRICTED_VOLUMES]
    if spec.get("securityContext", {}).get("sysctls"):
        faults.append("sysctls")
    for container in containers(workload):
        faults += container_faults(container, spec.get("securityContext", {}))
    return faults


def container_faults(container: Document, inherited: Document) -> list[str]:
    own = container.get("securityContext", {})
    both = {**inherited, **own}
    capabilities = own.get("capabilities", {})
    rules = {
        "may be root": both.get("runAsNonRoot") is not True or both.get("runAsUser") in (None, 0),
        "may escalate": own.get("allowPrivilegeEscalation") is not False,
        "privileged": own.get("privileged", False),
        "keeps capabilities": capabilities.get("drop") != ["ALL"],
        "adds capabilities": set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"} != set(),
        "no seccomp": both.get("seccompProfile", {}).get("type")
        not in ("RuntimeDefault", "Localhost"),
        "host port": any("hostPort" in port for port in container.get("ports", [])),
        "unmasked proc": "procMount" in own,
    }
    return [fault for fault, broken in rules.items() if broken]


def own_faults(workload: Document) -> list[str]:
    """What we ask for beyond it."""
    spec, faults = pod(workload), []
    if spec.get("automountServiceAccountToken") is not False:
        faults.append("has a token for the API")
    if spec.get("serviceAccountName", "default") == "default":
        faults.append("no service account of its own")
    for container in containers(workload):
        resources = container.get("resources", {})
        for part in ("requests", "limits"):
            faults += [
                f"no {part} of {what}"
                for what in ("cpu", "memory")
                if what not in resources.get(part, {})
            ]
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            faults.append("writes to its root")
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in container["image"] and tag in ("", "latest"):
            faults.append("no version")
        if workload["kind"] != "Job":
            probes = ("startupProbe", "readinessProbe", "livenessProbe")
            faults += [f"no {probe}" for probe in probes if probe not in container]
        faults += [
            f"secret in plain: {variable['name']}"
            for variable in container.get("env", [])
            if any(word in variable["name"].lower() for word in ("password", "token", "_url"))
            and not variable["name"].lower().endswith("_file")
        ]
    return faults


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_pod_is_restricted_and_bounded(name: str) -> None:
    faults = {
        name_of(each): found
        for each in workloads(overlay(name))
        if (found := [*restricted_faults(each), *own_faults(each)])
    }
    assert faults == {}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_server_has_a_budget_and_is_spread(name: str) -> None:
    documents = overlay(name)
    budgets = {
        str(each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]): each["spec"]
        for each in documents
        if each["kind"] == "PodDisruptionBudget"
    }
    servers = list(workloads(documents, "Deployment", "StatefulSet"))
    assert budgets.keys() == {name_of(each) for each in servers}
    assert all(each == 1 for each in (spec["maxUnavailable"] for spec in budgets.values()))
    for server in servers:
        labels = server["spec"]["template"]["metadata"]["labels"]
        for spread in pod(server)["topologySpreadConstraints"]:
            wanted = spread["labelSelector"]["matchLabels"]
            assert wanted, name_of(server)
            assert wanted.items() <= labels.items(), name_of(server)


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_service_finds_the_pods_of_its_workload_and_no_job(name: str) -> None:
    documents = overlay(name)
    pods = {
        name_of(each): each["spec"]["template"]["metadata"]["labels"]
        for each in workloads(documents)
    }
    for service in (each for each in documents if each["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        found = [pod for pod, labels in pods.items() if wanted <= labels.items()]
        assert found == [name_of(service).removesuffix("-web")]


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_part_runs_and_callers_see_all_of_its_pods(name: str) -> None:
    documents = overlay(name)
    running = {name_of(each) for each in workloads(documents, "Deployment", "StatefulSet")}
    headless = {
        name_of(each)
        for each in documents
        if each["kind"] == "Service" and each["spec"].get("clusterIP") == "None"
    }
    assert set(PARTS) <= running
    assert set(PARTS) <= headless


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_part_that_may_be_doubled_survives_the_loss_of_a_pod(name: str) -> None:
    scaled = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"]
        for each in overlay(name)
        if each["kind"] == "HorizontalPodAutoscaler"
    }
    for each in workloads(overlay(name), "Deployment"):
        if name_of(each) in PARTS:
            replicas = each["spec"].get("replicas", scaled.get(name_of(each)))
            assert replicas is not None, f"{name_of(each)} has neither replicas nor an autoscaler"
            assert replicas >= 2, name_of(each)
            assert ("replicas" in each["spec"]) != (name_of(each) in scaled), "two would count"


def test_the_simulated_home_is_held_to_the_same() -> None:
    (twin,) = workloads(rendered("components/demo-site/twin"))
    found = [each for each in own_faults(twin) if each != "no version"]
    assert [*restricted_faults(twin), *found] == []


def test_the_operator_of_sites_alone_has_a_token_for_the_api_and_for_an_hour() -> None:
    """Mounted by its own word: `automountServiceAccountToken` would give it to every container."""
    tokens = {
        name_of(each): source["serviceAccountToken"]["expirationSeconds"]
        for each in workloads(overlay("production"))
        for volume in pod(each).get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    }
    assert tokens == {"siteoperator": 3600}


@pytest.mark.parametrize("name", ["staging", "production", "edge"])
def test_every_part_has_an_identity_and_the_gateway_is_the_one_that_it_says(name: str) -> None:
    for each in workloads(overlay(name), "Deployment", "StatefulSet"):
        if name_of(each) not in SETTINGS:
            continue
        volumes = {volume["name"]: volume for volume in pod(each)["volumes"]}
        names = volumes["identity"]["csi"]["volumeAttributes"]
        uri = names["csi.cert-manager.io/uri-sans"]
        service = uri.replace("${POD_NAMESPACE}", "wattmesh")
        service = service.replace("${SERVICE_ACCOUNT_NAME}", pod(each)["serviceAccountName"])
        caller = caller_of(service, "mesh")
        assert caller is not None, uri
        (container,) = containers(each)
        told = {variable["name"]: variable.get("value") for variable in container["env"]}
        gateway = None if caller.gateway is None else caller.gateway.name
        assert gateway == told.get("WATTMESH_GATEWAY")
