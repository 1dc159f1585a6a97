"""What a browser is driven by: brought on the first run, kept in `.tools`."""

import os
import shutil
import subprocess
import sys

from tools.bootstrap import PINS, TOOLS, digest, find_uv, step

FOLDER = TOOLS / "browser"
PACKAGE = "chromium"


def install() -> str:
    """Bring Playwright, axe and Chromium; return the path of the last."""
    step(FOLDER / "stamp", digest([PINS / "browser.txt"]), _packages)
    sys.path.append(str(FOLDER))
    return _chromium()


def _packages() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    pins = ["--require-hashes", "--requirement", str(PINS / "browser.txt")]
    command = [find_uv(), "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER), *pins]
    subprocess.run(command, check=True)


def _chromium() -> str:
    found = shutil.which(PACKAGE)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for verb in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
            subprocess.run(["apt-get", "--quiet", *verb], check=True, stdout=sys.stderr)
        found = shutil.which(PACKAGE)
    if found is None:
        sys.exit(f"a browser is missing: install the package {PACKAGE}")
    return found
