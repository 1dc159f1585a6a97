"""Every page of a running mesh in a real browser, as JSON: looked at, measured, acted on.

    python -m tests.browser [--state FOLDER]

Starts a mesh, or looks at the one whose state folder is given. Each page, dark and light, on a desk
and on a phone: no error, nothing wider than the screen, nothing serious that axe finds; its
screenshot is kept in `.wattmesh/screenshots`. Then a person holds a value, finds its proof and
releases it, goes through by keyboard and by what a screen reader is told, reads numbers and dates
as Germans and as Americans write them, and sees the line break and come back. Exit status 1 when
something is amiss. Playwright and axe come from PyPI, Chromium is Debian's.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.install import install
from tests.e2e.wattmesh_command import Wattmesh
from wattmesh_local.options import STREET

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / ".wattmesh" / "screenshots"
RATE = "300"


@contextmanager
def running_mesh(folder: str | None) -> Iterator[dict[str, Any]]:
    """Give where a mesh runs: that of a state folder, or one that is started for it."""
    if folder is not None:
        yield json.loads((Path(folder) / "run" / "mesh.json").read_text())
        return
    kept = Path(tempfile.mkdtemp(prefix="wattmesh-browser-"))
    command = Wattmesh(kept)
    try:
        street = ("--site", "street", "--data", str(ROOT / ".wattmesh" / STREET))
        yield command.start("up", "--plain", *street, "--identities", "--rate", RATE).state()
    finally:
        command.end()
        shutil.rmtree(kept, ignore_errors=True)


def main() -> int:
    """Run everything; print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", help="state folder of a mesh that runs")
    parser.add_argument("--only", default="", help="journeys whose names have this")
    arguments = parser.parse_args()
    chromium = install()
    from tests.browser import reading  # needs what was just installed
    from tests.browser.journeys import run

    with running_mesh(arguments.state) as mesh:
        report = run(mesh, chromium, SCREENSHOTS, arguments.only, reading.JOURNEYS)
    print(json.dumps(report, indent=1))
    return 1 if report["amiss"] else 0


if __name__ == "__main__":
    sys.exit(main())
