"""The images of the mesh, and of what stands in for images of others."""

import subprocess
from collections.abc import Sequence

from tests.cluster.manifests import HERE, PARTS, STAND_INS, image
from tools.bootstrap import ROOT


def build(command: Sequence[str], base: str) -> None:
    """Make all of them from a base."""
    for name in STAND_INS.values():
        folder = HERE / "stand_in" / name.removeprefix("localhost/wattmesh-").partition(":")[0]
        _run(*command, "--tag", name, "--build-arg", f"BASE={base}", str(folder))
    for part in PARTS:
        words = ("--build-arg", f"BASE={base}", "--build-arg", f"PACKAGE={part}")
        _run(*command, "--file", "deploy/Dockerfile", "--tag", image(part), *words, ".")


def load(command: Sequence[str]) -> None:
    """Give all of them to the cluster."""
    for name in (*STAND_INS.values(), *map(image, PARTS)):
        _run(*command, name)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)
