"""The Helm chart says what the overlays say, and takes the values that it names."""

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.deployments import overlay, pod
from tools.bootstrap import HELM
from tools.chart import NAMESPACE, PROFILES, write

pytestmark = pytest.mark.time_limit(180)
"""Every overlay is rendered first."""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chart") / "wattmesh"
    write(folder, lambda name: copy.deepcopy(list(overlay(name))))
    return folder


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HELM), *words], capture_output=True, text=True, check=False)


def templated(chart: Path, *values: str) -> dict[tuple[str, str], Any]:
    """Return the documents of a release by kind and name."""
    words = [word for value in values for word in ("--set", value)]
    done = helm("template", "release", str(chart), "--namespace", NAMESPACE, *words)
    assert done.returncode == 0, done.stderr
    documents = yaml.load_all(done.stdout, Loader=yaml.CSafeLoader)
    return {(each["kind"], each["metadata"]["name"]): each for each in documents if each}


def test_the_chart_is_sound_by_helms_own_rules(chart: Path) -> None:
    done = helm("lint", "--strict", str(chart))

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_its_overlay_to_the_letter(chart: Path, profile: str) -> None:
    expected = {
        (each["kind"], each["metadata"]["name"]): each
        for each in overlay(profile)
        if each["kind"] != "Namespace"
    }
    found = templated(chart, f"profile={profile}")
    for kind, name in [key for key in found if key[0] == "Job"]:
        each = found.pop((kind, name))
        # A job cannot be changed: each revision of a release has its own.
        each["metadata"]["name"] = name.removesuffix("-1")
        found[kind, each["metadata"]["name"]] = each

    assert found.keys() == expected.keys()
    for key, document in found.items():
        assert document == expected[key], key


def test_registry_replicas_resources_and_settings_are_what_the_values_say(chart: Path) -> None:
    found = templated(
        chart,
        "images.registry=registry.example/energy/",
        "images.tag=9.9",
        "parts.metering.replicas=50",
        "parts.usage.replicas=4",
        "parts.planner.resources.limits.memory=3Gi",
        "parts.planner.env.WATTMESH_PLAN_RESOLUTION=PT15M",
    )

    grows = found["HorizontalPodAutoscaler", "metering"]["spec"]
    assert (grows["minReplicas"], grows["maxReplicas"]) == (50, 50)
    assert found["Deployment", "usage"]["spec"]["replicas"] == 4
    (service,) = pod(found["Deployment", "planner"])["containers"]
    assert service["image"] == "registry.example/energy/wattmesh/planner:9.9"
    assert service["resources"] == {"limits": {"memory": "3Gi"}}
    assert {"name": "WATTMESH_PLAN_RESOLUTION", "value": "PT15M"} in service["env"]


@pytest.mark.parametrize(
    "value",
    ["profile=nowhere", "parts.metring.replicas=2", "parts.metering.replica=2", "image.x=1"],
)
def test_a_value_that_the_chart_does_not_know_is_refused(chart: Path, value: str) -> None:
    done = helm("template", "release", str(chart), "--set", value)

    assert done.returncode != 0
    assert value.split(".")[0].split("=")[0] in done.stderr
